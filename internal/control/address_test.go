package control

import (
	"net/netip"
	"testing"
)

func TestParsePortal(t *testing.T) {
	for in, want := range map[string]string{
		"10.0.0.1":               "10.0.0.1:3260",
		"10.0.0.1:13260":         "10.0.0.1:13260",
		"0.0.0.0":                "0.0.0.0:3260",
		"127.0.0.1:0":            "127.0.0.1:0",
		"fd00::1":                "[fd00::1]:3260",
		"[fd00::1]":              "[fd00::1]:3260",
		"[fd00::1]:1":            "[fd00::1]:1",
		"[::]:3260":              "[::]:3260",
		"fe80::1%eth0":           "[fe80::1%eth0]:3260",
		"::ffff:10.0.0.1":        "10.0.0.1:3260",
		"":                       "",
		"localhost":              "",
		"localhost:3260":         "",
		":3260":                  "",
		"10.0.0.1:":              "",
		"10.0.0.1:65536":         "",
		"10.0.0.1:-1":            "",
		"10.0.0.1:iscsi":         "",
		"10.0.0.256":             "",
		"[fd00::1":               "",
		"[fd00::1]3260":          "",
		"fd00::1:3260:1:2:3:4:5": "",
	} {
		got, err := ParsePortal(in)
		switch {
		case want == "" && err == nil:
			t.Errorf("%q gave %v, want an error", in, got)
		case want == "":
			wantProblem(t, err)
		case err != nil || got.String() != want:
			t.Errorf("%q gave %v, %v, want %s", in, got, err, want)
		}
	}
}

func TestParseHostPort(t *testing.T) {
	for in, want := range map[string]string{
		"san.example.org":      "san.example.org:3260",
		"san.example.org:1":    "san.example.org:1",
		"10.0.0.1":             "10.0.0.1:3260",
		"[fd00::1]:3261":       "[fd00::1]:3261",
		"fd00::1":              "[fd00::1]:3260",
		"0.0.0.0:3260":         "",
		"[::]:3260":            "",
		"san.example.org:0":    "",
		"san example":          "",
		"san.example.org,1":    "",
		"a\x00b":               "",
		"":                     "",
		":3260":                "",
		"iscsi://10.0.0.1":     "",
		"fe80::1%eth0":         "",
		"[san.example.org]:99": "san.example.org:99",
	} {
		got, err := ParseHostPort(in, DefaultPort)
		switch {
		case want == "" && err == nil:
			t.Errorf("%q gave %q, want an error", in, got)
		case want == "":
			wantProblem(t, err)
		case err != nil || got != want:
			t.Errorf("%q gave %q, %v, want %s", in, got, err, want)
		}
	}
}

func FuzzParsePortal(f *testing.F) {
	for _, s := range []string{"10.0.0.1", "10.0.0.1:3260", "[fd00::1]:1", "fd00::1", "fe80::1%eth0", "::%]", "", ":", "[", "[]:1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		a, err := ParsePortal(s)
		if err != nil {
			return
		}
		if again, err := ParsePortal(a.String()); err != nil || again != a {
			t.Errorf("%q is %v, which is %v, %v", s, a, again, err)
		}
	})
}

func FuzzParseHostPort(f *testing.F) {
	for _, s := range []string{"san.example.org", "10.0.0.1:3260", "[fd00::1]:1", "fd00::1", "", ":", "[", "a,1", "[a]:1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		a, err := ParseHostPort(s, DefaultPort)
		if err != nil {
			return
		}
		if again, err := ParseHostPort(a, 1); err != nil || again != a {
			t.Errorf("%q is %q, which is %q, %v", s, a, again, err)
		}
	})
}

func TestOverlap(t *testing.T) {
	tests := []struct {
		a, b string
		want bool
	}{
		{"10.0.0.1:3260", "10.0.0.1:3260", true},
		{"10.0.0.1:3260", "10.0.0.1:3261", false},
		{"10.0.0.1:3260", "10.0.0.2:3260", false},
		{"0.0.0.0:3260", "10.0.0.2:3260", true},
		{"10.0.0.2:3260", "0.0.0.0:3260", true},
		{"0.0.0.0:3260", "[::]:3260", false},
		{"[::]:3260", "[fd00::1]:3260", true},
		{"127.0.0.1:0", "127.0.0.1:0", false},
	}
	for _, test := range tests {
		if got := overlap(netip.MustParseAddrPort(test.a), netip.MustParseAddrPort(test.b)); got != test.want {
			t.Errorf("%s and %s: %t", test.a, test.b, got)
		}
	}
}

// What is announced without a port is at the port that is listened on.
func TestAnnouncedPort(t *testing.T) {
	at := netip.MustParseAddrPort
	for _, test := range []struct {
		portals []netip.AddrPort
		want    uint16
	}{
		{nil, DefaultPort},
		{[]netip.AddrPort{at("127.0.0.1:0")}, DefaultPort},
		{[]netip.AddrPort{at("0.0.0.0:860"), at("[::]:3260")}, 860},
	} {
		if got := AnnouncedPort(test.portals); got != test.want {
			t.Errorf("%v: %d, want %d", test.portals, got, test.want)
		}
	}
	if got, err := ParseHostPort("san.example.org", 860); err != nil || got != "san.example.org:860" {
		t.Errorf("%q, %v", got, err)
	}
}
