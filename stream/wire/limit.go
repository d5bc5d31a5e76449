package wire

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// A Schedule says how many bytes a second may go out, by the time of day. It is written like
//
//	20M                                   always
//	08:00-18:00 20M, 18:00-22:00 50M      and as much as there is at other times
//	08:00-18:00 20M, else 100M
//
// K, M and G are 1000s, as networks count; 0 is as much as there is. A time may go over midnight.
type Schedule struct {
	windows []window
	rest    int64 // bytes a second; 0: no limit
}

// A window is a time of day, from and before (minutes), and what may go out then.
type window struct {
	from, to int
	rate     int64
}

// ErrLimit is the kind of every error of a text that is no limit.
var ErrLimit = errors.New(`write a limit like 20M, or "08:00-18:00 20M, else 0", in bytes a second`)

// ParseSchedule reads a limit; an empty text is none. ErrLimit.
func ParseSchedule(s string) (Schedule, error) {
	var out Schedule
	parts := strings.Split(s, ",")
	for i, part := range parts {
		words := strings.Fields(part)
		var err error
		switch {
		case len(words) == 0 && len(parts) == 1:
		case len(words) == 1 && len(parts) == 1:
			out.rest, err = parseRate(words[0])
		case len(words) == 2 && words[0] == "else" && i == len(parts)-1:
			out.rest, err = parseRate(words[1])
		case len(words) == 2:
			var w window
			w, err = parseWindow(words[0], words[1])
			out.windows = append(out.windows, w)
		default:
			err = ErrLimit
		}
		if err != nil {
			return Schedule{}, fmt.Errorf("%q: %w", strings.TrimSpace(part), err)
		}
	}
	return out, nil
}

func parseWindow(span, rate string) (w window, err error) {
	from, to, ok := strings.Cut(span, "-")
	if !ok {
		return w, ErrLimit
	}
	if w.from, err = parseClock(from); err != nil {
		return w, err
	}
	if w.to, err = parseClock(to); err != nil {
		return w, err
	}
	w.rate, err = parseRate(rate)
	return w, err
}

// parseClock reads a time of day, to 24:00.
func parseClock(s string) (int, error) {
	if s == "24:00" {
		return 24 * 60, nil
	}
	t, err := time.Parse("15:04", s)
	if err != nil {
		return 0, ErrLimit
	}
	return t.Hour()*60 + t.Minute(), nil
}

// parseRate reads bytes a second.
func parseRate(s string) (int64, error) {
	factor := int64(1)
	for i, unit := range []string{"K", "M", "G"} {
		if rest, ok := strings.CutSuffix(strings.ToUpper(s), unit); ok {
			s = rest
			for range i + 1 {
				factor *= 1000
			}
		}
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < 0 || n > 1e15/factor {
		return 0, ErrLimit
	}
	return n * factor, nil
}

// String writes the schedule as ParseSchedule reads it.
func (c Schedule) String() string {
	var parts []string
	for _, w := range c.windows {
		parts = append(parts, fmt.Sprintf("%02d:%02d-%02d:%02d %s", w.from/60, w.from%60, w.to/60, w.to%60, formatRate(w.rate)))
	}
	switch {
	case len(parts) == 0:
		return formatRate(c.rest)
	case c.rest != 0:
		parts = append(parts, "else "+formatRate(c.rest))
	}
	return strings.Join(parts, ", ")
}

func formatRate(n int64) string {
	unit := ""
	for _, u := range []string{"K", "M", "G"} {
		if n == 0 || n%1000 != 0 {
			break
		}
		n, unit = n/1000, u
	}
	return strconv.FormatInt(n, 10) + unit
}

// At is what may go out at a time (bytes a second); 0: no limit. The first window that the time
// is in decides.
func (c Schedule) At(t time.Time) int64 {
	minute := t.Hour()*60 + t.Minute()
	i := slices.IndexFunc(c.windows, func(w window) bool {
		if w.from <= w.to {
			return w.from <= minute && minute < w.to
		}
		return w.from <= minute || minute < w.to
	})
	if i < 0 {
		return c.rest
	}
	return c.windows[i].rate
}

// A Limiter holds what goes out to a Schedule, by a bucket of tokens that all who have the
// Limiter share. nil does not limit.
type Limiter struct {
	schedule Schedule
	zone     *time.Location

	mu     sync.Mutex
	free   time.Time // when what was let through so far is through
	latest time.Time
	rate   int64
}

// NewLimiter makes a limiter; the times of day are those of zone.
func NewLimiter(c Schedule, zone *time.Location) *Limiter { return &Limiter{schedule: c, zone: zone} }

// What goes out at once is a quarter of a second's worth, within these (bytes).
const (
	leastSlice = 512
	mostSlice  = 64 << 10
	lookEvery  = time.Second // how often the schedule is looked at
)

var errKilled = errors.New("the connection has ended")

// next returns the beginning of p that may go out now, and waits until it may.
func (l *Limiter) next(p []byte, stop <-chan struct{}) ([]byte, error) {
	if l == nil {
		return p, nil
	}
	wait, n := l.reserve(len(p), time.Now())
	if wait <= 0 {
		return p[:n], nil
	}
	t := time.NewTimer(wait)
	defer t.Stop()
	select {
	case <-t.C:
		return p[:n], nil
	case <-stop:
		return nil, errKilled
	}
}

// reserve lets n bytes through, or fewer, after a time.
func (l *Limiter) reserve(most int, now time.Time) (time.Duration, int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if now.Sub(l.latest) >= lookEvery {
		l.latest, l.rate = now, l.schedule.At(now.In(l.zone))
	}
	if l.rate == 0 {
		return 0, most
	}
	n := min(most, int(min(max(l.rate/4, leastSlice), mostSlice)))
	if l.free.Before(now) {
		l.free = now
	}
	wait := l.free.Sub(now)
	l.free = l.free.Add(time.Duration(float64(n) / float64(l.rate) * float64(time.Second)))
	return wait, n
}
