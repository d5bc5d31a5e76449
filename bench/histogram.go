package bench

import (
	"math/bits"
	"time"
)

// steps divide each power of two of a histogram: a duration is kept to within 1 in 64.
const (
	stepBits = 6
	steps    = 1 << stepBits
)

// A histogram counts latencies. The zero value is empty.
type histogram struct {
	counts [(64 - stepBits + 1) * steps]uint32
	total  int64
}

func (h *histogram) add(d time.Duration) {
	h.counts[bucket(d)]++
	h.total++
}

func (h *histogram) merge(other *histogram) {
	for i, n := range other.counts {
		h.counts[i] += n
	}
	h.total += other.total
}

// quantile is the duration that the part q, 0 to 1, of all is no longer than; 0 without any.
func (h *histogram) quantile(q float64) time.Duration {
	rank := min(int64(q*float64(h.total)), h.total-1)
	for i, n := range h.counts {
		if rank -= int64(n); rank < 0 {
			return bucketEnd(i)
		}
	}
	return 0
}

// bucket counts single nanoseconds up to steps, and steps of each power of two from there.
func bucket(d time.Duration) int {
	ns := uint64(max(d, 0))
	if ns < steps {
		return int(ns)
	}
	shift := bits.Len64(ns) - 1 - stepBits
	return (shift+1)*steps + int(ns>>shift) - steps
}

// bucketEnd is the longest duration of a bucket.
func bucketEnd(i int) time.Duration {
	if i < steps {
		return time.Duration(i)
	}
	shift := i/steps - 1
	return time.Duration((uint64(i%steps)+steps+1)<<shift - 1)
}
