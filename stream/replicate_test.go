package stream_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lunarsan/lunar/stream"
	"github.com/lunarsan/lunar/stream/streamtest"
)

// A pair is a source and where it is replicated to.
type pair struct {
	*testing.T
	source, destination *streamtest.Memory
	n                   int // snapshots that were taken
}

// pieces is how long the volumes are (bytes): their streams come in a few pieces.
const pieces = 40_000

func newPair(t *testing.T) *pair {
	return &pair{T: t, source: streamtest.NewMemory("tank/vm1", pieces), destination: streamtest.NoMemory("replica")}
}

// take writes something and takes snapshots.
func (p *pair) take(n int) {
	p.Helper()
	for range n {
		p.n++
		scribble(p.T, p.source, p.n)
		if _, err := p.source.Take(p.Context(), fmt.Sprint("s", p.n)); err != nil {
			p.Fatal(err)
		}
	}
}

func scribble(t *testing.T, m *streamtest.Memory, seed int) {
	t.Helper()
	b, err := m.Open(m.Path())
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	if _, err := b.WriteAt(fmt.Appendf(nil, "write %d", seed), int64(seed*997%(pieces-20))); err != nil {
		t.Fatal(err)
	}
}

func contents(t *testing.T, m *streamtest.Memory) []byte {
	t.Helper()
	b, err := m.Open(m.Path())
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	all, err := io.ReadAll(io.NewSectionReader(b, 0, b.Size()))
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// listed writes what a volume has: snapshots with their holds, bookmarks by what they end in.
func listed(t *testing.T, v stream.Volume) string {
	t.Helper()
	all, err := v.Snapshots(t.Context())
	if errors.Is(err, stream.ErrNoVolume) {
		return "-"
	}
	if err != nil {
		t.Fatal(err)
	}
	names := map[uint64]string{}
	for _, s := range all {
		if !s.Bookmark {
			names[s.GUID] = s.Name
		}
	}
	var words []string
	for _, s := range all {
		word := s.Name
		if s.Bookmark {
			job, _, _ := strings.Cut(strings.TrimPrefix(s.Name, "lunar:"), ":")
			word = "#" + job + ":" + names[s.GUID]
		}
		for _, tag := range s.Holds {
			word += "!" + strings.TrimPrefix(tag, "lunar:")
		}
		words = append(words, word)
	}
	return strings.Join(words, " ")
}

func (p *pair) has(source, destination string) {
	p.Helper()
	if got := listed(p.T, p.source); got != source {
		p.Errorf("the source has %s\nwant %s", got, source)
	}
	if got := listed(p.T, p.destination); got != destination {
		p.Errorf("the destination has %s\nwant %s", got, destination)
	}
}

func (p *pair) replicate(w stream.Want) stream.Outcome {
	p.Helper()
	out, err := stream.Replicate(p.Context(), p.source, p.destination, stream.Options{Want: w})
	if err != nil {
		p.Fatal(err)
	}
	return out
}

func TestReplicate(t *testing.T) {
	p := newPair(t)
	w := stream.Want{Job: "job", Every: true}
	p.take(2)
	out := p.replicate(w)
	p.has("s1 s2!job #job:s2", "s2!job")
	if len(out.Done) != 1 || out.Done[0].Kind != stream.Full || out.Done[0].Bytes < pieces || out.Newest.Name != "s2" {
		t.Errorf("%+v", out)
	}
	p.take(3)
	out = p.replicate(w)
	p.has("s1 s2 s3 s4 s5!job #job:s5", "s2 s3 s4 s5!job")
	if len(out.Done) != 3 || out.Done[2].From != "s4" {
		t.Errorf("%+v", out)
	}
	p.take(2)
	w.Every = false
	p.replicate(w)
	p.has("s1 s2 s3 s4 s5 s6 s7!job #job:s7", "s2 s3 s4 s5 s7!job")
	if out = p.replicate(w); len(out.Done) != 0 || out.Newest.Name != "s7" {
		t.Errorf("with nothing to do: %+v", out)
	}
	p.has("s1 s2 s3 s4 s5 s6 s7!job #job:s7", "s2 s3 s4 s5 s7!job")
	if !bytes.Equal(contents(t, p.source), contents(t, p.destination)) {
		t.Error("the bytes differ")
	}

	for _, v := range []stream.Volume{p.source, p.destination} {
		if err := stream.Forget(t.Context(), v, "job"); err != nil {
			t.Fatal(err)
		}
	}
	p.has("s1 s2 s3 s4 s5 s6 s7", "s2 s3 s4 s5 s7")
}

// TestNobodys leaves no traces where no job asks.
func TestNobodys(t *testing.T) {
	p := newPair(t)
	p.take(2)
	p.replicate(stream.Want{})
	p.has("s1 s2", "s2")
}

// TestFanOut replicates to two places, at a different pace each, while somebody prunes all that
// is not held. Neither job loses what it goes on from.
func TestFanOut(t *testing.T) {
	p := newPair(t)
	second := streamtest.NoMemory("second")
	both := func(job string, d stream.Volume) {
		t.Helper()
		out, err := stream.Replicate(t.Context(), p.source, d, stream.Options{Want: stream.Want{Job: job}})
		if err != nil {
			t.Fatalf("%s after s%d: %v", job, p.n, err)
		}
		for _, done := range out.Done {
			if p.n > 1 && done.Kind != stream.Increment {
				t.Errorf("%s after s%d: %+v", job, p.n, done)
			}
		}
	}
	for range 9 {
		p.take(1)
		both("near", p.destination)
		if p.n%3 == 1 {
			both("far", second)
		}
		prune(t, p.source)
		prune(t, p.destination)
		prune(t, second)
	}
	p.has("s7!far #far:s7 s9!near #near:s9", "s9!near")
	if got := listed(t, second); got != "s7!far" {
		t.Errorf("the second has %s", got)
	}
}

// prune destroys what it can, but for the newest, as any good pruner does.
func prune(t *testing.T, v stream.Volume) {
	t.Helper()
	all, err := v.Snapshots(t.Context())
	if errors.Is(err, stream.ErrNoVolume) {
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	all = slices.DeleteFunc(all, func(s stream.Snapshot) bool { return s.Bookmark })
	for _, s := range all[:max(0, len(all)-1)] {
		if err := v.Destroy(t.Context(), s.Name); err != nil && !errors.Is(err, stream.ErrHeld) {
			t.Fatal(err)
		}
	}
}

// TestRollback and the way out of each refusal.
func TestRefusals(t *testing.T) {
	p := newPair(t)
	p.take(1)
	p.replicate(stream.Want{Job: "job"})
	refused := func(kind error, flag string) {
		t.Helper()
		was := listed(t, p.destination)
		_, err := stream.Replicate(t.Context(), p.source, p.destination, stream.Options{
			Want:  stream.Want{Job: "job"},
			Retry: func(int, error) (time.Duration, bool) { t.Error("it is tried again"); return 0, false },
		})
		var r *stream.Refusal
		if !errors.As(err, &r) || !errors.Is(err, kind) || r.Flag != flag {
			t.Errorf("%v, want %v and %s", err, kind, flag)
		}
		if got := listed(t, p.destination); got != was {
			t.Errorf("the destination had %s, and has %s", was, got)
		}
	}

	p.take(1)
	scribble(t, p.destination, 100)
	refused(stream.ErrChanged, "--rollback")
	p.replicate(stream.Want{Job: "job", Rollback: true})
	p.has("s1 s2!job #job:s2", "s1 s2!job")

	p.take(1)
	if _, err := p.destination.Take(t.Context(), "mine"); err != nil {
		t.Fatal(err)
	}
	refused(stream.ErrBase, "--rollback")
	if err := p.destination.Hold(t.Context(), "mine", "lunar:job"); err != nil {
		t.Fatal(err)
	}
	p.replicate(stream.Want{Job: "job", Rollback: true})
	p.has("s1 s2 s3!job #job:s3", "s1 s2 s3!job")

	p.source = streamtest.NewMemory("tank/vm1", pieces)
	p.take(1)
	refused(stream.ErrBase, "--reseed")
	p.replicate(stream.Want{Job: "job", Reseed: stream.Beside})
	p.has("s4!job #job:s4", "s4!job")
	if !bytes.Equal(contents(t, p.source), contents(t, p.destination)) {
		t.Error("the bytes differ")
	}
}

// TestLostToken goes on although the source does not know what was cut any more.
func TestLostToken(t *testing.T) {
	p := newPair(t)
	p.take(1)
	p.replicate(stream.Want{Job: "job"})
	p.take(1)
	cut := &streamtest.Faulty{Volume: p.source, Fail: failAt("read", 3)}
	if _, err := stream.Replicate(t.Context(), cut, p.destination, stream.Options{}); !errors.Is(err, errCut) {
		t.Fatal(err)
	}
	if part, err := p.destination.Partial(t.Context()); part == nil || err != nil {
		t.Fatalf("it has %+v, %v", part, err)
	}
	refuses := &streamtest.Faulty{Volume: p.source, Fail: func(call string, done bool) error { return nil }}
	lost := &tokenless{refuses}
	out, err := stream.Replicate(t.Context(), lost, p.destination, stream.Options{Want: stream.Want{Job: "job"}, Retry: atOnce})
	if err != nil {
		t.Fatal(err)
	}
	var kinds []stream.Kind
	for _, d := range out.Done {
		kinds = append(kinds, d.Kind)
	}
	if !slices.Equal(kinds, []stream.Kind{stream.Abandon, stream.Increment}) || len(out.Failures) != 1 {
		t.Errorf("%v after %q", kinds, out.Failures)
	}
	p.has("s1 s2!job #job:s2", "s1 s2!job")
}

// TestOvertaken plans again when a session whose sender has died moves what was received on.
func TestOvertaken(t *testing.T) {
	for name, more := range map[string]func(whole []byte) []byte{
		"some more came": func(whole []byte) []byte { return whole[:len(whole)*3/4] },
		"all of it came": func(whole []byte) []byte { return whole },
	} {
		t.Run(name, func(t *testing.T) {
			p := newPair(t)
			p.take(1)
			cut := &streamtest.Faulty{Volume: p.source, Fail: failAt("read", 3)}
			if _, err := stream.Replicate(t.Context(), cut, p.destination, stream.Options{}); !errors.Is(err, errCut) {
				t.Fatal(err)
			}
			late := &overtaken{Volume: p.destination, meanwhile: func() { p.goOn(more) }}
			out, err := stream.Replicate(t.Context(), p.source, late, stream.Options{Want: stream.Want{Job: "job"}})
			if err != nil || len(out.Failures) != 1 {
				t.Errorf("%+v, %v", out, err)
			}
			p.has("s1!job #job:s1", "s1!job")
			if !bytes.Equal(contents(t, p.source), contents(t, p.destination)) {
				t.Error("the bytes differ")
			}
		})
	}
}

// TestOvertakenAlways gives up where looking again does not help.
func TestOvertakenAlways(t *testing.T) {
	p := newPair(t)
	p.take(1)
	calls := 0
	stubborn := &streamtest.Faulty{Volume: p.source, Fail: func(call string, done bool) error {
		if call != "send" || done {
			return nil
		}
		calls++
		return fmt.Errorf("s1: %w", stream.ErrNoSnapshot)
	}}
	if _, err := stream.Replicate(t.Context(), stubborn, p.destination, stream.Options{}); !errors.Is(err, stream.ErrNoSnapshot) || calls != 2 {
		t.Errorf("%v after %d attempts", err, calls)
	}
}

// goOn has the rest of what was cut arrive, or a part of it.
func (p *pair) goOn(more func(whole []byte) []byte) {
	p.Helper()
	part, err := p.destination.Partial(p.Context())
	if part == nil || err != nil {
		p.Fatalf("it has %+v, %v", part, err)
	}
	rest, err := p.source.Send(p.Context(), stream.Send{Token: part.Token})
	if err != nil {
		p.Fatal(err)
	}
	defer rest.Close()
	whole, err := io.ReadAll(rest)
	if err != nil {
		p.Fatal(err)
	}
	_, _ = p.destination.Receive(p.Context(), bytes.NewReader(more(whole)), stream.Receive{}) // it may be cut
}

// overtaken is a volume at which something arrives after it was looked at.
type overtaken struct {
	stream.Volume
	meanwhile func()
}

func (v *overtaken) Receive(ctx context.Context, in io.Reader, r stream.Receive) (stream.Snapshot, error) {
	if v.meanwhile != nil {
		v.meanwhile()
		v.meanwhile = nil
	}
	return v.Volume.Receive(ctx, in, r)
}

// tokenless takes no token.
type tokenless struct{ *streamtest.Faulty }

func (v *tokenless) Send(ctx context.Context, s stream.Send) (io.ReadCloser, error) {
	if s.Token != "" {
		return nil, fmt.Errorf("%s: %w", v.Name(), stream.ErrToken)
	}
	return v.Faulty.Send(ctx, s)
}

var errCut = errors.New("the wire was cut")

// failAt fails the nth call of a name, and those alone.
func failAt(name string, nth int) func(string, bool) error {
	return func(call string, done bool) error {
		if call != name || done {
			return nil
		}
		if nth--; nth == 0 {
			return errCut
		}
		return nil
	}
}

func atOnce(failures int, _ error) (time.Duration, bool) { return 0, failures < 5 }

// forbids lets nobody hold snapshots.
type forbids struct{ stream.Volume }

func (v forbids) Hold(context.Context, string, string) error {
	return fmt.Errorf("holds: %w", stream.ErrForbidden)
}

func TestForbiddenHold(t *testing.T) {
	p := newPair(t)
	p.take(1)
	out, err := stream.Replicate(t.Context(), p.source, forbids{p.destination}, stream.Options{Want: stream.Want{Job: "job"}})
	if err != nil || len(out.Notes) != 1 {
		t.Errorf("%q, %v", out.Notes, err)
	}
	p.has("s1!job #job:s1", "s1")
}

// TestRetry waits as it is told, and counts anew when something has come through.
func TestRetry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPair(t)
		p.take(1)
		fails := 0
		down := &streamtest.Faulty{Volume: p.source, Fail: func(call string, done bool) error {
			if fails++; call == "snapshots" && fails < 4 || call == "read" && fails%4 == 0 {
				return errCut
			}
			return nil
		}}
		var heard []int
		start := time.Now()
		out, err := stream.Replicate(t.Context(), down, p.destination, stream.Options{
			Want: stream.Want{Job: "job"},
			Retry: func(failures int, err error) (time.Duration, bool) {
				if !errors.Is(err, errCut) {
					t.Error(err)
				}
				heard = append(heard, failures)
				return time.Duration(failures) * time.Minute, true
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		if len(heard) < 6 || !slices.Equal(heard[:4], []int{1, 2, 3, 4}) || heard[len(heard)-1] != 1 || len(out.Failures) != len(heard) {
			t.Errorf("failures counted as %v", heard)
		}
		if waited := time.Since(start); waited < 7*time.Minute {
			t.Errorf("it waited for %s", waited)
		}
		p.has("s1!job #job:s1", "s1!job")
	})
}

func TestProgress(t *testing.T) {
	p := newPair(t)
	p.take(3)
	var last stream.Progress
	told := map[int]bool{}
	_, err := stream.Replicate(t.Context(), p.source, p.destination, stream.Options{
		Want: stream.Want{Every: true, History: true},
		Progress: func(at stream.Progress) {
			if at.Nth == last.Nth && at.Bytes < last.Bytes {
				t.Errorf("%+v after %+v", at, last)
			}
			told[at.Nth], last = true, at
		},
	})
	if err != nil || len(told) != 3 || last.Of != 3 || last.Bytes < pieces || last.Step.Bytes != last.Bytes {
		t.Errorf("%+v of %v, %v", last, told, err)
	}
}

func TestCancel(t *testing.T) {
	p := newPair(t)
	p.take(1)
	ctx, cancel := context.WithCancel(t.Context())
	_, err := stream.Replicate(ctx, p.source, p.destination, stream.Options{
		Retry:    func(int, error) (time.Duration, bool) { t.Error("it is tried again"); return 0, false },
		Progress: func(stream.Progress) { cancel() },
	})
	if !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// TestReseedWithoutRoom names the way that needs less.
func TestReseedWithoutRoom(t *testing.T) {
	p := newPair(t)
	unrelated(p)
	p.take(1)
	full := &streamtest.Faulty{Volume: p.destination, Fail: func(call string, done bool) error {
		if call == "receive" && !done {
			return stream.ErrSpace
		}
		return nil
	}}
	was := listed(t, p.destination)
	_, err := stream.Replicate(t.Context(), p.source, full, stream.Options{Want: stream.Want{Job: "job", Reseed: stream.Beside}})
	var r *stream.Refusal
	if !errors.As(err, &r) || !errors.Is(err, stream.ErrSpace) || r.Flag != "--reseed=discard" || !strings.HasPrefix(r.Way, r.Flag+" ") {
		t.Errorf("%v: %+v", err, r)
	}
	if got := listed(t, p.destination); strings.ReplaceAll(was, "!job", "") != got {
		t.Errorf("there was %s, and is %s", was, got)
	}
	p.replicate(stream.Want{Job: "job", Reseed: stream.Discard})
	p.has("s1!job #job:s1", "s1!job")
}
