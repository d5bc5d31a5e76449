package target

import (
	"strings"
	"testing"
)

func TestParseName(t *testing.T) {
	long := "iqn.2026-01.org.example:" + strings.Repeat("x", MaxName-24)
	for _, c := range []struct {
		name, want string // want "": refused
		why        string
	}{
		{name: "iqn.2026-01.org.example:disks", want: "iqn.2026-01.org.example:disks"},
		{name: "IQN.1998-01.com.VMware:ESX-1", want: "iqn.1998-01.com.vmware:esx-1"},
		{name: "iqn.1991-05.com.microsoft:my_host", want: "iqn.1991-05.com.microsoft:my_host"},
		{name: "iqn.2007-10.com.github:sahlberg:libiscsi:iscsi-test", want: "iqn.2007-10.com.github:sahlberg:libiscsi:iscsi-test"},
		{name: "eui.02004567A425678D", want: "eui.02004567a425678d"},
		{name: "naa.52004567BA64678D", want: "naa.52004567ba64678d"},
		{name: "naa.62004567BA64678D0123456789ABCDEF", want: "naa.62004567ba64678d0123456789abcdef"},
		{name: long, want: long},

		{name: "", why: "must begin with"},
		{name: "disk", why: "must begin with"},
		{name: "iqn", why: "yyyy-mm"},
		{name: "iqn.", why: "yyyy-mm"},
		{name: "iqn.2026-01.", why: "yyyy-mm"},
		{name: "iqn.2026-1.org.example", why: "yyyy-mm"},
		{name: "iqn.26-01.org.example", why: "yyyy-mm"},
		{name: "iqn.2026-00.org.example", why: "no month 00"},
		{name: "iqn.2026-13.org.example", why: "no month 13"},
		{name: "iqn.2026-01.org.example:a b", why: "' '"},
		{name: "iqn.2026-01.org.example:a\nb", why: `'\n'`},
		{name: "iqn.2026-01.org.example:ä", why: "'ä'"},
		{name: "iqn.2026-01.org.example:\xff", why: "not allowed"},
		{name: "eui.0200", why: "[16] hexadecimal"},
		{name: "eui.02004567A425678G", why: "hexadecimal"},
		{name: "naa.52004567BA64678D00", why: "[16 32] hexadecimal"},
		{name: long + "x", why: "224 bytes"},
	} {
		got, err := ParseName(c.name)
		if got != c.want || (err != nil) != (c.want == "") {
			t.Errorf("ParseName(%q) = %q, %v", c.name, got, err)
		}
		if err != nil && !strings.Contains(err.Error(), c.why) {
			t.Errorf("ParseName(%q): %v, want %q in it", c.name, err, c.why)
		}
	}
}

// A name that passed is its own spelling, and harmless in a log or a text.
func FuzzParseName(f *testing.F) {
	for _, name := range []string{"iqn.2026-01.org.example:Disks", "eui.02004567A425678D", "naa.52004567BA64678D", "iqn.2026-01.", "İqn.x"} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, s string) {
		name, err := ParseName(s)
		if err != nil {
			if name != "" {
				t.Errorf("%q and the error %v", name, err)
			}
			return
		}
		if again, err := ParseName(name); again != name || err != nil {
			t.Errorf("%q becomes %q, %v", name, again, err)
		}
		if len(name) > MaxName || strings.ContainsFunc(name, func(r rune) bool { return r <= ' ' || r == '=' || r == ',' || r > '~' }) {
			t.Errorf("%q passed as %q", s, name)
		}
	})
}
