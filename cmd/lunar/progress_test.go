package main

import (
	"bytes"
	"strings"
	"testing"
	"time"
)

func TestProgressLine(t *testing.T) {
	for _, test := range []struct {
		at, total int64
		after     time.Duration
		width     int
		want      string
	}{
		{512 << 20, 1 << 30, time.Second, 100, "reading a   50% [==========          ] 512 MiB of 1 GiB, 512 MiB/s, 1s left"},
		{1 << 30, 1 << 30, 2 * time.Second, 100, "reading a  100% [====================] 1 GiB of 1 GiB, 512 MiB/s"},
		{0, 1 << 30, 0, 100, "reading a    0% [                    ] 0 B of 1 GiB, 0 B/s"},
		{1 << 20, 0, time.Second, 100, "reading a  1 MiB, 1 MiB/s"},
		{2 << 20, 1 << 20, time.Second, 100, "reading a  2 MiB, 2 MiB/s"}, // it grew
		{1 << 20, 0, time.Second, 14, "reading a  1 "},
	} {
		if got := progressLine("reading a", test.at, test.total, test.after, test.width); got != test.want {
			t.Errorf("%q, want %q", got, test.want)
		}
	}
}

// TestProgressElsewhere: where there is no terminal nothing is shown, and all is counted.
func TestProgressElsewhere(t *testing.T) {
	var out bytes.Buffer
	c := &cli{world: world{stderr: &out, getenv: func(string) string { return "" }}}
	p := c.progress("reading", 5)
	n, err := p.reader(strings.NewReader("hello")).Read(make([]byte, 10))
	p.done()
	if n != 5 || err != nil || p.at.Load() != 5 || out.Len() != 0 {
		t.Errorf("read %d, %v; counted %d; shown %q", n, err, p.at.Load(), &out)
	}
}
