package dmu

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// A Writer writes a stream record by record, with its checksums. It refuses what a Checker
// refuses, and does not write the record: what went out before is then not a whole stream.
// After the first error it writes no more.
type Writer struct {
	out     io.Writer
	order   binary.ByteOrder
	buf     []byte
	written int64 // bytes that are out
	number  int64
	sum     Fletcher4
	state   readerState
	inside  bool // a package
	check   Checker
	failed  error
}

// writeBehind is how much is written at once (bytes).
const writeBehind = 1 << 20

// NewWriter makes a Writer to out, of a stream in the given byte order. Payloads are written as
// they come: they are in that order already.
func NewWriter(out io.Writer, order binary.ByteOrder) *Writer {
	return &Writer{out: out, order: order, buf: make([]byte, 0, writeBehind)}
}

// Write writes a record, all of whose fields but the checksums are set, and its payload. rec
// stays as it is. An END between the substreams of a package ends the package.
func (w *Writer) Write(rec *Record, payload []byte) error {
	if w.failed == nil {
		w.failed = w.write(rec, payload)
	}
	return w.failed
}

func (w *Writer) write(rec *Record, payload []byte) error {
	t := rec.Type()
	if err := w.expect(rec, t, payload); err != nil {
		return err
	}
	out := *rec
	switch {
	case t == TypeEnd && w.state == betweenStreams:
		w.state = afterEnd
		out.Reset(TypeEnd)
		if w.order == binary.BigEndian {
			out.turnRound(TypeEnd)
		}
	case t == TypeEnd:
		w.seal(&out, t, w.state != inHeader)
		w.state = afterEnd
		if w.inside {
			w.state = betweenStreams
		}
	default:
		w.seal(&out, t, t != TypeBegin)
	}
	w.sum.Add(payload, w.order)
	w.number++
	return w.put(out[:], payload)
}

// seal puts the checksums into out and turns it round to the order of the stream. summed is
// whether it has a record checksum.
func (w *Writer) seal(out *Record, t Type, summed bool) {
	switch t {
	case TypeBegin:
		w.sum = Fletcher4{}
	case TypeEnd:
		putSum(out[atUnion:], w.sum)
		fallthrough
	default:
		out.SetChecksum(Fletcher4{})
	}
	if w.order == binary.BigEndian {
		out.turnRound(t)
	}
	if t == TypeBegin {
		w.sum.Add(out[:], w.order)
		return
	}
	w.sum.Add(out[:atChecksum], w.order)
	if summed {
		for i, v := range w.sum {
			w.order.PutUint64(out[atChecksum+8*i:], v)
		}
	}
	w.sum.Add(out[atChecksum:], w.order)
}

// expect holds a record to the order in which records come, and to the rules.
func (w *Writer) expect(rec *Record, t Type, payload []byte) error {
	if !t.Known() {
		return w.refuse(fmt.Errorf("there is no record of type %d", uint32(t)))
	}
	if n := rec.PayloadLen(); n != uint64(len(payload)) || n > maxPayload(t) || n%4 != 0 {
		return w.refuse(fmt.Errorf("%v has a payload of %d bytes, and should have %d", t, len(payload), n))
	}
	switch begins := t == TypeBegin && rec.Begin().magic() == Magic; {
	case begins && rec.Begin().Kind() == Substream && (w.state == wantBegin || w.state == betweenStreams):
		w.state = inSubstream
	case begins && rec.Begin().Kind() == Compound && w.state == wantBegin:
		w.state, w.inside = inHeader, true
	case t == TypeEnd && (w.state == inHeader || w.state == betweenStreams):
	case t != TypeBegin && w.state == inSubstream:
	case w.state == afterEnd:
		return w.refuse(fmt.Errorf("%v comes behind the end", t))
	default:
		return w.refuse(fmt.Errorf("%v comes where %v should", t, w.state))
	}
	if err := w.check.Check(rec, payload, w.order); err != nil {
		return w.refuse(err)
	}
	return nil
}

func (w *Writer) refuse(err error) error {
	return &Error{Kind: ErrInvalid, Offset: w.Offset(), Number: w.number, Cause: err}
}

// put writes a record and its payload, or keeps them until there is more.
func (w *Writer) put(rec, payload []byte) error {
	if len(w.buf)+len(rec)+len(payload) > cap(w.buf) {
		if err := w.Flush(); err != nil {
			return err
		}
	}
	w.buf = append(w.buf, rec...)
	if len(w.buf)+len(payload) <= cap(w.buf) {
		w.buf = append(w.buf, payload...)
		return nil
	}
	if err := w.Flush(); err != nil {
		return err
	}
	n, err := w.out.Write(payload)
	w.written += int64(n)
	return err
}

// Flush writes what was kept back.
func (w *Writer) Flush() error {
	n, err := w.out.Write(w.buf)
	w.written += int64(n)
	w.buf = w.buf[:0]
	if err != nil && w.failed == nil {
		w.failed = err
	}
	return err
}

// Offset is how long the stream is so far (bytes).
func (w *Writer) Offset() int64 { return w.written + int64(len(w.buf)) }

// Sum is the state of the checksum after what was written.
func (w *Writer) Sum() Fletcher4 { return w.sum }

// ErrUnfinished is what Close returns of a stream that is not whole.
var ErrUnfinished = errors.New("the stream that was written is not whole")

// Close writes what was kept back, and says whether the stream is whole.
func (w *Writer) Close() error {
	if w.failed != nil {
		return w.failed
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if w.state != afterEnd {
		return fmt.Errorf("%w: %v is missing", ErrUnfinished, w.state)
	}
	return nil
}
