package sbd_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lunarsan/lunar/sbd"
	"github.com/lunarsan/lunar/sbd/storetest"
)

// Without rules, a Faulty is the store it wraps, whatever powers that has.
func TestFaulty(t *testing.T) {
	t.Run("all powers", func(t *testing.T) {
		storetest.Run(t, func(t *testing.T) sbd.Store { return sbd.NewFaulty(sbd.NewMem(storetest.MinSize)) })
	})
	t.Run("none", func(t *testing.T) {
		f := sbd.NewFaulty(plain{sbd.NewMem(1 << 20)})
		for name, try := range map[string]func([]byte, int64) (int, error){"TryReadAt": f.TryReadAt, "TryWriteAt": f.TryWriteAt} {
			if _, err := try(make([]byte, 512), 0); !errors.Is(err, sbd.ErrWouldBlock) {
				t.Errorf("%s: %v, want ErrWouldBlock", name, err)
			}
		}
		if err := f.Resize(2 << 20); err == nil {
			t.Error("Resize of a store that cannot: no error")
		}
		if mapped, n, err := f.Mapped(512); !mapped || n != 1<<20-512 || err != nil {
			t.Errorf("Mapped = %t, %d, %v", mapped, n, err)
		}
	})
}

func TestRules(t *testing.T) {
	boom := errors.New("boom")
	for _, c := range []struct {
		name string
		rule sbd.Rule
		want []bool // whether the calls below fail
	}{
		{"all writes", sbd.Rule{Calls: sbd.CallWrite, Err: boom}, []bool{true, false, true, true}},
		{"a range", sbd.Rule{Calls: sbd.CallRead | sbd.CallWrite, Off: 4095, N: 1, Err: boom}, []bool{false, false, true, false}},
		{"the second", sbd.Rule{Calls: sbd.CallWrite, After: 1, Times: 1, Err: boom}, []bool{false, false, true, false}},
		{"another call", sbd.Rule{Calls: sbd.CallSync, Err: boom}, []bool{false, false, false, false}},
		{"no error", sbd.Rule{Calls: sbd.CallWrite}, []bool{false, false, false, false}},
	} {
		f := sbd.NewFaulty(sbd.NewMem(1<<20), c.rule)
		p := make([]byte, 512)
		var got []bool
		for _, call := range []func() (int, error){
			func() (int, error) { return f.WriteAt(p, 0) },
			func() (int, error) { return f.ReadAt(p, 0) },
			func() (int, error) { return f.WriteAt(p, 4096-512) },
			func() (int, error) { return f.TryWriteAt(p, 4096) },
		} {
			_, err := call()
			got = append(got, errors.Is(err, boom))
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s: %s", c.name, diff)
		}
		if n := f.Calls(sbd.CallWrite); n != 3 {
			t.Errorf("%s: Calls = %d, want 3", c.name, n)
		}
		f.Heal()
		if _, err := f.WriteAt(p, 0); err != nil {
			t.Errorf("%s: after Heal: %v", c.name, err)
		}
	}
}

// A short write leaves a prefix, as a power loss would.
func TestShort(t *testing.T) {
	f := sbd.NewFaulty(sbd.NewMem(1<<20), sbd.Rule{Calls: sbd.CallWriteAt, Times: 1, Short: 3, Err: sbd.ErrMedium})
	if n, err := f.WriteAt([]byte("abcdef"), 10); n != 3 || !errors.Is(err, sbd.ErrMedium) {
		t.Errorf("WriteAt = %d, %v", n, err)
	}
	p := make([]byte, 6)
	if _, err := f.ReadAt(p, 10); err != nil || string(p) != "abc\x00\x00\x00" {
		t.Errorf("left %q, %v", p, err)
	}
}
