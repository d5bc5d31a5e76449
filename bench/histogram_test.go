package bench

import (
	"math"
	"testing"
	"time"
)

func TestHistogram(t *testing.T) {
	var h histogram
	if h.quantile(.5) != 0 {
		t.Error("an empty one has a median")
	}
	for i := range 1000 {
		h.add(time.Duration(i+1) * time.Microsecond)
	}
	var sum histogram
	sum.merge(&h)
	sum.merge(&h)
	for q, want := range map[float64]time.Duration{0: 1, .5: 501, .99: 991, .999: 1000} {
		want *= time.Microsecond
		for _, h := range []*histogram{&h, &sum} {
			if got := h.quantile(q); math.Abs(float64(got-want)) > float64(want)/steps {
				t.Errorf("quantile %v of %d is %v, want %v", q, h.total, got, want)
			}
		}
	}
}

// Each duration lies in one bucket, which ends where the next begins.
func TestBuckets(t *testing.T) {
	for i := range 40 * steps {
		end := bucketEnd(i)
		if bucket(end) != i || bucket(end+1) != i+1 {
			t.Fatalf("bucket %d ends at %v, which lies in %d and its successor in %d", i, end, bucket(end), bucket(end+1))
		}
	}
	if bucket(-1) != 0 {
		t.Error("a clock that goes back is out of bounds")
	}
	var h histogram
	h.add(math.MaxInt64) // in bounds
}
