package scsi

import (
	"iter"
	"math/bits"
	"time"
)

// The buckets of Latencies: latencySteps of equal width in each octave from 1 µs on, and as many
// below 1 µs. The last bucket has what takes 2^latencyOctaves µs (33 s) or longer.
const (
	latencySteps   = 4
	latencyOctaves = 25
	LatencyBuckets = (latencyOctaves+1)*latencySteps + 1

	latencyUnit = time.Microsecond / latencySteps // what the narrowest buckets are wide
)

// Latencies counts commands by how long they took, to a quarter of the octave that it lies in.
type Latencies [LatencyBuckets]uint64

// LatencyBucket returns the bucket of Latencies that a duration belongs to.
func LatencyBucket(took time.Duration) int {
	v := uint64(max(took, 0) / latencyUnit)
	octave := max(bits.Len64(v)-bits.Len64(latencySteps), 0)
	return min(octave*latencySteps+int(v>>octave), LatencyBuckets-1)
}

// LatencyBound returns what the durations in a bucket stay below; the last one has no bound, and
// for it the bound is that of the one before.
func LatencyBound(bucket int) time.Duration {
	bucket = min(bucket, LatencyBuckets-2) + 1
	octave := max(bucket/latencySteps-1, 0)
	return time.Duration(bucket-octave*latencySteps) << octave * latencyUnit
}

// Add adds what o counted.
func (l *Latencies) Add(o *Latencies) {
	for i, n := range o {
		l[i] += n
	}
}

// Count returns how many commands were counted.
func (l *Latencies) Count() (n uint64) {
	for _, b := range l {
		n += b
	}
	return n
}

// Octaves yields the octaves' bounds, from 1 µs on, each with how many commands took less.
func (l *Latencies) Octaves() iter.Seq2[time.Duration, uint64] {
	return func(yield func(time.Duration, uint64) bool) {
		var count uint64
		for i, n := range l[:LatencyBuckets-1] {
			count += n
			if i%latencySteps == latencySteps-1 && !yield(LatencyBound(i), count) {
				return
			}
		}
	}
}

// Quantile returns what a share q (0 to 1) of the commands took at most, with no more than an
// eighth of error: it lies in the middle of a bucket. 0: nothing was counted.
func (l *Latencies) Quantile(q float64) time.Duration {
	count := l.Count()
	rank := uint64(q * float64(count))
	for i, n := range l {
		if n == 0 {
			continue
		}
		if rank < n {
			below := time.Duration(0)
			if i > 0 {
				below = LatencyBound(i - 1)
			}
			return (below + LatencyBound(i)) / 2
		}
		rank -= n
	}
	return l.Max()
}

// Max returns what all commands took less than, as far as the last bucket has a bound.
func (l *Latencies) Max() time.Duration {
	for i := len(l) - 1; i >= 0; i-- {
		if l[i] > 0 {
			return LatencyBound(i)
		}
	}
	return 0
}
