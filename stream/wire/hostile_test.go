package wire

import (
	"errors"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lunarsan/lunar/stream"
)

// TestChunkDamaged has bytes of a chunk change inside one of the machines, where frames' sums are made
// of what is wrong already.
func TestChunkDamaged(t *testing.T) {
	for level := range levels {
		k, from := new(codecs), new(pool)
		for at := range 3 {
			c := &chunk{block: from.get(1 << 16), size: 1 << 16}
			if _, err := newMaterial(1 << 16).Read(c.raw()); err != nil {
				t.Fatal(err)
			}
			c.pack(k, level)
			c.block.b[blockRoom+(c.size-chunkHeaderLen-1)*at/2] ^= 1
			if c.unpack(k); c.err == nil {
				t.Errorf("%s: it was not seen", levels[level].name)
			}
			c.block.put()
		}
	}
}

// TestTrailerJudged has a stream come that is not the one that was sent: each of its chunks is whole.
func TestTrailerJudged(t *testing.T) {
	sums := newTally()
	sums.add(10, 1)
	sums.add(20, 2)
	for what, others := range map[string]func(*tally){
		"all":            func(s *tally) { s.add(10, 1); s.add(20, 2) },
		"too few":        func(s *tally) { s.add(10, 1) },
		"another order":  func(s *tally) { s.add(20, 2); s.add(10, 1) },
		"another length": func(s *tally) { s.add(10, 1); s.add(21, 2) },
		"one more":       func(s *tally) { s.add(10, 1); s.add(20, 2); s.add(0, 0) },
	} {
		came := newTally()
		others(came)
		end := sums.total()
		if err := (&drain{sums: came}).judge(&end); errors.Is(err, stream.ErrStream) == (what == "all") {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// deliverTo has a frame come to a session.
func deliverTo(s *session, kind frameType, exchange uint32, seq uint64, size int) error {
	var h header
	b := s.pool.get(size)
	putHeader(h[:], kind, 0, exchange, seq, b.b[headerLen:][:size])
	return s.deliver(&h, b)
}

// TestTooMuch has a client send more than was agreed: its connection ends, and what it takes of memory
// is bounded.
func TestTooMuch(t *testing.T) {
	for what, send := range map[string]func(s *session, n int) error{
		"frames far ahead":   func(s *session, n int) error { return deliverTo(s, frameData, 1, uint64(2*n+1), 1) },
		"bytes of one call":  func(s *session, n int) error { return deliverTo(s, frameData, 1, uint64(n+1), chunkSize) },
		"bytes of all calls": func(s *session, n int) error { return deliverTo(s, frameData, uint32(n%8), uint64(n+1), chunkSize) },
		"calls":              func(s *session, n int) error { return deliverTo(s, frameData, uint32(n), 1, 1) },
		"acknowledgements": func(s *session, n int) error {
			if n == 0 {
				return deliverTo(s, frameData, 1, 1, 1)
			}
			var h header
			putHeader(h[:], frameTaken, 0, 1, 5, nil)
			return s.deliver(&h, nil)
		},
	} {
		s := newSession(newSessionID(), false, "client", new(Memory))
		var err error
		for n := 0; n < mostAhead && err == nil; n++ {
			err = send(s, n)
		}
		if !errors.Is(err, errFrame) {
			t.Errorf("%s: %v", what, err)
		}
		if n := s.pool.outstanding(); n > sessionWindow+exchangeWindow+exchangeWindow/2 {
			t.Errorf("%s: %d MiB are kept", what, n>>20)
		}
		s.fail(errClosed)
		if n := s.pool.outstanding(); n != 0 {
			t.Errorf("%s: %d bytes are left", what, n)
		}
	}
}

// TestLongAnswer has an answer be longer than it may.
func TestLongAnswer(t *testing.T) {
	s := newSession(newSessionID(), true, "server", new(Memory))
	x, err := s.call()
	if err != nil {
		t.Fatal(err)
	}
	for seq := range uint64(3) {
		var h header
		b := s.pool.get(8)
		putHeader(h[:], frameAnswer, flagMore, x.id, seq, b.b[headerLen:][:8])
		if err := s.deliver(&h, b); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := x.parts(t.Context(), frameAnswer, 20); !errors.Is(err, errFrame) {
		t.Errorf("of 24 bytes, 20 being allowed, it says %v", err)
	}
}

// TestManyLinks has a client make more links than it may: those that it has left make room.
func TestManyLinks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, mapHost{}, Options{})
		for range mostSessions {
			r.link(Options{})
		}
		if _, err := Connect(t.Context(), r.dial, Options{Name: "far"}); err == nil || !strings.Contains(err.Error(), "links here already") {
			t.Errorf("one more: %v", err)
		}
		r.down.Store(true)
		r.cut()
		synctest.Wait()
		r.down.Store(false)
		r.link(Options{})
		synctest.Wait()
		if n := r.server.Sessions(); n > mostSessions {
			t.Errorf("%d sessions", n)
		}
	})
}

// TestRetireAfter has a connection do as much as its key is good for.
func TestRetireAfter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, mapHost{"v": &pipeVolume{name: "v"}}, Options{})
		l := r.link(Options{})
		l.now.s.mu.Lock()
		l.now.s.lanes[0].bytes.Store(retireAfter)
		l.now.s.mu.Unlock()
		for range 2 {
			if _, err := l.Volume("v").Snapshots(t.Context()); err != nil {
				t.Error(err)
			}
			time.Sleep(time.Minute)
		}
		if n := r.dials.Load(); n != 2 {
			t.Errorf("%d connections", n)
		}
	})
}

// TestNotWorth has chunks come that nobody makes shorter: no strong compressor is even made.
func TestNotWorth(t *testing.T) {
	k, from := new(codecs), new(pool)
	const level = levelFirst + 1
	noise := make([]byte, chunkSize)
	_, _ = rand.NewChaCha8([32]byte{7}).Read(noise) // it never fails
	if _, _, used := k.pack(from, noise, level); used != codecNone || k.encode[level] != nil {
		t.Errorf("noise was compressed with %d", used)
	}
	half := make([]byte, chunkSize)
	if _, err := readFull(newMaterial(chunkSize), half); err != nil {
		t.Fatal(err)
	}
	if b, _, used := k.pack(from, half, level); used != codecZstd {
		t.Errorf("what becomes half as long was compressed with %d", used)
	} else {
		b.put()
	}
}
