package iscsi

import "io"

const (
	rxStart = 16 << 10  // the receive buffer of a new connection, in bytes
	rxMax   = 256 << 10 // and how far it grows when reads fill it
)

// An rx is a connection's receive buffer. It reads as much as there is, and shows what has
// arrived in place: a view it gave stays good until the next call that may read.
type rx struct {
	src     io.Reader
	buf     []byte
	at, end int  // what has arrived and was not taken: buf[at:end]
	filled  bool // the last read took all the room there was: a larger buffer pays
	ahead   int  // reads at most this many bytes ahead of what is asked; 0: all the room
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
	size := len(x.buf)
	if x.filled {
		size = min(size*4, rxMax)
		x.filled = false
	}
	if size = max(size, n, rxStart); size > len(x.buf) {
		bigger := make([]byte, size)
		x.end = copy(bigger, x.buf[x.at:x.end])
		x.buf, x.at = bigger, 0
	} else if x.at > 0 {
		x.end = copy(x.buf, x.buf[x.at:x.end])
		x.at = 0
	}
	room := x.buf[x.end:]
	if x.ahead > 0 {
		room = room[:min(len(room), n-x.end+x.ahead)]
	}
	m, err := x.src.Read(room)
	x.end += m
	x.filled = m == len(room) && x.ahead == 0
	if m > 0 {
		return nil
	}
	return err
}
