package sbd_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lunarsan/lunar/sbd"
)

func TestMetrics(t *testing.T) {
	u := online(t, sbd.Config{WriteCache: true, Thin: true}, sbd.NewMem(1<<20))
	op := &sbd.Op{MayBlock: true}
	p := make([]byte, 1000)
	for _, err := range []error{
		u.ReadAt(op, p, 0),
		u.ReadAt(op, p[:500], 0),
		u.WriteAt(op, p, 0, true),
		u.Unmap(op, 0, 4096, false),
		u.Zero(op, 0, 8192, false),
		u.Update(op, 0, 512, false, func(x sbd.Exclusive) error { return x.WriteAt(p[:10], 0) }),
		u.CopyFrom(sbd.Copy{From: u, FromOff: 60 << 10, Off: 256 << 10, N: 8192, Buffers: [][]byte{make([]byte, sbd.CopyPiece)}}),
		u.Sync(op),
	} {
		if err != nil {
			t.Error(err)
		}
	}
	if u.ReadAt(op, p, 1<<20) == nil {
		t.Error("no error")
	}
	want := sbd.Metrics{
		Reads: 2, ReadBytes: 1500, Writes: 2, WriteBytes: 1010, Unmaps: 1, UnmapBytes: 4096,
		Zeros: 1, ZeroBytes: 8192, Copies: 1, CopyMovedBytes: 4096, CopyHoleBytes: 4096, Updates: 1, Syncs: 2, Commits: 2, Errors: 1,
	}
	if diff := cmp.Diff(want, u.Metrics()); diff != "" {
		t.Error(diff)
	}
	const text = "reads 2 (1500 bytes), writes 2 (1010 bytes), unmaps 1 (4096 bytes), zeros 1 (8192 bytes), " +
		"copies 1 (bytes: 0 shared, 0 below, 4096 moved, 4096 of holes), updates 1, syncs 2 in 2 commits, errors 1"
	if got := want.String(); got != text {
		t.Errorf("String() = %q, want %q", got, text)
	}
}
