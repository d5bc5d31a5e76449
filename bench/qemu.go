package bench

import (
	"context"
	"fmt"
	"regexp"
	"strconv"
	"time"

	"github.com/lunarsan/lunar/internal/peer"
)

// qemuImg measures with qemu-img bench. It counts commands, not seconds, so a short run tells
// first how many fill the time.
func qemuImg(ctx context.Context, l Load, t peer.Target, size int64, about time.Duration) (Sample, error) {
	const probe = 1000
	rate, err := qemuImgCount(ctx, l, t, min(probe, size/int64(l.Block)))
	if err != nil {
		return Sample{}, err
	}
	return qemuImgCount(ctx, l, t, max(probe, int64(rate.IOPS*about.Seconds())))
}

var qemuImgTook = regexp.MustCompile(`Run completed in ([0-9.]+) seconds`)

func qemuImgCount(ctx context.Context, l Load, t peer.Target, count int64) (Sample, error) {
	args := []string{"bench", "-f", "raw", "-t", "none", "-c", strconv.FormatInt(count, 10),
		"-d", strconv.Itoa(l.Depth), "-s", strconv.Itoa(l.Block)}
	if l.Write {
		args = append(args, "-w")
	}
	out, err := peer.Output(ctx, nil, "qemu-img", append(args, peer.URL(t, 0))...)
	if err != nil {
		return Sample{}, fmt.Errorf("%w\n%s", err, out)
	}
	m := qemuImgTook.FindStringSubmatch(out)
	if m == nil {
		return Sample{}, fmt.Errorf("qemu-img bench did not tell how long it took:\n%s", out)
	}
	took, err := strconv.ParseFloat(m[1], 64)
	if err != nil || took == 0 {
		return Sample{}, fmt.Errorf("qemu-img bench took %q seconds", m[1])
	}
	return Sample{IOPS: float64(count) / took}, nil
}
