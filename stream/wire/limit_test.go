package wire

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lunarsan/lunar/stream"
)

func TestSchedule(t *testing.T) {
	for _, test := range []struct {
		text, again string
		at          map[string]int64
	}{
		{"", "0", map[string]int64{"12:00": 0}},
		{"20M", "20M", map[string]int64{"00:00": 20e6, "23:59": 20e6}},
		{"08:00-18:00 20M, else 0", "08:00-18:00 20M", map[string]int64{"07:59": 0, "08:00": 20e6, "17:59": 20e6, "18:00": 0}},
		{"22:00-06:00 1G,else 512K", "22:00-06:00 1G, else 512K", map[string]int64{"23:00": 1e9, "05:59": 1e9, "06:00": 512e3}},
		{"08:00-12:00 1M, 08:00-24:00 1500", "08:00-12:00 1M, 08:00-24:00 1500", map[string]int64{"11:00": 1e6, "23:59": 1500, "00:00": 0}},
	} {
		c, err := ParseSchedule(test.text)
		if err != nil || c.String() != test.again {
			t.Errorf("%q is %q, %v", test.text, c, err)
		}
		for clock, want := range test.at {
			when, err := time.Parse("15:04", clock)
			if err != nil {
				t.Fatal(err)
			}
			if got := c.At(when); got != want {
				t.Errorf("%q at %s is %d, not %d", test.text, clock, got, want)
			}
		}
	}
	for _, s := range []string{"x", "-1", "08:00 20M", "08:00-25:00 1M", "else 1M, 08:00-09:00 1M", "08:00-18:00", "1M, 2M", "99999999999G", ","} {
		if _, err := ParseSchedule(s); !errors.Is(err, ErrLimit) {
			t.Errorf("%q: %v", s, err)
		}
	}
}

func FuzzSchedule(f *testing.F) {
	f.Add("08:00-18:00 20M, else 0")
	f.Add("1G")
	f.Fuzz(func(t *testing.T, s string) {
		c, err := ParseSchedule(s)
		if err != nil {
			return
		}
		if again, err := ParseSchedule(c.String()); err != nil || again.String() != c.String() {
			t.Errorf("%q becomes %q, and that %q, %v", s, c, again, err)
		}
	})
}

// TestLimit has two streams share what may go out, and the time of day change it.
func TestLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, err := ParseSchedule("00:00-00:01 1M, else 4M") // the bubble begins at midnight
		if err != nil {
			t.Fatal(err)
		}
		none, err := ParseCompression("none")
		if err != nil {
			t.Fatal(err)
		}
		const size = 60e6
		r := newRig(t, mapHost{"a": &pipeVolume{name: "a"}, "b": &pipeVolume{name: "b"}}, Options{})
		l := r.link(Options{Limit: NewLimiter(c, time.UTC), Compress: none, Connections: 2})
		begun := time.Now()
		ended := make(chan error, 2)
		for _, name := range []string{"a", "b"} {
			go func() {
				_, err := l.Volume(name).Receive(t.Context(), newMaterial(size), stream.Receive{})
				ended <- err
			}()
		}
		for range 2 {
			if err := <-ended; err != nil {
				t.Error(err)
			}
		}
		// 60 MB in the first minute, and the other 60 at four times the rate.
		if took := time.Since(begun); took < 73*time.Second || took > 77*time.Second {
			t.Errorf("it took %s", took)
		}
		if n := l.Traffic().Reconnects; n != 0 {
			t.Errorf("%d times a connection was taken for dead", n)
		}
	})
}

func TestGovernor(t *testing.T) {
	run := func(g *governor, looks int, work, wire time.Duration) {
		now := g.begun
		for range looks * lookChunks {
			now = now.Add(50 * time.Millisecond)
			g.note(work, wire, now)
		}
	}
	g := newGovernor(Compression{}, time.Now())
	if run(g, 2, 0, 45*time.Millisecond); g.level != levelFirst+1 {
		t.Errorf("a slow link: level %d", g.level)
	}
	if run(g, 20, 0, 45*time.Millisecond); g.level != levelSlowest {
		t.Errorf("a slow link for long: level %d", g.level)
	}
	if run(g, 2, 45*time.Millisecond, 0); g.level != levelSlowest-1 {
		t.Errorf("a slow processor: level %d", g.level)
	}
	if run(g, 2, 0, 45*time.Millisecond); g.level != levelSlowest-1 {
		t.Errorf("what was too slow is tried again at once: level %d", g.level)
	}
	if run(g, 20, 0, 0); g.level != levelSlowest-1 {
		t.Errorf("a slow source: level %d", g.level)
	}
	if run(g, 40, 45*time.Millisecond, 0); g.level != 0 {
		t.Errorf("a slow processor for long: level %d", g.level)
	}
	fixed, err := ParseCompression("zstd")
	if err != nil {
		t.Fatal(err)
	}
	g = newGovernor(fixed, time.Now())
	if run(g, 20, 45*time.Millisecond, 0); levels[g.level].name != "zstd-3" {
		t.Errorf("a level that was asked for became %s", levels[g.level].name)
	}
}
