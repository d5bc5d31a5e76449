package zfs

import (
	"errors"
	"fmt"
	"io"

	"github.com/lunarsan/lunar/stream"
	"github.com/lunarsan/lunar/stream/dmu"
)

// A relay hands a stream on as it is, and looks at it first. A record goes on when the checksum of
// the one behind it says that its payload is whole, END when nothing follows: whoever takes the
// stream never has damage, nor the end of a stream that breaks a rule.
//
// It keeps the record under way and the one before, and reads a mebibyte ahead.
type relay struct {
	in     io.Reader
	reader *dmu.Reader
	rules  dmu.Checker
	resume []byte // the payload of BEGIN, where the stream resumes another

	buf     []byte // of the stream, from start on
	start   int64
	passed  int64 // what is before it has gone on
	vouched int64 // what is before it may
	failed  error // what comes when all of that has gone on; io.EOF: it was all of the stream
}

const (
	relayAhead = 1 << 20
	// relayAtOnce is how much is gathered before it goes on (bytes): a block at a time would be a
	// system call each.
	relayAtOnce = 256 << 10
)

func newRelay(in io.Reader) *relay {
	r := &relay{in: in, buf: make([]byte, 0, 2*relayAhead)}
	r.reader = dmu.NewReader(r, dmu.Options{UnknownFeatures: true}) // open asks, when BEGIN is known whole
	return r
}

// open reads until the stream's BEGIN is vouched for, and returns it.
func (r *relay) open() (*dmu.Begin, error) {
	for r.vouched == 0 {
		if r.failed != nil {
			return nil, r.failed
		}
		r.step()
	}
	begin := r.reader.Begin()
	if unknown := begin.Features().Unknown(); unknown != 0 {
		return nil, fmt.Errorf("%w: %v", dmu.ErrUnsupported, unknown)
	}
	return begin, nil
}

// step looks at the next record.
func (r *relay) step() {
	record, err := r.reader.Next()
	var wrong *dmu.Error
	switch {
	case err == io.EOF:
		r.vouched, r.failed = r.start+int64(len(r.buf)), io.EOF
		return
	case errors.As(err, &wrong):
		r.failed = fmt.Errorf("%w: %w", stream.ErrStream, err)
		return
	case err != nil:
		r.failed = err
		return
	}
	r.vouched = r.reader.Offset()
	if r.reader.Package() {
		r.failed = stream.ErrPackage
		return
	}
	if err := r.rules.Check(record, r.reader.Payload(), r.reader.Order()); err != nil {
		r.failed = fmt.Errorf("%w: at byte %d, record %d: %w", stream.ErrStream, r.reader.Offset(), r.reader.Number(), err)
		return
	}
	if record.Type() == dmu.TypeBegin && record.Begin().Features().Has(dmu.FeatureResuming) {
		r.resume = append([]byte(nil), r.reader.Payload()...)
	}
}

// gather looks at records until n bytes may go on, or no more come.
func (r *relay) gather(n int64) []byte {
	for r.vouched-r.passed < n && r.failed == nil {
		r.step()
	}
	return r.buf[r.passed-r.start : r.vouched-r.start]
}

// Read implements io.Reader; io.EOF says that the stream is whole.
func (r *relay) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	n := copy(p, r.gather(int64(min(len(p), relayAtOnce))))
	r.passed += int64(n)
	if n == 0 {
		return 0, r.failed
	}
	return n, nil
}

// WriteTo implements io.WriterTo, and copies nothing on the way. No error says that the stream is
// whole.
func (r *relay) WriteTo(w io.Writer) (total int64, err error) {
	for {
		some := r.gather(relayAtOnce)
		if len(some) == 0 {
			if r.failed == io.EOF {
				return total, nil
			}
			return total, r.failed
		}
		n, err := w.Write(some)
		r.passed += int64(n)
		total += int64(n)
		if err != nil {
			return total, &writeError{err}
		}
	}
}

// A writeError is of the side that takes a stream.
type writeError struct{ error }

func (e *writeError) Unwrap() error { return e.error }

// Window implements dmu.Windowed: the dmu.Reader looks at the bytes in the buffer from which they
// go on.
func (r *relay) Window(at int64, least int) ([]byte, error) {
	need := int(at-r.start) + least
	if need > cap(r.buf) {
		kept := r.buf[r.passed-r.start:]
		need -= len(r.buf) - len(kept)
		if need > cap(r.buf) {
			r.buf = make([]byte, 0, need+relayAhead)
		}
		r.buf, r.start = append(r.buf[:0], kept...), r.passed
	}
	if missing := need - len(r.buf); missing > 0 {
		n, err := io.ReadAtLeast(r.in, r.buf[len(r.buf):cap(r.buf)], missing)
		r.buf = r.buf[:len(r.buf)+n]
		if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
			return nil, err
		}
	}
	return r.buf[at-r.start:], nil
}
