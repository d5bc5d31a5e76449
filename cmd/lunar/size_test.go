package main

import (
	"math"
	"testing"
)

func TestSize(t *testing.T) {
	for in, want := range map[string]int64{
		"0":                   0,
		"512":                 512,
		"512B":                512,
		"1K":                  1 << 10,
		"10G":                 10 << 30,
		"10g":                 10 << 30,
		"10GiB":               10 << 30,
		"512MiB":              512 << 20,
		"2T":                  2 << 40,
		"1P":                  1 << 50,
		"7E":                  7 << 60,
		"9223372036854775807": math.MaxInt64,
		"8E":                  -1,
		"9223372036854775808": -1,
		"":                    -1,
		"G":                   -1,
		"-1":                  -1,
		"+1":                  -1,
		"1.5G":                -1,
		"10GB":                -1, // 10^9 or 2^30?
		"10 G":                -1,
		"10Gi":                -1,
		"10X":                 -1,
		"0x10":                -1,
		"1_000":               -1,
	} {
		var z size
		err := z.Set(in)
		switch {
		case want < 0 && err == nil:
			t.Errorf("%q gave %d, want an error", in, z)
		case want >= 0 && (err != nil || int64(z) != want):
			t.Errorf("%q gave %d, %v, want %d", in, z, err, want)
		}
	}
}

func TestFormatSize(t *testing.T) {
	for in, want := range map[int64]string{
		0: "0 B", 1023: "1023 B", 1024: "1 KiB", 1536: "1.5 KiB", 1 << 20: "1 MiB", 10 << 30: "10 GiB",
		100<<30 + 1: "100 GiB", 1<<40 + 1<<38: "1.25 TiB", math.MaxInt64: "8 EiB",
	} {
		if got := formatSize(in); got != want {
			t.Errorf("%d is %q, want %q", in, got, want)
		}
	}
}

func FuzzSize(f *testing.F) {
	for _, s := range []string{"10G", "10GiB", "512", "1K", "8E", "", "-1", "1.5G", "99999999999999999999"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		var z size
		if z.Set(s) == nil && z < 0 {
			t.Errorf("%q is %d", s, int64(z))
		}
	})
}
