package comstar

import (
	"slices"
	"strings"
	"testing"
)

func TestRewrite(t *testing.T) {
	c := read(t, "stmf")
	err := c.Rewrite(Rewrite{
		Paths:   []Mapping{{"/dev/zvol/rdsk/sp2/esx/", "/dev/zvol/sp1/vmware"}, {"/dev/zvol/rdsk", "/dev/zvol/"}, {"/export/luns/iso", "/srv/iso.img"}},
		Portals: []Mapping{{"10.0.0.1", "10.20.0.1"}, {"fd00::1", "fd00::2"}, {"10.10.0.1:3261", "10.20.0.2:3260"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	var paths, portals []string
	for _, u := range c.Units {
		paths = append(paths, u.Path)
	}
	for _, g := range c.PortalGroups {
		portals = append(portals, g.Portals...)
	}
	if want := []string{"/dev/zvol/sp1/gw/trio1", "/dev/zvol/sp1/vmware/vol1", "/srv/iso.img", ""}; !slices.Equal(paths, want) {
		t.Errorf("paths are %q, want %q", paths, want)
	}
	if want := []string{"10.20.0.2:3260", "10.20.0.1:3260", "[fd00::2]:3260"}; !slices.Equal(portals, want) {
		t.Errorf("portals are %q, want %q", portals, want)
	}
}

func TestRewriteDropsGroups(t *testing.T) {
	c := read(t, "stmf")
	if err := c.Rewrite(Rewrite{DropGroups: true, Portals: []Mapping{{"10.0.0.1", "10.20.0.1"}}}); err != nil {
		t.Fatal(err)
	}
	if c.PortalGroups != nil || c.Targets[1].Groups != nil {
		t.Errorf("there are portal groups: %v, %v", c.PortalGroups, c.Targets)
	}
}

func TestRewriteRefuses(t *testing.T) {
	for want, r := range map[string]Rewrite{
		"no store is at or below /dev/zvol/rdsk/sp": {Paths: []Mapping{{"/dev/zvol/rdsk/sp", "/x"}}},
		"no store is at or below /nowhere":          {Paths: []Mapping{{"/export", "/x"}, {"/nowhere", "/y"}}},
		"no portal has the address 10.0.0.2":        {Portals: []Mapping{{"10.0.0.2", "10.0.0.3"}}},
		"somewhere is no address":                   {Portals: []Mapping{{"10.0.0.1", "somewhere"}}},
		"10.0.0.3 is no address with a port":        {Portals: []Mapping{{"10.0.0.1:3260", "10.0.0.3"}}},
	} {
		if err := read(t, "stmf").Rewrite(r); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want %q", r, err, want)
		}
	}
}

func TestParseMapping(t *testing.T) {
	if m, err := ParseMapping("/a=/b"); err != nil || m != (Mapping{"/a", "/b"}) {
		t.Errorf("%v, %v", m, err)
	}
	for _, s := range []string{"", "=", "/a", "/a=", "=/b", "/a=/b=/c"} {
		if m, err := ParseMapping(s); err == nil {
			t.Errorf("%q is %v", s, m)
		}
	}
}
