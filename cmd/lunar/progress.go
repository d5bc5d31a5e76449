package main

import (
	"fmt"
	"io"
	"math"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/term"
)

// A progress shows on a terminal how far something has come, in one line that is written again
// and again, and goes away at the end. Elsewhere it shows nothing.
type progress struct {
	out   io.Writer
	what  string
	total atomic.Int64 // bytes, or 0 when nobody knows
	begun time.Time
	at    atomic.Int64
	more  func() string // what else there is to say; nil: nothing
	stop  chan struct{}
	ended sync.WaitGroup
}

// progressEvery is how often the line is written.
const progressEvery = 200 * time.Millisecond

// progress begins to show how far what has come of total bytes.
func (c *cli) progress(what string, total int64) *progress { return c.lines(what, total, 0, nil) }

// lines does the same, with what more says behind it, and prints a line of its own every so often
// where there is no terminal; 0 is never.
func (c *cli) lines(what string, total int64, every time.Duration, more func() string) *progress {
	p := &progress{out: c.stderr, what: what, begun: time.Now(), more: more, stop: make(chan struct{})}
	p.total.Store(total)
	if !isTerminal(c.stderr) || c.getenv("TERM") == "dumb" {
		if every > 0 {
			p.ended.Go(func() { p.log(every) })
		}
		return p
	}
	p.ended.Go(func() {
		tick := time.NewTicker(progressEvery)
		defer tick.Stop()
		for {
			select {
			case now := <-tick.C:
				fmt.Fprint(p.out, "\r"+p.line(now, p.width())+"\x1b[K")
			case <-p.stop:
				fmt.Fprint(p.out, "\r\x1b[K")
				return
			}
		}
	})
	return p
}

// log prints lines, each every so often.
func (p *progress) log(every time.Duration) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case now := <-tick.C:
			fmt.Fprintln(p.out, p.line(now, math.MaxInt))
		case <-p.stop:
			return
		}
	}
}

// line is the line at a time.
func (p *progress) line(now time.Time, width int) string {
	line := progressLine(p.what, p.at.Load(), p.total.Load(), now.Sub(p.begun), width)
	if p.more != nil {
		line = cutTo(line+p.more(), width)
	}
	return line
}

// cutTo cuts a line to the width of a terminal.
func cutTo(line string, width int) string {
	if r := []rune(line); len(r) > width-1 {
		return string(r[:width-1])
	}
	return line
}

// width is how many columns the terminal has.
func (p *progress) width() int {
	if f, ok := p.out.(*os.File); ok {
		if w, _, err := term.GetSize(int(f.Fd())); err == nil && w > 0 {
			return w
		}
	}
	return 80
}

// add counts n bytes more.
func (p *progress) add(n int) { p.at.Add(int64(n)) }

// show has it show how far something is that others count.
func (p *progress) show(at, total int64) {
	p.at.Store(at)
	p.total.Store(total)
}

// reader counts what is read of r.
func (p *progress) reader(r io.Reader) io.Reader { return &countedReader{r, p} }

// readerAt counts what is read of r.
func (p *progress) readerAt(r io.ReaderAt) io.ReaderAt { return &countedReaderAt{r, p} }

// done takes the line away.
func (p *progress) done() {
	close(p.stop)
	p.ended.Wait()
}

type countedReader struct {
	r io.Reader
	p *progress
}

func (c *countedReader) Read(b []byte) (int, error) {
	n, err := c.r.Read(b)
	c.p.add(n)
	return n, err
}

type countedReaderAt struct {
	r io.ReaderAt
	p *progress
}

func (c *countedReaderAt) ReadAt(b []byte, at int64) (int, error) {
	n, err := c.r.ReadAt(b, at)
	c.p.add(n)
	return n, err
}

// progressLine is the line after some time, cut to the width of the terminal.
func progressLine(what string, at, total int64, after time.Duration, width int) string {
	speed := float64(at) / max(after.Seconds(), 0.001)
	line := fmt.Sprintf("%s  %s, %s/s", what, formatSize(at), formatSize(int64(speed)))
	if total > 0 && at <= total {
		const bar = 20
		part := float64(at) / float64(total)
		full := int(part * bar)
		line = fmt.Sprintf("%s  %3.0f%% [%s%s] %s of %s, %s/s", what, 100*part, strings.Repeat("=", full), strings.Repeat(" ", bar-full), formatSize(at), formatSize(total), formatSize(int64(speed)))
		if at > 0 && at < total {
			line += ", " + time.Duration(float64(total-at)/speed*float64(time.Second)).Round(time.Second).String() + " left"
		}
	}
	return cutTo(line, width)
}
