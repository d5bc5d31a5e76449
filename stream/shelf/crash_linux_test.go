package shelf

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/lunarsan/lunar/sbd"
	"github.com/lunarsan/lunar/sbd/layer"
	"github.com/lunarsan/lunar/stream"
)

var errPower = errors.New("the power failed")

// powerFails has the machine end at step n of all that changes files; it tells of the steps.
func powerFails(n int, steps *[]string) func(string) error {
	return func(step string) error {
		*steps = append(*steps, step)
		if len(*steps) > n {
			return errPower
		}
		return nil
	}
}

// A tableau is what can be seen of a volume.
type tableau struct {
	list  string
	bytes string
}

// pages are how much of one byte there is, in 4 KiB.
func pages(p []byte, c byte) int { return bytes.Count(p, bytes.Repeat([]byte{c}, 4096)) }

func see(t *testing.T, s *Shelf) tableau {
	t.Helper()
	ctx := context.Background()
	all, err := s.Snapshots(ctx)
	if err != nil && !errors.Is(err, stream.ErrNoVolume) {
		t.Fatal(err)
	}
	var list []string
	var streams bytes.Buffer
	for _, x := range all {
		list = append(list, fmt.Sprintf("%s %v %v %v", x.Name, x.Bookmark, x.Holds, x.Clones))
		if x.Bookmark {
			continue
		}
		r, err := s.Send(ctx, stream.Send{Snapshot: x.Name})
		if err != nil {
			t.Fatal(err)
		}
		p, err := io.ReadAll(r)
		if err = errors.Join(err, r.Close()); err != nil {
			t.Fatal(err)
		}
		fmt.Fprintln(&streams, x.Name, pages(p, '1'), pages(p, '2'), pages(p, '3'))
	}
	var p []byte
	if head, err := layer.Open(s.path(), sbd.OpenOptions{ReadOnly: true}); err == nil {
		p = make([]byte, head.Size())
		_, err = head.ReadAt(p, 0)
		do(t, errors.Join(err, head.Close()))
	} else if !errors.Is(err, sbd.ErrGone) {
		t.Fatal(err)
	}
	fmt.Fprintln(&streams, pages(p, '1'), pages(p, '2'), pages(p, '3'))
	return tableau{strings.Join(list, "; "), streams.String()}
}

func (s *Shelf) fill(t *testing.T, c byte, off int64) {
	t.Helper()
	f, err := layer.Open(s.path(), sbd.OpenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	_, err = f.WriteAt(bytes.Repeat([]byte{c}, 8192), off)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		t.Fatal(err)
	}
}

func do(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// TestCrash ends the machine at each step of each change. The volume is then what it was or what it
// was to be, nothing lies about that nobody knows, and the change can be made.
func TestCrash(t *testing.T) {
	t.Parallel()
	onBoth(t, crash)
}

func crash(t *testing.T, folder string) {
	ctx := context.Background()
	source := New(filepath.Join(folder, "source"))
	do(t, sbd.Create(source.path(), 1<<20, true))
	source.fill(t, '1', 0)
	take := func(s *Shelf, name string) error { _, err := s.Take(ctx, name); return err }
	send := func(q stream.Send) []byte {
		r, err := source.Send(ctx, q)
		do(t, err)
		p, err := io.ReadAll(r)
		do(t, errors.Join(err, r.Close()))
		return p
	}
	do(t, take(source, "a"))
	full := send(stream.Send{Snapshot: "a"})
	source.fill(t, '2', 64<<10)
	do(t, take(source, "b"))
	more := send(stream.Send{Snapshot: "b", From: "a"})
	other := send(stream.Send{Snapshot: "b"})
	anew := func(p []byte) func(*Shelf) error {
		return func(s *Shelf) error {
			_, err := s.Receive(ctx, bytes.NewReader(p), stream.Receive{Anew: true})
			return err
		}
	}
	receive := func(p []byte, rollback bool) func(*Shelf) error {
		return func(s *Shelf) error {
			_, err := s.Receive(ctx, bytes.NewReader(p), stream.Receive{Rollback: rollback})
			return err
		}
	}
	begin := func(s *Shelf) {
		do(t, receive(full, false)(s))
	}
	two := func(s *Shelf) {
		begin(s)
		s.fill(t, '3', 128<<10)
		do(t, take(s, "mine"))
		s.fill(t, '3', 256<<10)
	}
	for _, c := range []struct {
		name  string
		start func(*Shelf)
		run   func(*Shelf) error
	}{
		{"receive nothing", func(*Shelf) {}, receive(full, false)},
		{"receive more", begin, receive(more, false)},
		{"receive with rollback", two, receive(more, true)},
		{"receive anew", func(s *Shelf) { two(s); do(t, take(s, "b")); do(t, s.Bookmark(ctx, "mine", "m")) }, anew(other)},
		{"receive nothing anew", func(*Shelf) {}, anew(full)},
		{"take", two, func(s *Shelf) error { return take(s, "new") }},
		{"destroy", two, func(s *Shelf) error { return s.Destroy(ctx, "a") }},
		{"destroy the newest", two, func(s *Shelf) error { return s.Destroy(ctx, "mine") }},
		{"destroy what is marked", func(s *Shelf) { two(s); do(t, s.Bookmark(ctx, "a", "m")) }, func(s *Shelf) error { return s.Destroy(ctx, "a") }},
		{"rollback", two, func(s *Shelf) error { return s.Rollback(ctx, "a") }},
		{"clone", two, func(s *Shelf) error { _, err := s.Clone(ctx, "a", "c"); return err }},
		{"unclone", func(s *Shelf) { two(s); _, err := s.Clone(ctx, "a", "c"); do(t, err) }, func(s *Shelf) error { return s.Unclone(ctx, "c") }},
		{"bookmark", two, func(s *Shelf) error { return s.Bookmark(ctx, "a", "m") }},
		{"hold", two, func(s *Shelf) error { return s.Hold(ctx, "a", "t") }},
	} {
		t.Run(c.name, func(t *testing.T) {
			var steps []string
			var was, will tableau
			for n := 0; ; n++ {
				dir := filepath.Join(folder, fmt.Sprintf("%s-%d", c.name, n))
				do(t, os.Mkdir(dir, 0o700))
				s := New(filepath.Join(dir, "disk"))
				c.start(s)
				if n == 0 {
					was = see(t, s)
				}
				steps = nil
				broken := New(s.path())
				broken.disk.fault = powerFails(n, &steps)
				err := c.run(broken)
				if err == nil {
					will = see(t, s)
					checkFiles(t, s)
					if n < 2 {
						t.Errorf("it has %d steps: %q", n, steps)
					}
					break
				}
				if !errors.Is(err, errPower) {
					t.Fatalf("at %q: %v", steps, err)
				}
				after := see(t, New(s.path()))
				checkFiles(t, s)
				again := c.run(New(s.path()))
				end := see(t, s)
				checkFiles(t, s)
				if after == was && again != nil {
					t.Errorf("after %q it cannot be done: %v", steps, again)
				}
				if after != was && after != end {
					t.Errorf("after %q it is\n%v, it was\n%v, and again\n%v", steps, after, was, end)
				}
				if want := after; after == was && end == want && c.name != "hold" {
					t.Errorf("after %q nothing has been done", steps)
				}
				if will != (tableau{}) && end != will {
					t.Errorf("after %q it is\n%v, want\n%v", steps, end, will)
				}
				will = end
			}
			if was == will {
				t.Error("it does nothing")
			}
		})
	}
}

// checkFiles says which files of a shelf nobody knows.
func checkFiles(t *testing.T, s *Shelf) {
	t.Helper()
	e, err := s.edit(context.Background(), false)
	do(t, err)
	defer e.done()
	known := []string{"shelf.json"}
	for _, x := range e.record.Snapshots {
		known = append(known, "at/"+x.Name)
	}
	for _, x := range e.record.Clones {
		known = append(known, "clones/"+x.Name, "clones/"+x.Name+".lunar")
	}
	for _, x := range e.record.Bookmarks {
		if x.Until != 0 {
			known = append(known, strings.TrimPrefix(e.sinceAt(x.Link.GUID, x.Until), e.root()+"/"))
		}
	}
	receiving := false
	if p, err := e.part(); err != nil || p != nil {
		receiving = true
		known = append(known, "clones/.receiving", "clones/.receiving.lunar")
	}
	if l, ok := e.medium.(*layers); ok {
		do(t, l.tidy(context.Background()))
		list, err := l.list()
		do(t, err)
		for _, x := range list {
			if !slices.ContainsFunc(e.record.Snapshots, func(s snapshot) bool { return l.key(&s) == x.Name }) {
				t.Errorf("nobody knows layer %q", x.Name)
			}
			for _, name := range x.Clones {
				if !slices.ContainsFunc(e.record.Clones, func(c clone) bool { return c.Name == name }) && !(receiving && name == forkReceiving) {
					t.Errorf("nobody knows clone %q", name)
				}
			}
		}
	}
	for _, dir := range []string{".", "at", "clones", "since"} {
		files, err := os.ReadDir(e.in(dir))
		if err != nil && !notThere(err) {
			t.Fatal(err)
		}
		for _, f := range files {
			if name := filepath.Join(dir, f.Name()); !f.IsDir() && !slices.Contains(known, name) && !strings.HasSuffix(name, ".new") {
				t.Errorf("nobody knows %s", name)
			}
		}
	}
}
