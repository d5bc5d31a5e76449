package bench

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"sync"
	"time"

	"github.com/lunarsan/lunar/internal/peer"
)

// qemuImg measures with qemu-img bench, a process a session. It counts commands, not seconds,
// so a short run tells first how many fill the time.
func qemuImg(ctx context.Context, l Load, t *rival, about time.Duration) (Sample, error) {
	probe := int64(min(1000, 64<<20/l.Block))
	if l.Medium.onDisk() {
		probe /= 10
	}
	took, err := qemuImgCount(ctx, l, t, probe)
	if err != nil {
		return Sample{}, err
	}
	count := max(probe, int64(float64(probe)/took.Seconds()*about.Seconds())/int64(l.Sessions))

	m := watch(t)
	times, errs := make([]time.Duration, l.Sessions), make([]error, l.Sessions)
	var wg sync.WaitGroup
	for i := range l.Sessions {
		wg.Go(func() { times[i], errs[i] = qemuImgCount(ctx, l, t, count) })
	}
	wg.Wait()
	var longest time.Duration
	for _, took := range times {
		longest = max(longest, took)
	}
	return m.sample(l, count*int64(l.Sessions), longest), errors.Join(errs...)
}

var qemuImgTook = regexp.MustCompile(`Run completed in ([0-9.]+) seconds`)

func qemuImgCount(ctx context.Context, l Load, t *rival, count int64) (time.Duration, error) {
	args := []string{"bench", "-f", "raw", "-t", "none", "-c", strconv.FormatInt(count, 10),
		"-d", strconv.Itoa(l.Depth), "-s", strconv.Itoa(l.Block)}
	if l.Pattern == Write {
		args = append(args, "-w")
	}
	out, err := peer.Output(ctx, nil, "qemu-img", append(args, peer.URL(t, t.files.medium[l.Medium]))...)
	if err != nil {
		return 0, fmt.Errorf("%w\n%s", err, out)
	}
	return qemuImgParse(out)
}

// qemuImgParse reads how long the commands of a run took.
func qemuImgParse(out string) (time.Duration, error) {
	m := qemuImgTook.FindStringSubmatch(out)
	if m == nil {
		return 0, fmt.Errorf("qemu-img bench did not tell how long it took:\n%s", out)
	}
	seconds, err := strconv.ParseFloat(m[1], 64)
	if err != nil || seconds == 0 {
		return 0, fmt.Errorf("qemu-img bench took %q seconds", m[1])
	}
	return time.Duration(seconds * float64(time.Second)), nil
}
