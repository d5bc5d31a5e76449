package iscsi

import (
	"io"
	"sync"
)

// rxLen is the length of a receive buffer, in bytes.
const rxLen = 256 << 10

// An rx is the receiving end of a connection. It reads as much as there is, and shows what has
// arrived in place: a view it gave stays good until the next call that may read. It holds a
// buffer only while it holds bytes, so that a connection that says nothing costs none.
type rx struct {
	src     source
	spare   *sync.Pool // of *[rxLen]byte: buffers that no connection holds
	buf     []byte
	at, end int // what has arrived and was not taken: buf[at:end]
	ahead   int // reads at most this many bytes ahead of what is asked; 0: all the room
	want    int // bytes asked for, while src reads late
}

// A source is what an rx reads from.
type source interface {
	io.Reader
	// ReadLate is Read into a buffer that it asks x for when there is something to read.
	ReadLate(x *rx) (int, error)
}

// buffered returns the number of bytes that have arrived and were not taken.
func (x *rx) buffered() int { return x.end - x.at }

// peek returns the next n bytes and leaves them where they are; it waits for them.
func (x *rx) peek(n int) ([]byte, error) {
	for x.buffered() < n {
		if err := x.fill(n); err != nil {
			return nil, err
		}
	}
	return x.buf[x.at : x.at+n], nil
}

// skip takes n bytes that are buffered.
func (x *rx) skip(n int) { x.at += n }

// read fills p: from what is buffered, then straight from the source.
func (x *rx) read(p []byte) error {
	n := copy(p, x.buf[x.at:x.end])
	x.at += n
	for n < len(p) {
		m, err := x.src.Read(p[n:])
		n += m
		if err != nil && n < len(p) {
			return err
		}
	}
	return nil
}

// discard takes n bytes, buffered or still to come.
func (x *rx) discard(n int) error {
	for n > x.buffered() {
		n -= x.buffered()
		x.at = x.end
		if err := x.fill(1); err != nil {
			return err
		}
	}
	x.at += n
	return nil
}

// fill reads once, into a buffer that has room for n bytes from x.at on. What is left of an
// earlier read moves to the front: it is never more than part of one PDU.
func (x *rx) fill(n int) error {
	var m int
	var err error
	if x.want = n; x.buffered() == 0 {
		x.giveBack()
		m, err = x.src.ReadLate(x)
	} else {
		m, err = x.src.Read(x.room())
	}
	x.end += m
	if m > 0 {
		return nil
	}
	return err
}

// room returns where to read to, in a buffer that has place for what is wanted.
func (x *rx) room() []byte {
	switch {
	case x.want > len(x.buf):
		bigger := x.borrow(x.want)
		end := copy(bigger, x.buf[x.at:x.end])
		x.giveBack()
		x.buf, x.end = bigger, end
	case x.at > 0:
		x.end = copy(x.buf, x.buf[x.at:x.end])
		x.at = 0
	}
	room := x.buf[x.end:]
	if x.ahead > 0 {
		room = room[:min(len(room), x.want-x.end+x.ahead)]
	}
	return room
}

// borrow returns a buffer of n bytes or more.
func (x *rx) borrow(n int) []byte {
	if n > rxLen {
		return make([]byte, n)
	}
	if b, _ := x.spare.Get().(*[rxLen]byte); b != nil {
		return b[:]
	}
	return make([]byte, rxLen)
}

// giveBack gives the buffer and what is in it up.
func (x *rx) giveBack() {
	if len(x.buf) == rxLen {
		x.spare.Put((*[rxLen]byte)(x.buf))
	}
	x.buf, x.at, x.end = nil, 0, 0
}
