package main

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/lunarsan/lunar/stream"
	"github.com/lunarsan/lunar/stream/wire"
)

// plan prints what would be sent.
func (s *sending) plan(ctx context.Context) error {
	from, err := stream.Look(ctx, s.source.volume)
	if err != nil {
		return err
	}
	to, err := stream.Look(ctx, s.dest.volume)
	if err != nil {
		return err
	}
	p, err := stream.NewPlan(from, to, s.want())
	if err != nil {
		return s.refused(err)
	}
	if err := p.Estimate(ctx, s.source.volume); err != nil {
		return err
	}
	return s.c.print(&s.output, p, func() { s.c.printPlan(p) })
}

// printPlan prints the steps of a plan as a table.
func (c *cli) printPlan(p *stream.Plan) {
	if len(p.Steps) == 0 {
		c.printf("%s has all of %s: there is nothing to send.\n", p.Destination, p.Source)
		return
	}
	rows := [][]string{{"STEP", "FROM", "TO", "GUID", "SIZE"}}
	for _, step := range p.Steps {
		from, size := "-", "-"
		if step.From != nil {
			from = step.From.Name
		}
		if step.Streams() && step.Bytes >= 0 {
			size = formatSize(step.Bytes)
		}
		rows = append(rows, []string{string(step.Kind), from, step.To.Name, strconv.FormatUint(step.To.GUID, 10), size})
	}
	c.table(rows)
	when := ""
	if p.Beside {
		when = " when the first stream has come"
	}
	for _, lost := range p.Discards {
		c.printf("%s@%s (GUID %d) would be given up%s.\n", p.Destination, lost.Name, lost.GUID, when)
	}
}

// report prints what was sent.
func (s *sending) report(out *sent) error {
	for _, link := range []*wire.Link{s.source.link, s.dest.link} {
		if link != nil {
			t := link.Traffic()
			out.Traffic = &t
		}
	}
	out.Steps = out.Outcome.Done
	for _, step := range out.Steps {
		out.Bytes += step.Bytes
	}
	if s.dest.file == "-" {
		return nil // where the stream is
	}
	return s.c.print(&s.output, out, func() {
		for _, step := range out.Steps {
			line := fmt.Sprintf("%s %s", step.Kind, step.To)
			if step.From != "" {
				line += " since " + step.From
			}
			if step.Bytes > 0 {
				line += ", " + formatSize(step.Bytes)
			}
			s.c.printf("%s (GUID %d)\n", line, step.GUID)
		}
		for _, note := range out.Outcome.Notes {
			s.c.printf("%s\n", note)
		}
		if len(out.Steps) == 0 && out.Outcome.Newest != nil {
			s.c.printf("There was nothing to send: both have %s (GUID %d).\n", out.Outcome.Newest.Name, out.Outcome.Newest.GUID)
		}
	})
}

// A sendProgress shows how far streams have come: on a terminal in one line, elsewhere in a line
// now and then.
type sendProgress struct {
	s    *sending
	now  *progress
	nth  int // of the step that is shown
	sent atomic.Int64
}

// lineEvery is how often a line is printed where there is no terminal.
const lineEvery = 30 * time.Second

func (c *cli) sendProgress(s *sending) *sendProgress { return &sendProgress{s: s} }

// begin begins to show a stream.
func (p *sendProgress) begin(what string, total int64) {
	p.done()
	p.now = p.s.c.lines(what, total, lineEvery, p.traffic)
}

// step shows a step of a replication.
func (p *sendProgress) step(at stream.Progress) {
	if at.Nth != p.nth || p.now == nil || p.now.at.Load() > at.Bytes { // another, or again
		p.nth = at.Nth
		what := "sending @" + at.Step.To.Name
		if at.Of > 1 {
			what += fmt.Sprintf(" (%d of %d)", at.Nth, at.Of)
		}
		p.begin(what, max(0, at.Step.Bytes))
	}
	p.now.at.Store(at.Bytes)
}

// reader shows what is read of r.
func (p *sendProgress) reader(r io.Reader) io.Reader {
	if p.now == nil {
		p.begin("sending "+p.s.source.name, 0)
	}
	return io.TeeReader(r, p)
}

func (p *sendProgress) Write(b []byte) (int, error) {
	p.sent.Add(int64(len(b)))
	p.now.add(len(b))
	return len(b), nil
}

// bytes is how many were read.
func (p *sendProgress) bytes() int64 { return p.sent.Load() }

// traffic is what a link has to say.
func (p *sendProgress) traffic() string {
	for _, link := range []*wire.Link{p.s.dest.link, p.s.source.link} {
		if link == nil {
			continue
		}
		t := link.Traffic()
		text := ""
		if t.Wire > 0 {
			text = fmt.Sprintf(", %.1f:1", float64(t.Raw)/float64(t.Wire))
		}
		if t.Codec != "" {
			text += " " + t.Codec
		}
		return text
	}
	return ""
}

func (p *sendProgress) done() {
	if p.now != nil {
		p.now.done()
		p.now = nil
	}
}
