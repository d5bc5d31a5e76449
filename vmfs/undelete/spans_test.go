package undelete

import (
	"math/rand/v2"
	"testing"

	"github.com/lunarsan/lunar/vmfs"
)

// Spans against a map of bytes, in many orders.
func TestSpans(t *testing.T) {
	const room = 200
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 1))
		var (
			all   spans
			times [2][room]int
		)
		for range r.IntN(12) {
			d, from := r.IntN(2), r.IntN(room-1)
			to := from + 1 + r.IntN(min(40, room-from))
			all = append(all, span{d, int64(from), int64(to), 0})
			for at := from; at < to; at++ {
				times[d][at]++
			}
		}
		twice := append(spans(nil), all...).doubles()
		twice.settle()
		all.settle()
		for i, s := range all {
			if s.from >= s.to || i > 0 && all[i-1].device == s.device && all[i-1].to >= s.from {
				t.Fatalf("seed %d: not settled: %+v", seed, all)
			}
		}
		for range 20 {
			d, from := r.IntN(2), r.IntN(room-1)
			e := vmfs.Extent{Offset: 7000, Device: d, Physical: int64(from), Length: int64(1 + r.IntN(room-from))}
			for what, list := range map[int]spans{1: all, 2: twice} {
				at := e.Physical
				var covered int64
				list.split(e, func(part vmfs.Extent, _ vmfs.FDAddress, in bool) {
					if part.Physical != at || part.Length <= 0 || part.Offset != e.Offset+part.Physical-e.Physical {
						t.Fatalf("seed %d: part %+v of %+v at %d", seed, part, e, at)
					}
					for ; at < part.Physical+part.Length; at++ {
						if (times[d][at] >= what) != in {
							t.Fatalf("seed %d: byte %d of %d is %d times there, and %v", seed, at, d, times[d][at], in)
						}
					}
					if in {
						covered += part.Length
					}
				})
				if at != e.Physical+e.Length || covered != list.covered(e) {
					t.Fatalf("seed %d: %+v ends at %d, %d covered", seed, e, at, covered)
				}
			}
		}
	}
}

// The owner of a byte is told.
func TestSpansOwner(t *testing.T) {
	var s spans
	for owner := range vmfs.FDAddress(3) {
		s.add(vmfs.Extent{Physical: int64(owner) * 10, Length: 10}, owner)
	}
	s.add(vmfs.Extent{Device: -1, Length: 10}, 9)
	s.settle()
	var got []vmfs.FDAddress
	s.split(vmfs.Extent{Physical: 5, Length: 30}, func(_ vmfs.Extent, owner vmfs.FDAddress, in bool) {
		if in {
			got = append(got, owner)
		}
	})
	if len(s) != 3 || len(got) != 3 || got[0] != 0 || got[1] != 1 || got[2] != 2 {
		t.Errorf("%v of %+v", got, s)
	}
}
