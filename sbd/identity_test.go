package sbd_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/lunarsan/lunar/sbd"
)

func TestParseGUID(t *testing.T) {
	const digits = "600144f0c8a3cf0000004f1d2e3b0001"
	for _, s := range []string{digits, strings.ToUpper(digits), "naa." + digits, "NAA." + digits} {
		g, err := sbd.ParseGUID(s)
		if err != nil || g.String() != digits {
			t.Errorf("ParseGUID(%q) = %v, %v", s, g, err)
		}
	}
	for _, s := range []string{
		"", "naa.", "6", digits[1:], digits + "0", digits + "00", "5" + digits[1:], "0x" + digits[2:],
		digits[:31] + "g", " " + digits, "naa." + "naa." + digits, "naa." + digits[:28], strings.Repeat("6", 1000), "6é" + digits[3:],
	} {
		if g, err := sbd.ParseGUID(s); err == nil || g != (sbd.GUID{}) {
			t.Errorf("ParseGUID(%q) = %v, %v, want an error", s, g, err)
		}
	}
}

func TestGUIDAsText(t *testing.T) {
	type record struct{ GUID sbd.GUID }
	want := record{sbd.NewGUID()}
	text, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	var got record
	if err := json.Unmarshal(text, &got); err != nil || got != want {
		t.Errorf("%s became %v, %v", text, got, err)
	}
	if err := json.Unmarshal([]byte(`{"GUID":"5000"}`), &got); err == nil {
		t.Error("no error for a short GUID")
	}
}

func TestNewGUID(t *testing.T) {
	seen := make(map[sbd.GUID]bool)
	var or sbd.GUID
	and := sbd.NewGUID()
	for range 200 {
		g := sbd.NewGUID()
		if s := g.String(); !strings.HasPrefix(s, "6024c53") || seen[g] {
			t.Fatalf("NewGUID() = %s (seen before: %t)", s, seen[g])
		}
		if back, err := sbd.ParseGUID(g.String()); err != nil || back != g {
			t.Fatalf("%s became %s, %v", g, back, err)
		}
		seen[g] = true
		for i := range g {
			or[i] |= g[i]
			and[i] &= g[i]
		}
	}
	// Behind the company all 100 bits vary.
	for i := 3; i < len(or); i++ {
		want := byte(0xff)
		if i == 3 {
			want = 0x0f
		}
		if or[i]&^and[i] != want {
			t.Errorf("byte %d never varies in %08b", i, want&^(or[i]&^and[i]))
		}
	}
}

func FuzzParseGUID(f *testing.F) {
	for _, s := range []string{"600144f0c8a3cf0000004f1d2e3b0001", "naa.6024C530000000000000000000000001", "6", "", "naa."} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		g, err := sbd.ParseGUID(s)
		if err != nil {
			if g != (sbd.GUID{}) {
				t.Errorf("ParseGUID(%q) = %v with an error", s, g)
			}
			return
		}
		if want := strings.TrimPrefix(strings.ToLower(s), "naa."); g.String() != want {
			t.Errorf("ParseGUID(%q) = %s", s, g)
		}
	})
}

func TestIdentityCheck(t *testing.T) {
	good := sbd.Identity{GUID: sbd.NewGUID(), Serial: "1234", Vendor: "SUN", Product: "COMSTAR", Revision: "1.0", Version: 5, BlockSize: 512}
	if err := good.Check(); err != nil {
		t.Errorf("Check: %v", err)
	}
	for name, spoil := range map[string]func(*sbd.Identity){
		"GUID":       func(id *sbd.Identity) { id.GUID = sbd.GUID{} },
		"version":    func(id *sbd.Identity) { id.Version = 2 },
		"block size": func(id *sbd.Identity) { id.BlockSize = 520 },
		"serial":     func(id *sbd.Identity) { id.Serial = strings.Repeat("1", 253) },
		"vendor":     func(id *sbd.Identity) { id.Vendor = "123456789" },
		"product":    func(id *sbd.Identity) { id.Product = "café" },
		"revision":   func(id *sbd.Identity) { id.Revision = "\x00" },
	} {
		id := good
		spoil(&id)
		if err := id.Check(); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("a bad %s: %v", name, err)
		}
	}
}
