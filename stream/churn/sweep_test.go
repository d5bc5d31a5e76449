package churn

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestSweep holds layouts and sweeps of random claims and ranges to a byte-by-byte model.
func TestSweep(t *testing.T) {
	const size, owners = 400, 9
	for seed := range uint64(400) {
		r := rand.New(rand.NewPCG(seed, 1))
		model := make([]int32, size)
		var claims []claim
		for range ranks {
			var stratum []claim
			for range r.IntN(14) {
				from := r.Int64N(size)
				stratum = append(stratum, claim{from, from + r.Int64N(size-from+1), 1 + r.Int32N(owners-1)})
			}
			slices.SortStableFunc(stratum, func(a, b claim) int { return cmp.Or(cmp.Compare(a.from, b.from), cmp.Compare(a.owner, b.owner)) })
			for at := range model {
				i := slices.IndexFunc(stratum, func(c claim) bool { return c.from <= int64(at) && int64(at) < c.to })
				if i >= 0 { // what begins first keeps it
					model[at] = stratum[i].owner
				}
			}
			r.Shuffle(len(stratum), func(i, k int) { stratum[i], stratum[k] = stratum[k], stratum[i] })
			claims = over(apart(stratum), claims)
		}
		for i := 1; i < len(claims); i++ {
			if a, b := claims[i-1], claims[i]; a.to > b.from || a.to == b.from && a.owner == b.owner {
				t.Fatalf("seed %d: %v before %v", seed, a, b)
			}
		}
		s := newSweep(&Map{claims: claims, owners: make([]Owner, owners)})
		want := make([]sums, owners)
		at := int64(0)
		for range 60 {
			if r.IntN(6) == 0 {
				at = r.Int64N(size)
			}
			from := min(at+r.Int64N(20), size)
			to := min(from+r.Int64N(30), size)
			freed := r.IntN(3) == 0
			s.add(from, to, freed)
			for b := from; b < to; b++ {
				if freed {
					want[model[b]].freed++
				} else {
					want[model[b]].written++
				}
			}
			at = to
		}
		if !slices.Equal(want, s.sum) {
			t.Fatalf("seed %d: want %v, got %v", seed, want, s.sum)
		}
	}
}

// TestSweepAllocates sees that ranges cost no memory.
func TestSweepAllocates(t *testing.T) {
	var claims []claim
	for i := range int64(10000) {
		claims = append(claims, claim{i * 100, i*100 + 60, int32(1 + i%3)})
	}
	s := newSweep(&Map{claims: claims, owners: make([]Owner, 4)})
	at := int64(0)
	if n := testing.AllocsPerRun(5000, func() { s.add(at, at+170, false); at += 170 }); n != 0 {
		t.Errorf("%v allocations a range", n)
	}
}
