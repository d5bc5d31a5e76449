package wire

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lunarsan/lunar/stream"
)

// A silent connection passes nothing on when it is muted, and breaks nothing either.
type silent struct {
	net.Conn
	muted *atomic.Bool
	gone  chan struct{}
}

func (c *silent) Write(p []byte) (int, error) {
	if c.muted.Load() {
		<-c.gone
		return 0, net.ErrClosed
	}
	return c.Conn.Write(p)
}

func (c *silent) Close() error {
	select {
	case <-c.gone:
	default:
		close(c.gone)
	}
	return c.Conn.Close()
}

// TestSilence has a link stop without a word: it is noticed, and another connection goes on.
func TestSilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := &pipeVolume{name: "v", source: func() io.Reader { return newMaterial(testStream) }}
		r := newRig(t, mapHost{"v": v}, Options{})
		var muted atomic.Bool
		r.wrap = func(c net.Conn) net.Conn { return &silent{c, &muted, make(chan struct{})} }
		l := r.link(Options{})
		read := newMaterial(testStream)
		begun := time.Now()
		source := &tripwire{Reader: read, at: testStream / 2, trip: func() {
			muted.Store(true)
			time.AfterFunc(deadAfter/2, func() { muted.Store(false) })
		}}
		if _, err := l.Volume("v").Receive(t.Context(), source, stream.Receive{}); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(begun); took < deadAfter || took > 2*deadAfter {
			t.Errorf("it was noticed after %s", took)
		}
		if v.sum != sumOf(t, newMaterial(testStream)) {
			t.Error("what was sent is not what came")
		}
	})
}

// A tripwire calls trip once so many bytes were read.
type tripwire struct {
	io.Reader
	at   int
	trip func()
}

func (r *tripwire) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	if r.at > 0 && r.at <= n {
		r.trip()
	}
	r.at -= n
	return n, err
}

// TestIdle has a link with nothing to do stay up.
func TestIdle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, mapHost{"v": &pipeVolume{name: "v"}}, Options{})
		l := r.link(Options{Connections: 2})
		time.Sleep(time.Hour)
		if n := r.dials.Load(); n != 2 {
			t.Errorf("%d connections in an hour", n)
		}
		if _, err := l.Volume("v").Snapshots(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// TestPatience has the network go for longer than a client waits, and for longer than a server
// does.
func TestPatience(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := &pipeVolume{name: "v", pace: func(int) {}}
		r := newRig(t, mapHost{"v": v}, Options{})
		l := r.link(Options{})
		source := &tripwire{Reader: newMaterial(testStream), at: 1 << 20, trip: func() { r.down.Store(true); r.cut() }}
		begun := time.Now()
		_, err := l.Volume("v").Receive(t.Context(), source, stream.Receive{})
		if took := time.Since(begun); !errors.Is(err, ErrLink) || took < clientPatience || took > clientPatience+time.Minute {
			t.Errorf("after %s: %v", took, err)
		}
		if r.server.Sessions() != 1 {
			t.Error("the server has given up before its client")
		}
		time.Sleep(serverPatience)
		if r.server.Sessions() != 0 {
			t.Error("the server waits for ever")
		}
	})
}

// TestIdlePatience has a client go that has nothing under way with a process of its own.
func TestIdlePatience(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, mapHost{}, Options{})
		r.server.folder = t.TempDir()
		r.link(Options{})
		r.down.Store(true)
		r.cut()
		time.Sleep(idlePatience + time.Second)
		if r.server.Sessions() != 0 {
			t.Error("the process stays")
		}
	})
}

// TestReplaced has a client make another connection before the server has seen the end of the one
// before. Nobody is waited for then, as the client is there; when it goes while it is greeted, it is.
func TestReplaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, mapHost{"v": &pipeVolume{name: "v"}}, Options{})
		l := r.link(Options{})
		another := &client{s: l.now.s, o: l.o, log: l.now.log, dial: r.dial}
		lane, err := another.connect(t.Context(), 0, false)
		if err != nil {
			t.Fatal(err)
		}
		another.lanes.Go(func() { _ = lane.run() }) // until the first has another one in its turn
		time.Sleep(2 * serverPatience)
		if err := l.now.s.failed(); err != nil {
			t.Errorf("a session that was never left: %v", err)
		}
		another.lanes.Wait()

		r.down.Store(true)
		r.cut()
		near, far := net.Pipe()
		r.serving.Go(func() { _ = r.server.Serve(context.Background(), far, "client", r.host) })
		if err := greet(near, frameHello, l.now.s.greeting(0)); err != nil {
			t.Error(err)
		}
		if err := near.Close(); err != nil {
			t.Error(err)
		}
		time.Sleep(serverPatience + time.Second)
		if r.server.Sessions() != 0 {
			t.Error("the server waits for ever")
		}
	})
}

// TestForgotten has a server start anew while a client is away.
func TestForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, mapHost{"v": &pipeVolume{name: "v"}}, Options{})
		l := r.link(Options{})
		source := &tripwire{Reader: newMaterial(testStream), at: 1 << 20, trip: func() {
			_ = r.server.Close()
			r.server = NewServer(Options{})
		}}
		begun := time.Now()
		_, err := l.Volume("v").Receive(t.Context(), source, stream.Receive{})
		if took := time.Since(begun); !errors.Is(err, ErrLink) || !errors.Is(err, errForgotten) || took > time.Minute {
			t.Errorf("the client is told %v after %s", err, took)
		}
		if _, err := l.Volume("v").Snapshots(t.Context()); err != nil {
			t.Errorf("a call afterwards: %v", err)
		}
	})
}

// TestStolenSession has another key go on with a session.
func TestStolenSession(t *testing.T) {
	r := newRig(t, mapHost{}, Options{})
	l := r.link(Options{})
	near, far := net.Pipe()
	r.serving.Go(func() { _ = r.server.Serve(context.Background(), far, "somebody else", r.host) })
	thief := &client{s: l.now.s, o: Options{Name: "far"}, log: l.now.log, dial: func(context.Context) (io.ReadWriteCloser, error) { return near, nil }}
	if _, err := thief.connect(t.Context(), 1, false); !errors.Is(err, errForgotten) {
		t.Errorf("the thief is told %v", err)
	}
}

// TestFailures has a stream fail at either end, and wants to know which.
func TestFailures(t *testing.T) {
	v := &pipeVolume{name: "v", failAfter: stream.ErrSpace, source: func() io.Reader {
		return io.MultiReader(newMaterial(3<<20), &failing{stream.ErrToken})
	}}
	r := newRig(t, mapHost{"v": v}, Options{})
	l := r.link(Options{})
	_, err := l.Volume("v").Receive(t.Context(), newMaterial(testStream), stream.Receive{})
	if !errors.Is(err, stream.ErrSpace) || !strings.HasPrefix(err.Error(), "far: ") {
		t.Errorf("a full receiver: %v", err)
	}
	_, err = l.Volume("v").Receive(t.Context(), io.MultiReader(newMaterial(5<<20), &failing{io.ErrUnexpectedEOF}), stream.Receive{})
	if !errors.Is(err, io.ErrUnexpectedEOF) || strings.HasPrefix(err.Error(), "far: ") || v.received != testStream+5<<20 {
		t.Errorf("a source that ends too early: %v, %d bytes", err, v.received)
	}
	in, err := l.Volume("v").Send(t.Context(), stream.Send{Snapshot: "a"})
	if err != nil {
		t.Fatal(err)
	}
	n, err := io.Copy(io.Discard, in)
	if n != 3<<20 || !errors.Is(err, stream.ErrToken) || !strings.HasPrefix(err.Error(), "far: ") {
		t.Errorf("a source there that fails: %d bytes, %v", n, err)
	}
	if err := in.Close(); err != nil {
		t.Error(err)
	}
}

type failing struct{ err error }

// TestStalledSource has the other side refuse a stream whose source does not make more of it.
func TestStalledSource(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := &pipeVolume{name: "v"}
		r := newRig(t, mapHost{"v": &refusing{v}}, Options{})
		l := r.link(Options{})
		source, more := io.Pipe()
		begun := time.Now()
		_, err := l.Volume("v").Receive(t.Context(), source, stream.Receive{})
		if took := time.Since(begun); !errors.Is(err, stream.ErrBase) || took > time.Minute {
			t.Errorf("after %s: %v", took, err)
		}
		if err := more.Close(); err != nil { // and its Read ends
			t.Error(err)
		}
	})
}

// A refusing volume takes no stream.
type refusing struct{ *pipeVolume }

func (v *refusing) Receive(context.Context, io.Reader, stream.Receive) (stream.Snapshot, error) {
	return stream.Snapshot{}, fmt.Errorf("%s: %w", v.name, stream.ErrBase)
}

func (f *failing) Read([]byte) (int, error) { return 0, f.err }

// TestGivingUp ends calls early.
func TestGivingUp(t *testing.T) {
	v := &pipeVolume{name: "v", source: func() io.Reader { return newMaterial(1 << 40) }}
	r := newRig(t, mapHost{"v": v}, Options{})
	l := r.link(Options{})
	in, err := l.Volume("v").Send(t.Context(), stream.Send{Snapshot: "a"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.CopyN(io.Discard, in, 5<<20); err != nil {
		t.Fatal(err)
	}
	if err := in.Close(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	source := &tripwire{Reader: newMaterial(1 << 40), at: 9 << 20, trip: cancel}
	if _, err := l.Volume("v").Receive(ctx, source, stream.Receive{}); !errors.Is(err, context.Canceled) {
		t.Errorf("a receive that was given up: %v", err)
	}
	if _, err := l.Volume("v").Snapshots(t.Context()); err != nil {
		t.Errorf("the link afterwards: %v", err)
	}
	for wait := time.Now().Add(5 * time.Second); l.now.s.waiting() != 0; time.Sleep(time.Millisecond) {
		if time.Now().After(wait) {
			t.Fatalf("%d exchanges are still there", l.now.s.waiting())
		}
	}
}

// waiting is how many exchanges there are.
func (s *session) waiting() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.exchanges)
}

// A flipper turns a bit over in what is written, now and then.
type flipper struct {
	net.Conn
	every, at int
}

func (c *flipper) Write(p []byte) (int, error) {
	c.at += len(p)
	if c.every > 0 && c.at > c.every {
		c.at = 0
		p = append([]byte(nil), p...)
		p[len(p)/2] ^= 4
	}
	return c.Conn.Write(p)
}

// TestDamage has bits turn over on the way: what was damaged is sent again.
func TestDamage(t *testing.T) {
	v := &pipeVolume{name: "v"}
	r := newRig(t, mapHost{"v": v}, Options{})
	r.wrap = func(c net.Conn) net.Conn { return &flipper{Conn: c, every: 3 << 20} }
	l := r.link(Options{})
	if _, err := l.Volume("v").Receive(t.Context(), newMaterial(testStream), stream.Receive{}); err != nil {
		t.Fatal(err)
	}
	if v.sum != sumOf(t, newMaterial(testStream)) || l.Traffic().Reconnects == 0 {
		t.Errorf("the same: %t, %+v", v.sum == sumOf(t, newMaterial(testStream)), l.Traffic())
	}
}

// TestSlowConsumer has a receiver that takes its time: what waits for it is bounded, the more so
// when it is near.
func TestSlowConsumer(t *testing.T) {
	for trip, want := range map[time.Duration]int64{nearby: 2 * chunkSize, nearby + 1: exchangeWindow} {
		synctest.Test(t, func(t *testing.T) {
			var most int64
			v := &pipeVolume{name: "v"}
			r := newRig(t, mapHost{"v": v}, Options{})
			l := r.link(Options{})
			l.now.s.mu.Lock()
			l.now.s.trip = trip
			l.now.s.mu.Unlock()
			v.pace = func(int) {
				l.now.s.mu.Lock()
				most = max(most, l.now.s.underWay)
				l.now.s.mu.Unlock()
				time.Sleep(time.Millisecond)
			}
			if _, err := l.Volume("v").Receive(t.Context(), newMaterial(64<<20), stream.Receive{}); err != nil {
				t.Fatal(err)
			}
			if most > want || most < want/2 {
				t.Errorf("%v there and back: %d bytes were under way at the most, of %d", trip, most, want)
			}
		})
	}
}

// TestRetire has connections make place for others in the middle of streams, both ways: nothing
// is lost in that, and nothing sent again.
func TestRetire(t *testing.T) {
	v := &pipeVolume{name: "v", source: func() io.Reader { return newMaterial(testStream) }}
	r := newRig(t, mapHost{"v": v}, Options{})
	l := r.link(Options{})
	retire := func() {
		l.now.s.mu.Lock()
		defer l.now.s.mu.Unlock()
		for _, lane := range l.now.s.lanes {
			lane.retiring = true
		}
		l.now.s.changed.Broadcast()
	}
	if _, err := l.Volume("v").Receive(t.Context(), &tripwire{Reader: newMaterial(testStream), at: testStream / 2, trip: retire}, stream.Receive{}); err != nil {
		t.Fatal(err)
	}
	in, err := l.Volume("v").Send(t.Context(), stream.Send{Snapshot: "a"})
	if err != nil {
		t.Fatal(err)
	}
	got := sumOf(t, &tripwire{Reader: in, at: testStream / 2, trip: retire})
	if err := in.Close(); err != nil {
		t.Error(err)
	}
	if want := sumOf(t, newMaterial(testStream)); v.sum != want || got != want {
		t.Error("what was sent is not what came")
	}
	if n, traffic := r.dials.Load(), l.Traffic(); n != 3 || traffic.Again != 0 {
		t.Errorf("%d connections, %+v", n, traffic)
	}
}
