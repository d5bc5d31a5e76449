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
	CPU            time.Duration // of the target, an I/O
	Peak           int64         // the most memory of the target while it ran, bytes; 0: not known
}

// measure runs a load against a target for about the time given.
func (l Load) measure(ctx context.Context, t peer.Target, size int64, about time.Duration) (Sample, error) {
	switch l.Client {
	case ISCSIPerf:
		return perf(ctx, l, t, about)
	case InProcess:
		return inside(ctx, l, t, size, about)
	}
	return qemuImg(ctx, l, t, about)
}

// A meter watches what a target uses while a client runs.
type meter struct {
	pid    int
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
	used := processorTime(m.pid) - m.before
	return Sample{
		IOPS: float64(count) / took.Seconds(),
		Mean: took * time.Duration(l.InFlight()) / time.Duration(count),
		CPU:  used / time.Duration(count),
		Peak: peak(m.pid),
	}
}
