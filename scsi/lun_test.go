package scsi

import "testing"

func TestLUNs(t *testing.T) {
	for n := range MaxLUN + 1 {
		l := LUNOf(n)
		if got, ok := LUNFrom(l.Bytes()).Number(); !ok || got != n {
			t.Fatalf("LUN %d is %016x and reads as %d, %v", n, uint64(l), got, ok)
		}
	}
	for _, c := range []struct {
		lun LUN
		n   int
		ok  bool
	}{
		{0x0005000000000000, 5, true},
		{0x4005000000000000, 5, true}, // flat addressing of a small one
		{0x4100000000000000, 256, true},
		{0x0105000000000000, 0, false}, // another bus
		{0x0005000100000000, 0, false}, // a second level
		{0x8005000000000000, 0, false}, // logical unit addressing
		{0xC101000000000000, 0, false}, // a well known unit
	} {
		if n, ok := c.lun.Number(); ok != c.ok || ok && n != c.n {
			t.Errorf("%016x is LUN %d, %v, want %d, %v", uint64(c.lun), n, ok, c.n, c.ok)
		}
	}
	if s := LUNOf(300).String() + " " + LUN(0x8005000000000000).String(); s != "300 8005000000000000" {
		t.Errorf("as text: %s", s)
	}
}
