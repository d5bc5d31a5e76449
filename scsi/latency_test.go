package scsi

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// TestLatencyBuckets: a duration is below its bucket's bound and not below the one before, no
// bucket is wider than a quarter of where it begins, and octaves begin where buckets do.
func TestLatencyBuckets(t *testing.T) {
	before := time.Duration(0)
	for i := range LatencyBuckets - 1 {
		bound := LatencyBound(i)
		if LatencyBucket(before) != i || LatencyBucket(bound-1) != i || LatencyBucket(bound) != i+1 {
			t.Fatalf("bucket %d from %v to %v: they belong to %d, %d and %d", i, before, bound, LatencyBucket(before), LatencyBucket(bound-1), LatencyBucket(bound))
		}
		if before >= time.Microsecond && bound-before > before/latencySteps {
			t.Errorf("bucket %d goes from %v to %v", i, before, bound)
		}
		if i%latencySteps == latencySteps-1 && bound != time.Microsecond<<(i/latencySteps) {
			t.Errorf("octave %d ends at %v", i/latencySteps, bound)
		}
		before = bound
	}
	if LatencyBucket(time.Hour) != LatencyBuckets-1 || LatencyBound(LatencyBuckets-1) != before || LatencyBucket(-1) != 0 {
		t.Errorf("the last bucket begins at %v, ends at %v; an hour is in %d", before, LatencyBound(LatencyBuckets-1), LatencyBucket(time.Hour))
	}
}

// TestQuantiles compares with the true ones of durations of all sizes.
func TestQuantiles(t *testing.T) {
	var l Latencies
	if l.Quantile(0.5) != 0 || l.Max() != 0 {
		t.Error("nothing has quantiles")
	}
	r := rand.New(rand.NewPCG(1, 2))
	all := make([]time.Duration, 10000)
	for i := range all {
		all[i] = time.Microsecond + time.Duration(r.Uint64()>>(32+r.UintN(20)))
		l[LatencyBucket(all[i])]++
	}
	slices.Sort(all)
	for _, q := range []float64{0, 0.01, 0.5, 0.99, 0.999} {
		got, want := l.Quantile(q), all[int(q*float64(len(all)))]
		if d := (got - want).Abs(); d > want/8+latencyUnit {
			t.Errorf("quantile %v is %v, not %v", q, got, want)
		}
	}
	if top := all[len(all)-1]; l.Quantile(1) != l.Max() || l.Max() <= top || l.Max() > top+top/4 {
		t.Errorf("the longest is %v, not %v", l.Max(), top)
	}
	for bound, count := range l.Octaves() {
		if i, _ := slices.BinarySearch(all, bound); uint64(i) != count {
			t.Errorf("%d took less than %v, not %d", i, bound, count)
		}
	}
	twice := l
	if twice.Add(&l); twice.Count() != 2*l.Count() || twice.Quantile(0.5) != l.Quantile(0.5) {
		t.Error("twice the same is not the same")
	}
}
