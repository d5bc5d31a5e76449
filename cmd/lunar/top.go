package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/lunarsan/lunar/internal/control"
)

// A top is a look at what units and initiators do, again and again.
type top struct {
	*cli
	interval time.Duration
	view     topView
	column   int // of topColumns
	reverse  bool

	before, now control.Statistics
	trouble     error // why now is not what it should be
}

// activity is lunar top, which shows who does what, like top(1).
func (c *cli) activity() *cobra.Command {
	var (
		o      output
		once   bool
		by     string
		sorted string
	)
	t := top{cli: c}
	cmd := c.verb("top", "Show what units and initiators do, live", func(cmd *cobra.Command, _ []string) error {
		view := slices.IndexFunc(topViews[:], func(v topView) bool { return v.name == by })
		t.column = slices.IndexFunc(topColumns[:], func(c topColumn) bool { return c.word == sorted })
		switch {
		case view < 0:
			return misuse(cmd, "%q is nothing that has rows: choose units, initiators or sessions", by)
		case t.column < 0:
			return misuse(cmd, "there is no column %q: choose name, iops, read, write, p50, p99 or max", sorted)
		case t.interval < 100*time.Millisecond:
			return misuse(cmd, "an interval of %v is too short: choose 100ms or longer", t.interval)
		}
		t.view = topViews[view]
		if once || o.json || !isTerminal(c.stdin) || !isTerminal(c.stdout) {
			return t.once(cmd.Context(), &o)
		}
		return t.live(cmd.Context(), c.stdin.(*os.File), c.stdout.(*os.File))
	})
	cmd.Long = `Show what units, initiators or sessions do. On a terminal the screen is drawn anew after each
interval; elsewhere, and with --once, it is printed once, for one interval.

Keys: u, i and s show units, initiators and sessions; < and > choose the column to sort by, r turns
the order round; q ends it. A latency is the time that a command is in the device server.`
	f := cmd.Flags()
	f.DurationVar(&t.interval, "interval", 2*time.Second, "`TIME` between two looks")
	f.BoolVar(&once, "once", false, "look for one interval, print that and end")
	f.StringVar(&by, "by", "units", "what a row is: units, initiators or sessions")
	f.StringVar(&sorted, "sort", "iops", "the `COLUMN` to sort by: name, iops, read, write, p50, p99 or max")
	return o.flag(cmd)
}

// look asks the daemon what has been done. Trouble that passes, such as a daemon that starts
// again, is for the screen to tell.
func (t *top) look(ctx context.Context) error {
	s, err := t.client().Statistics(ctx)
	t.trouble = err
	if err == nil {
		t.before, t.now = t.now, s
	}
	return err
}

// rows is what was done between the last two looks.
func (t *top) rows() []topRow {
	rows := t.view.rows(&t.before, &t.now)
	sortRows(rows, t.column, t.reverse)
	return rows
}

// once prints one interval.
func (t *top) once(ctx context.Context, o *output) error {
	if err := t.look(ctx); err != nil {
		return err
	}
	select {
	case <-time.After(t.interval):
	case <-ctx.Done():
		return ctx.Err()
	}
	if err := t.look(ctx); err != nil {
		return err
	}
	rows := t.rows()
	return t.print(o, rows, func() { t.showRows(rows) })
}

func (t *top) showRows(rows []topRow) {
	if len(rows) == 0 {
		t.printf("no %s\n", t.view.name)
		return
	}
	lines := [][]string{append(t.view.titles[:], loadTitles...)}
	for _, r := range rows {
		lines = append(lines, append([]string{r.Name, or(r.About, "-")}, loadCells(r.Load)...))
	}
	t.table(lines)
}

// What a terminal understands: the other screen without a cursor, and back; the upper left corner;
// the rest of a line, or of the screen, blank; letters and ground exchanged.
const (
	enterScreen = "\x1b[?1049h\x1b[?25l"
	leaveScreen = "\x1b[?25h\x1b[?1049l"
	home        = "\x1b[H"
	endLine     = "\x1b[K\r\n"
	endScreen   = "\x1b[J"
	inverse     = "\x1b[7m"
	plain       = "\x1b[0m"
)

// live draws until q is pressed, or ctx ends.
func (t *top) live(ctx context.Context, in, out *os.File) (err error) {
	if err := t.look(ctx); err != nil {
		return err
	}
	t.before = t.now // nothing was done yet
	before, err := term.MakeRaw(int(in.Fd()))
	if err != nil {
		return fmt.Errorf("preparing the terminal: %w", err)
	}
	defer func() {
		_, _ = io.WriteString(out, leaveScreen) // it may have gone
		_ = term.Restore(int(in.Fd()), before)
	}()
	if _, err := io.WriteString(out, enterScreen); err != nil {
		return fmt.Errorf("drawing: %w", err)
	}
	keys := make(chan byte)
	go readKeys(ctx, in, keys)
	tick := time.NewTicker(t.interval)
	defer tick.Stop()
	for {
		width, height, err := term.GetSize(int(out.Fd()))
		if err != nil || width == 0 || height == 0 {
			width, height = 80, 24
		}
		if _, err := io.WriteString(out, t.screen(width, height)); err != nil {
			return fmt.Errorf("drawing: %w", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case key, more := <-keys:
			if !more || t.press(key) {
				return nil
			}
		case <-tick.C:
			_ = t.look(ctx) // the screen tells
		}
	}
}

// readKeys passes on what is typed, until the terminal or ctx ends. It waits in a read, so it may
// stay until the program ends.
func readKeys(ctx context.Context, in io.Reader, keys chan<- byte) {
	defer close(keys)
	var typed [16]byte
	for {
		n, err := in.Read(typed[:])
		if err != nil {
			return
		}
		for _, key := range typed[:n] {
			select {
			case keys <- key:
			case <-ctx.Done():
				return
			}
		}
	}
}

// press does what a key is for, and reports whether that is the end.
func (t *top) press(key byte) (end bool) {
	const interrupt = 3
	for _, v := range topViews {
		if v.key == key {
			t.view = v
		}
	}
	switch key {
	case 'q', interrupt:
		return true
	case '<':
		t.column = max(t.column-1, 0)
	case '>':
		t.column = min(t.column+1, len(topColumns)-1)
	case 'r':
		t.reverse = !t.reverse
	}
	return false
}

// screen is what a terminal of the given size shows.
func (t *top) screen(width, height int) string {
	rows := t.rows()
	var all control.Load
	for _, r := range rows {
		all.IOPS += r.IOPS
		all.ReadRate += r.ReadRate
		all.WriteRate += r.WriteRate
	}
	cells := loadCells(all)
	order := topColumns[t.column].word
	if t.reverse {
		order += ", reversed"
	}
	head := fmt.Sprintf("%s  %d %s by %s: %s IOPS, %s MB/s read, %s MB/s written", t.now.Time.Local().Format(time.TimeOnly), len(rows), t.view.name, order, cells[0], cells[1], cells[2])
	if t.trouble != nil {
		head = "lunar: " + strings.ReplaceAll(t.trouble.Error(), "\n", "; ")
	}
	var text bytes.Buffer
	page := *t
	page.cli = &cli{world: world{stdout: &text, getenv: t.getenv}}
	page.showRows(rows[:min(len(rows), max(height-4, 1))])

	var b strings.Builder
	b.WriteString(home)
	line := func(s, before, after string) {
		b.WriteString(before + string([]rune(s)[:min(len([]rune(s)), width)]) + after + endLine)
	}
	line(head, "", "")
	for i, s := range strings.Split(strings.TrimSuffix(text.String(), "\n"), "\n") {
		if i == 0 && len(rows) > 0 {
			line(s, inverse, plain)
		} else {
			line(s, "", "")
		}
	}
	b.WriteString(endScreen)
	const help = "u units  i initiators  s sessions  < > sort  r reverse  q quit"
	b.WriteString(help[:min(len(help), width)])
	return b.String()
}
