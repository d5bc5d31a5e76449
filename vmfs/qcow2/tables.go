package qcow2

import (
	"encoding/binary"
	"io"
)

// tables writes entries one behind the other, a cluster at a time, until the first error.
type tables struct {
	w   io.WriterAt
	at  int64 // of buf
	n   int   // bytes in buf
	buf [cluster]byte
	err error
}

func (t *tables) put64(v uint64) {
	binary.BigEndian.PutUint64(t.buf[t.n:], v)
	t.next(8)
}

func (t *tables) put16(v uint16) {
	binary.BigEndian.PutUint16(t.buf[t.n:], v)
	t.next(2)
}

// next goes on by n bytes, and writes a cluster that is full.
func (t *tables) next(n int) {
	if t.n += n; t.n == cluster {
		t.flush()
	}
}

// fill writes a cluster that was begun, with zeros in the rest.
func (t *tables) fill() {
	if t.n > 0 {
		t.flush()
	}
}

func (t *tables) flush() {
	clear(t.buf[t.n:])
	if t.err == nil {
		_, t.err = t.w.WriteAt(t.buf[:], t.at)
	}
	t.at, t.n = t.at+cluster, 0
}

// to goes on at an offset: what is between reads as zeros.
func (t *tables) to(at int64) { t.at = at }
