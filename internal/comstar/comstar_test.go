package comstar

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var rewrite = flag.Bool("rewrite", false, "write what the exports say into their goldens")

// exports are the fixtures, and what reads them.
var exports = map[string]func(io.Reader) (*Config, error){"stmf": ReadSTMF, "iscsitgt": ReadISCSITGT}

func fixture(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name+".xml"))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func read(t testing.TB, name string) *Config {
	t.Helper()
	c, err := exports[name](bytes.NewReader(fixture(t, name)))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestExports holds what the exports say against testdata/*.json.
func TestExports(t *testing.T) {
	for name := range exports {
		t.Run(name, func(t *testing.T) {
			got, err := json.MarshalIndent(read(t, name), "", "  ")
			if err != nil {
				t.Fatal(err)
			}
			golden := filepath.Join("testdata", name+".json")
			if *rewrite {
				if err := os.WriteFile(golden, append(got, '\n'), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(strings.Split(strings.TrimSpace(string(want)), "\n"), strings.Split(string(got), "\n")); diff != "" {
				t.Errorf("%s (-want +got), -rewrite takes it over:\n%s", golden, diff)
			}
		})
	}
}

// TestSecrets: they are carried, and print nowhere.
func TestSecrets(t *testing.T) {
	stmf, old := read(t, "stmf"), read(t, "iscsitgt")
	for want, got := range map[string]Secret{
		"initiator-secret": stmf.Initiators[0].CHAPSecret,
		"target-secret-1":  stmf.Targets[1].CHAPSecret,
		"radius-secret-1":  stmf.Defaults.RADIUSSecret,
		"esx-secret-11":    old.Initiators[0].CHAPSecret,
		"daemon-secret":    old.Targets[0].CHAPSecret,
		"radius-secret":    old.Defaults.RADIUSSecret,
	} {
		if string(got) != want {
			t.Errorf("a secret is %q, want %q", []byte(got), want)
		}
	}
	for _, c := range []*Config{stmf, old} {
		asJSON, err := json.Marshal(c)
		if err != nil {
			t.Fatal(err)
		}
		for _, printed := range []string{fmt.Sprintf("%v %+v %#v", c, *c, *c), fmt.Sprintf("%s %x %q", c.Initiators, c.Initiators, c.Initiators), string(asJSON)} {
			for _, secret := range []string{"-secret", "2d736563726574", "LXNlY3JldA", "c2VjcmV0"} {
				if strings.Contains(printed, secret) {
					t.Errorf("a secret is printed: %s", printed)
				}
			}
		}
	}
}

// TestReadRefuses: a damaged export is refused in words that say where.
func TestReadRefuses(t *testing.T) {
	stmf := string(fixture(t, "stmf"))
	old := string(fixture(t, "iscsitgt"))
	edit := func(s, from, to string) string {
		if !strings.Contains(s, from) {
			t.Fatalf("the export has no %q", from)
		}
		return strings.ReplaceAll(s, from, to)
	}
	for name, c := range map[string]struct {
		read func(io.Reader) (*Config, error)
		text string
		want string
	}{
		"nothing":         {ReadSTMF, "", "no service"},
		"not XML":         {ReadSTMF, "stmfadm list-lu", "no service"},
		"another tree":    {ReadSTMF, "<a/>", "outermost element is a"},
		"cut off":         {ReadSTMF, stmf[:len(stmf)/2], "no service bundle"},
		"other service":   {ReadSTMF, old, "of system/iscsitgt and not of system/stmf"},
		"other service 2": {ReadISCSITGT, stmf, "of system/stmf and not of system/iscsitgt"},
		"deep":            {ReadSTMF, "<service_bundle>" + strings.Repeat("<a>", 20), "more than 16 deep"},
		"entities":        {ReadSTMF, `<!DOCTYPE x [<!ENTITY a "aaaa">]><service_bundle>&a;</service_bundle>`, "entity"},
		"no -a":           {ReadSTMF, edit(stmf, "<propval name='provider_data_prop-0' type='opaque' value='", "<propval name='x' type='opaque' value='"), "svccfg export -a stmf"},
		"no pieces":       {ReadSTMF, edit(stmf, "<propval name='provider_data_cnt' type='count' value='1'/>", "<property name='provider_data_cnt' type='count'/>"), "svccfg export -a stmf"},
		"many pieces":     {ReadSTMF, edit(stmf, "'provider_data_cnt' type='count' value='1'", "'provider_data_cnt' type='count' value='99999999'"), "99999999"},
		"not hexadecimal": {ReadSTMF, edit(stmf, "value='01010000", "value='0101000g"), "provider_data_prop-0"},
		"other encoding":  {ReadSTMF, edit(stmf, "value='01010000", "value='00010000"), "encoding 0"},
		"GUID of a unit":  {ReadSTMF, edit(stmf, "lu-600144F01", "lu-X00144F01"), "lu-X00144F01"},
		"LUN too long":    {ReadSTMF, edit(stmf, "412c000000000000", "412c00000000000000"), "9 bytes"},
		"LUN of levels":   {ReadSTMF, edit(stmf, "412c000000000000", "412c000100000000"), "412c000100000000"},
		"nobody's view":   {ReadSTMF, edit(stmf, "value='ESX1'/>", "value=''/>"), "host group"},
		"secret":          {ReadISCSITGT, edit(old, "name='I_esx1.1' type='astring' value='", "name='I_esx1.1' type='astring' value='*"), "secret of initiator esx1.1 is not in base 64"},
		"LUN":             {ReadISCSITGT, edit(old, "<value_node value='7'/>", "<value_node value='16384'/>"), "16384"},
		"size":            {ReadISCSITGT, edit(old, "0x6400000", "0x7fffffffffffffff"), "0x7fffffffffffffff"},
		"tag":             {ReadISCSITGT, edit(old, "name='tpgt-list' type='astring' value='1'", "name='tpgt-list' type='astring' value='x'"), `portal group "x"`},
		"no iSCSI name":   {ReadISCSITGT, edit(old, "name='iscsi-name'", "name='name'"), "has no iSCSI name"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := c.read(strings.NewReader(c.text))
			if err == nil || !strings.Contains(err.Error(), c.want) || got != nil {
				t.Errorf("%v, %v; want an error with %q", got, err, c.want)
			}
			if err != nil && strings.Contains(err.Error(), "*ZXN4") {
				t.Errorf("%v shows a secret", err)
			}
		})
	}
}

// endless is an export without an end.
type endless struct{ begun bool }

func (e *endless) Read(p []byte) (int, error) {
	if !e.begun {
		e.begun = true
		return copy(p, "<service_bundle>"), nil
	}
	for i := range p {
		p[i] = ' '
	}
	return len(p), nil
}

func TestReadEnds(t *testing.T) {
	if _, err := ReadSTMF(new(endless)); err == nil || !strings.Contains(err.Error(), "longer than") {
		t.Errorf("an export without an end: %v", err)
	}
}

// TestPieces puts provider data together that SMF keeps in several pieces.
func TestPieces(t *testing.T) {
	text := string(fixture(t, "stmf"))
	head, rest, _ := strings.Cut(text, "<propval name='provider_data_prop-0' type='opaque' value='")
	data, rest, _ := strings.Cut(rest, "'/>")
	head = strings.Replace(head, "'provider_data_cnt' type='count' value='1'", "'provider_data_cnt' type='count' value='3'", 1)
	var pieces strings.Builder
	for n, piece := range []string{data[:100], data[100:102], data[102:]} {
		fmt.Fprintf(&pieces, "<propval name='provider_data_prop-%d' type='opaque' value='%s'/>", n, piece)
	}
	got, err := ReadSTMF(strings.NewReader(head + pieces.String() + rest))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(read(t, "stmf"), got); diff != "" {
		t.Errorf("in pieces (-whole +pieces):\n%s", diff)
	}
}

func FuzzReadSTMF(f *testing.F) {
	fuzz(f, ReadSTMF, `<service_bundle><service name='system/stmf'>
<property_group name='host_groups'><propval name='group_name-0' value='a'/><propval name='group_name-0-member_list' value='b'/></property_group>
<property_group name='lu-600144F00000000000004FC511EC0001'><property name='view_entry-0-600144F00000000000004FC511EC0001'/></property_group>
<property_group name='view_entry-0-600144F00000000000004FC511EC0001'><propval name='all_targets' value='true'/>
<propval name='host_group' value='a'/><propval name='lu_nbr' value='0001000000000000'/></property_group>
<property_group name='provider_data_pg_iscsit'><propval name='provider_data_cnt' value='1'/>
<propval name='provider_data_prop-0' value='0101000000000000000000010000000000000000'/></property_group>
</service></service_bundle>`)
}

func FuzzReadISCSITGT(f *testing.F) {
	fuzz(f, ReadISCSITGT, `<service_bundle><service name='system/iscsitgt'>
<property_group name='passwords'><propval name='I_a' value='YWJj'/></property_group>
<property_group name='initiator_a'><propval name='iscsi-name' value='iqn.a'/><propval name='chap-name' value='c'/></property_group>
<property_group name='tpgt_1'><propval name='ip-address-list' value='::1'/></property_group>
<property_group name='target_t'><propval name='iscsi-name' value='iqn.t'/><propval name='acl-list' value='a'/>
<propval name='tpgt-list' value='1'/><property name='lun-list'><astring_list><value_node value='0'/></astring_list></property></property_group>
<property_group name='param_t_0'><propval name='backing-store' value='/b'/><propval name='size' value='0x800'/></property_group>
</service></service_bundle>`)
}

// fuzz reads anything: either it is refused, or what comes of it can be written down and carried.
// The seed is short, as whole exports are too long to be varied much.
func fuzz(f *testing.F, read func(io.Reader) (*Config, error), seed string) {
	if c, err := read(strings.NewReader(seed)); err != nil || len(c.Views) == 0 {
		f.Fatalf("the seed is %+v, %v", c, err)
	}
	f.Add([]byte(seed))
	f.Fuzz(func(t *testing.T, text []byte) {
		c, err := read(bytes.NewReader(text))
		if err != nil {
			if c != nil {
				t.Fatalf("a configuration, and %v", err)
			}
			return
		}
		if _, err := json.Marshal(c); err != nil {
			t.Fatal(err)
		}
		units := make(map[string]bool)
		for _, u := range c.Units {
			units[u.Name] = true
		}
		for _, v := range c.Views {
			if !units[v.Unit] || v.LUN < 0 || v.LUN >= 1<<14 {
				t.Fatalf("a view of nothing: %+v", v)
			}
		}
		if err := c.Rewrite(Rewrite{DropGroups: true}); err != nil || c.PortalGroups != nil {
			t.Fatalf("dropping portal groups: %v", err)
		}
	})
}
