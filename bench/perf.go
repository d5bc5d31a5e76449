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
	seconds := int(about.Seconds()) + 1
	m := watch(t)
	out, err := peer.Output(ctx, nil, "iscsi-perf", "--random",
		"-b", strconv.Itoa(l.Block/512), "-m", strconv.Itoa(l.Depth),
		"-t", strconv.Itoa(seconds), peer.URL(t, 0))
	if err != nil {
		return Sample{}, fmt.Errorf("%w\n%s", err, out)
	}
	iops, err := perfParse(out)
	return m.sample(l, iops*int64(seconds), time.Duration(seconds)*time.Second), err
}

// perfParse reads the average rate of a run.
func perfParse(out string) (int64, error) {
	all := perfAverage.FindAllStringSubmatch(out, -1)
	if len(all) == 0 {
		return 0, fmt.Errorf("iscsi-perf gave no average:\n%s", out)
	}
	return strconv.ParseInt(all[len(all)-1][1], 10, 64)
}
