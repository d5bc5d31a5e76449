package bench

import (
	"context"
	"time"

	"github.com/lunarsan/lunar/internal/peer"
)

// A Client is a program that makes load.
type Client int

const (
	QemuImg   Client = iota // sequential, reads and writes
	ISCSIPerf               // random reads
)

func (c Client) String() string { return [...]string{"qemu-img", "iscsi-perf"}[c] }

// A Sample is one run's result.
type Sample struct {
	IOPS float64
}

// MBs is the throughput in 10⁶ bytes a second.
func (s Sample) MBs(l Load) float64 { return s.IOPS * float64(l.Block) / 1e6 }

// measure runs a load against a target for about the time given.
func (l Load) measure(ctx context.Context, t peer.Target, size int64, about time.Duration) (Sample, error) {
	if l.Client == ISCSIPerf {
		return perf(ctx, l, t, about)
	}
	return qemuImg(ctx, l, t, size, about)
}
