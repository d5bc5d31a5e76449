package bench

import (
	"context"
	"fmt"
	"regexp"
	"strconv"
	"time"

	"github.com/lunarsan/lunar/internal/peer"
)

// iscsi-perf rewrites one line with carriage returns; the last has the average of the run.
var perfAverage = regexp.MustCompile(`iops average ([0-9]+)`)

// perf measures random reads with libiscsi's iscsi-perf, which counts in blocks of 512 bytes
// and whole seconds.
func perf(ctx context.Context, l Load, t peer.Target, about time.Duration) (Sample, error) {
	out, err := peer.Output(ctx, nil, "iscsi-perf", "--random",
		"-b", strconv.Itoa(l.Block/512), "-m", strconv.Itoa(l.Depth),
		"-t", strconv.Itoa(int(about.Seconds())+1), peer.URL(t, 0))
	if err != nil {
		return Sample{}, fmt.Errorf("%w\n%s", err, out)
	}
	all := perfAverage.FindAllStringSubmatch(out, -1)
	if len(all) == 0 {
		return Sample{}, fmt.Errorf("iscsi-perf gave no average:\n%s", out)
	}
	iops, err := strconv.ParseFloat(all[len(all)-1][1], 64)
	return Sample{IOPS: iops}, err
}
