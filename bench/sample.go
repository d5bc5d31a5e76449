package bench

import (
	"context"
	"time"

	"github.com/lunarsan/lunar/internal/peer"
)

// A Sample is one run's result.
type Sample struct {
	IOPS           float64
	Mean           time.Duration // latency, by Little's law: commands in flight over IOPS
	P50, P99, P999 time.Duration // 0: the client does not tell
	Max            time.Duration // the same
	CPU            time.Duration // of the target, an I/O
	Peak           int64         // the most memory of the target while it ran, bytes; 0: not known
	Session        int64         // memory that each session added, bytes; 0: not measured
}

// latencies tells those of a histogram.
func (s *Sample) latencies(h *histogram) {
	s.P50, s.P99, s.P999, s.Max = h.quantile(.5), h.quantile(.99), h.quantile(.999), h.quantile(1)
}

// measure runs a load against a target for about the time given.
func (l Load) measure(ctx context.Context, r *rival, about time.Duration) (Sample, error) {
	switch {
	case r.Name() == ceiling && l.Medium.onDisk():
		return local(ctx, l, r.files, about)
	case l.Pattern == Idle:
		return idle(ctx, l, r)
	case l.Client == ISCSIPerf:
		return perf(ctx, l, r, about)
	case l.Client == InProcess:
		return inside(ctx, l, r, about)
	}
	return qemuImg(ctx, l, r, about)
}

// A meter watches what a target uses while a client runs.
type meter struct {
	pid    int // 0: there is none
	before time.Duration
}

func watch(t peer.Target) meter {
	forgetPeak(t.PID())
	return meter{t.PID(), processorTime(t.PID())}
}

// sample makes a sample of count commands since watch, which took that long.
func (m meter) sample(l Load, count int64, took time.Duration) Sample {
	if count == 0 || took <= 0 {
		return Sample{}
	}
	s := Sample{
		IOPS: float64(count) / took.Seconds(),
		Mean: took * time.Duration(l.InFlight()) / time.Duration(count),
	}
	if m.pid != 0 {
		s.CPU, s.Peak = (processorTime(m.pid)-m.before)/time.Duration(count), peak(m.pid)
	}
	return s
}
