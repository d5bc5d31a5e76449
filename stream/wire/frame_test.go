package wire

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"testing"
)

func TestHeader(t *testing.T) {
	var p [headerLen + 5]byte
	copy(p[headerLen:], "hello")
	putHeader(p[:], frameAnswer, flagLast, 3, 1<<40, p[headerLen:])
	h := (*header)(p[:])
	if err := h.check(); err != nil || h.kind() != frameAnswer || !h.last() || h.exchange() != 3 || h.seq() != 1<<40 || h.length() != 5 {
		t.Errorf("%v, %s, %t, %d, %d, %d", err, h.kind(), h.last(), h.exchange(), h.seq(), h.length())
	}
	if err := h.checkPayload(p[headerLen:]); err != nil {
		t.Error(err)
	}
	for bit := range headerLen * 8 {
		q := p
		q[bit/8] ^= 1 << (bit % 8)
		if err := (*header)(q[:]).check(); !errors.Is(err, errFrame) {
			t.Errorf("bit %d turned over: %v", bit, err)
		}
	}
	p[headerLen] ^= 1
	if err := h.checkPayload(p[headerLen:]); !errors.Is(err, errFrame) {
		t.Errorf("a damaged payload: %v", err)
	}
}

// TestHeaderRefusals has headers that are whole and make no sense.
func TestHeaderRefusals(t *testing.T) {
	for name, change := range map[string]func(*header){
		"a type that is none":        func(h *header) { h[2] = 99 },
		"a gap in the types":         func(h *header) { h[2] = 9 },
		"a chunk that is too long":   func(h *header) { binary.BigEndian.PutUint32(h[16:], chunkHeaderLen+chunkSize+1) },
		"a length beyond all":        func(h *header) { binary.BigEndian.PutUint32(h[16:], 1<<32-1) },
		"a ping with a payload":      func(h *header) { h[2] = byte(framePing); binary.BigEndian.PutUint32(h[16:], 1) },
		"more skipped than is there": func(h *header) { binary.BigEndian.PutUint32(h[20:], 1001) },
		"an answer of which a part is skipped": func(h *header) {
			h[2] = byte(frameAnswer)
			binary.BigEndian.PutUint32(h[20:], 1)
		},
	} {
		var h header
		putHeader(h[:], frameData, 0, 1, 1, make([]byte, 1000))
		change(&h)
		binary.BigEndian.PutUint32(h[28:], crc32.Checksum(h[:28], castagnoli))
		if err := h.check(); !errors.Is(err, errFrame) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A recording is a connection that has something to read and takes all that is written.
type recording struct {
	io.Reader
	io.Writer
}

func (recording) Close() error { return nil }

// FuzzFrames has a server's session read anything, behind a header whose sums are made right so
// that more than the first check is tried.
func FuzzFrames(f *testing.F) {
	frame := func(t frameType, flags uint8, exchange uint32, seq uint64, payload string) []byte {
		p := append(make([]byte, headerLen), payload...)
		putHeader(p, t, flags, exchange, seq, p[headerLen:])
		return p
	}
	f.Add(frame(frameCall, flagLast, 1, 0, `{"method":"snapshots","volume":"v"}`))
	f.Add(append(frame(frameData, 0, 1, 1, "chunk"), frame(frameBye, 0, 0, 0, "")...))
	f.Add(append(frame(frameTaken, 0, 1, 1, ""), frame(frameCancel, flagLast, 1, 7, "")...))
	f.Fuzz(func(t *testing.T, p []byte) {
		for at := 0; at+headerLen <= len(p); {
			h := (*header)(p[at:])
			binary.BigEndian.PutUint16(h[:], magic)
			n := min(int64(h.length()), int64(len(p)-at-headerLen))
			rest := p[at+headerLen:][:n]
			binary.BigEndian.PutUint32(h[24:], crc32.Checksum(rest, castagnoli))
			h.seal()
			at += headerLen + int(n)
		}
		s := newSession(newSessionID(), false, "fuzz", new(Memory))
		s.called = func(x *exchange) {}
		l, err := s.addLane(0, recording{bytes.NewReader(p), io.Discard})
		if err != nil {
			t.Fatal(err)
		}
		if err := l.run(); err == nil {
			t.Error("it ended for no reason")
		}
		s.fail(errClosed)
		if n := s.pool.outstanding(); n != 0 {
			t.Errorf("%d bytes of blocks are still somebody's", n)
		}
		if s.kept != 0 || s.underWay != 0 {
			t.Errorf("%d bytes are kept, %d under way", s.kept, s.underWay)
		}
	})
}

func FuzzGreeting(f *testing.F) {
	var b bytes.Buffer
	if err := greet(&b, frameHello, &greeting{Protocol: protocol, Session: newSessionID(), Have: []have{{Exchange: 1, Taken: 2, Got: [][2]uint64{{3, 4}}, Pieces: map[uint64]int{5: 6}}}}); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes()[headerLen:])
	f.Add([]byte(`{"protocol":1,"session":"00","lane":99}`))
	f.Fuzz(func(t *testing.T, p []byte) {
		frame := append(make([]byte, headerLen), p...)
		putHeader(frame, frameHello, 0, 0, 0, p)
		g, err := greeted(bytes.NewReader(frame), frameHello)
		if err != nil {
			return
		}
		s := newSession(g.Session, true, "fuzz", new(Memory))
		x, err := s.call()
		if err != nil {
			t.Fatal(err)
		}
		for range 3 {
			if err := x.send(t.Context(), frameData, 0, s.pool.get(10), 10); err != nil {
				t.Fatal(err)
			}
			x.unacked[len(x.unacked)-1].lane = g.Lane
		}
		_ = s.reconcile(g) // it refuses, or it does not: it does not panic
		s.fail(errClosed)
		if n := s.pool.outstanding(); n != 0 {
			t.Errorf("%d bytes of blocks are still somebody's", n)
		}
	})
}

func TestChunks(t *testing.T) {
	k, from := new(codecs), new(pool)
	noise := make([]byte, chunkSize)
	_, _ = rand.Read(noise)
	text := bytes.Repeat([]byte("all work and no play makes jack a dull boy. "), chunkSize/44+1)[:chunkSize]
	for name, raw := range map[string][]byte{"noise": noise, "text": text, "one byte": {1}, "some text": text[:5000], "zeros": make([]byte, chunkSize)} {
		for level := range levels {
			c := &chunk{block: from.get(chunkSize), size: len(raw)}
			copy(c.block.b[blockRoom:], raw)
			c.pack(k, level)
			if name == "text" && level > 0 && c.size > len(raw)/4 || c.size > len(raw)+chunkHeaderLen {
				t.Errorf("%s with %s has %d bytes", name, levels[level].name, c.size)
			}
			if room := len(c.block.b); room > 2*c.size+8192 {
				t.Errorf("%s with %s: %d bytes in a block of %d", name, levels[level].name, c.size, room)
			}
			if c.unpack(k); c.err != nil || !bytes.Equal(c.raw(), raw) {
				t.Errorf("%s with %s does not come back: %v", name, levels[level].name, c.err)
			}
			c.block.put()
		}
	}
	if n := from.outstanding(); n != 0 {
		t.Errorf("%d bytes of blocks are still somebody's", n)
	}
}

func FuzzChunk(f *testing.F) {
	k, from := new(codecs), new(pool)
	for level := range 3 {
		c := &chunk{block: from.get(chunkSize), size: 10000}
		clear(c.raw())
		c.pack(k, level)
		f.Add(bytes.Clone(c.block.b[headerLen:][:c.size]))
		c.block.put()
	}
	f.Fuzz(func(t *testing.T, p []byte) {
		if len(p) > chunkHeaderLen+chunkSize {
			return
		}
		c := &chunk{block: from.get(max(0, len(p)-chunkHeaderLen)), size: len(p)}
		copy(c.block.b[headerLen:], p)
		c.unpack(k)
		if c.err == nil && (c.size == 0 || c.size > chunkSize) {
			t.Errorf("%d bytes", c.size)
		}
		c.block.put()
		if n := from.outstanding(); n != 0 {
			t.Errorf("%d bytes of blocks are still somebody's", n)
		}
	})
}

// TestPiecesBounded: who cuts connections in the middle of ever new chunks, of many calls, leaves no
// more beginnings behind than there may be connections.
func TestPiecesBounded(t *testing.T) {
	s := newSession(newSessionID(), false, "cutter", new(Memory))
	s.mu.Lock()
	for id := range uint32(10) {
		s.exchangeOf(id)
	}
	s.mu.Unlock()
	payload := make([]byte, 4096)
	for seq := range uint64(1000) {
		var h header
		putHeader(h[:], frameData, 0, uint32(seq%10), seq, payload)
		s.keep(&h, s.pool.get(len(payload)), 100)
	}
	if s.pieces() != MostConnections {
		t.Errorf("%d beginnings are kept", s.pieces())
	}
	s.fail(errClosed)
	if n := s.pool.outstanding(); n != 0 {
		t.Errorf("%d bytes of blocks are outstanding", n)
	}
}
