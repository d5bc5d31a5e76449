package sbd_test

import (
	"errors"
	"testing"

	"github.com/lunarsan/lunar/sbd"
	"github.com/lunarsan/lunar/sbd/storetest"
)

func TestMem(t *testing.T) {
	storetest.Run(t, func(t *testing.T) sbd.Store { return sbd.NewMem(storetest.MinSize + 4096) })
}

func TestNull(t *testing.T) {
	s := sbd.NewNull(1 << 20)
	p := []byte("something")
	if n, err := s.WriteAt(p, 0); n != len(p) || err != nil {
		t.Errorf("WriteAt = %d, %v", n, err)
	}
	if n, err := s.ReadAt(p, 0); n != len(p) || err != nil || string(p) != string(make([]byte, len(p))) {
		t.Errorf("ReadAt = %d, %v, %q", n, err, p)
	}
	for _, call := range []func([]byte, int64) (int, error){s.ReadAt, s.WriteAt, s.TryReadAt, s.TryWriteAt} {
		if _, err := call(p, 1<<20-1); !errors.Is(err, sbd.ErrOutOfRange) {
			t.Errorf("beyond the end: %v, want ErrOutOfRange", err)
		}
	}
}
