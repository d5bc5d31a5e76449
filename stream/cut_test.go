package stream_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/lunarsan/lunar/stream"
	"github.com/lunarsan/lunar/stream/streamtest"
)

// A cut takes the machine away at a moment: from then on every call fails, at both ends.
type cut struct {
	at   int // which moment; 0: never
	seen int
}

func (c *cut) fail(string, bool) error {
	if c.seen++; c.at > 0 && c.seen >= c.at {
		return errCut
	}
	return nil
}

// TestCutAnywhere kills a replication before and after each of its calls, and within its streams.
// Whatever it left, no snapshot is lost; somebody prunes what is not held; and the next run brings
// the destination where it should be, without a full stream if there had been anything.
func TestCutAnywhere(t *testing.T) {
	for _, c := range []struct {
		name  string
		want  stream.Want
		ready func(*pair) // before
		more  int         // snapshots that are to be sent
	}{
		{"first", stream.Want{}, func(*pair) {}, 1},
		{"first with history", stream.Want{Every: true, History: true}, func(*pair) {}, 3},
		{"newest", stream.Want{}, seeded, 3},
		{"each", stream.Want{Every: true}, seeded, 3},
		{"again", stream.Want{Every: true}, halfway, 0},
		{"rollback", stream.Want{Every: true, Rollback: true}, diverged, 2},
		{"reseed", stream.Want{Every: true, Reseed: stream.Beside}, unrelated, 2},
		{"reseed all the same", stream.Want{Every: true, Reseed: stream.Anyway}, damaged, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.want.Job = "job"
			moments := 0
			for at := 1; ; at++ {
				p := newPair(t)
				c.ready(p)
				p.take(c.more)
				whole := cutAt(p, c.want, at)
				if whole {
					break
				}
				moments++
				if t.Failed() {
					t.Fatalf("cut at moment %d", at)
				}
			}
			if moments < 10 {
				t.Errorf("there were %d moments", moments)
			}
		})
	}
}

func seeded(p *pair) {
	p.take(2)
	p.replicate(stream.Want{Job: "job"})
}

// halfway has a part of a stream at the destination.
func halfway(p *pair) {
	seeded(p)
	p.take(2)
	_, err := stream.Replicate(p.Context(), &streamtest.Faulty{Volume: p.source, Fail: failAt("read", 5)}, p.destination,
		stream.Options{Want: stream.Want{Job: "job", Every: true}})
	if !errors.Is(err, errCut) {
		p.Fatal(err)
	}
}

func diverged(p *pair) {
	seeded(p)
	scribble(p.T, p.destination, 77)
	if _, err := p.destination.Take(p.Context(), "mine"); err != nil {
		p.Fatal(err)
	}
}

// unrelated has a destination that the source knows nothing of.
func unrelated(p *pair) {
	other := newPair(p.T)
	other.take(2)
	other.replicate(stream.Want{Job: "job"})
	p.destination = other.destination
}

// damaged has one with all that the source has.
func damaged(p *pair) { seeded(p) }

// cutAt cuts a replication at a moment, and reports whether it had come to its end by then.
func cutAt(p *pair, w stream.Want, at int) (whole bool) {
	before := snapshots(p)
	c := &cut{at: at}
	near, far := &streamtest.Faulty{Volume: p.source, Fail: c.fail}, &streamtest.Faulty{Volume: p.destination, Fail: c.fail}
	_, err := stream.Replicate(p.Context(), near, far, stream.Options{Want: w})
	whole = err == nil
	if !whole && !errors.Is(err, errCut) {
		p.Fatalf("moment %d: %v", at, err)
	}
	for name := range before {
		replaced := w.Reseed != "" && strings.HasPrefix(name, "replica@") && listed(p.T, p.destination) != ""
		if !snapshots(p)[name] && name != "replica@mine" && !replaced {
			p.Fatalf("moment %d: %s has gone", at, name)
		}
	}
	begun := listed(p.T, p.destination) != "-"
	if w.Reseed != "" {
		begun = hasBegun(p)
	}
	prune(p.T, p.source)
	prune(p.T, p.destination)
	p.take(1)
	if begun {
		w.Reseed = "" // it goes on unasked
	}
	out, err := stream.Replicate(p.Context(), p.source, p.destination, stream.Options{Want: w})
	if err != nil {
		p.Fatalf("moment %d, again: %v", at, err)
	}
	for _, d := range out.Done {
		if begun && d.Kind == stream.Full {
			p.Errorf("moment %d: a full stream again", at)
		}
	}
	newest := fmt.Sprint("s", p.n)
	prune(p.T, p.source)
	prune(p.T, p.destination)
	p.has(newest+"!job #job:"+newest, newest+"!job")
	if !bytes.Equal(contents(p.T, p.source), contents(p.T, p.destination)) {
		p.Errorf("moment %d: the bytes differ", at)
	}
	if part, err := p.destination.Partial(p.Context()); part != nil || err != nil {
		p.Errorf("moment %d: a part is left: %+v, %v", at, part, err)
	}
	return whole
}

// hasBegun reports whether the destination has anything that the source has begun with.
func hasBegun(p *pair) bool {
	source, err := stream.Look(p.Context(), p.source)
	if err != nil {
		p.Fatal(err)
	}
	destination, err := stream.Look(p.Context(), p.destination)
	if err != nil {
		p.Fatal(err)
	}
	return destination.Partial != nil || stream.Common(source, destination) != nil
}

// snapshots are the names of what both sides have.
func snapshots(p *pair) map[string]bool {
	names := map[string]bool{}
	for _, v := range []stream.Volume{p.source, p.destination} {
		all, err := v.Snapshots(p.Context())
		if err != nil && !errors.Is(err, stream.ErrNoVolume) {
			p.Fatal(err)
		}
		for _, s := range all {
			if !s.Bookmark {
				names[v.Name()+"@"+s.Name] = true
			}
		}
	}
	return names
}
