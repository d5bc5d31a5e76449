package dmu

import (
	"errors"
	"fmt"
	"io"
)

// A Windowed is a reader that has its bytes in memory, or in a file that is mapped: a Reader
// looks at them where they are, and copies nothing.
type Windowed interface {
	io.Reader

	// Window returns what is from at on, least bytes of it and maybe more; fewer where there
	// are no more. It is good until the next call, and is not written to.
	Window(at int64, least int) ([]byte, error)
}

// fill sees to it that n bytes from r.at on are in the buffer, with keep bytes before them. It
// returns errEnd where there are fewer.
func (r *Reader) fill(keep, n int) error {
	have := r.full - r.at
	if have >= n {
		return nil
	}
	if r.ended != nil {
		return r.ended
	}
	if r.window != nil {
		return r.slide(keep, n)
	}
	if r.buf == nil {
		r.buf = make([]byte, readAhead)
	}
	if r.at+n > len(r.buf) {
		buf := r.buf
		if keep+n > len(buf) {
			buf = make([]byte, roomFor(keep+n, readAhead))
		}
		r.full = copy(buf, r.buf[r.at-keep:r.full])
		r.at, r.buf = keep, buf
	}
	// A long payload is read to its end and no further: what is read of the next record would
	// have to be moved.
	end := len(r.buf)
	if n >= len(r.buf)/4 {
		end = r.at + n
	}
	for r.full-r.at < n && r.ended == nil {
		got, err := r.in.Read(r.buf[r.full:end])
		r.full += got
		if err == io.EOF {
			r.ended = errEnd
		} else if err != nil {
			r.ended = fmt.Errorf("reading the stream at byte %d: %w", r.offset+int64(r.full-r.at), err)
		}
	}
	if r.full-r.at >= n {
		return nil
	}
	return r.ended
}

// roomFor is how long a buffer is made that need and ahead bytes are to be in: of one kind for
// all long payloads, so that no two of them are in memory while one is moved to the other.
func roomFor(need, ahead int) int {
	if need > 2*readAhead {
		need = max(need, RecordSize+maxBlock)
	}
	return need + ahead
}

// slide moves the window on to n bytes from r.at, with keep bytes before them.
func (r *Reader) slide(keep, n int) error {
	w, err := r.window.Window(r.offset-int64(keep), keep+n)
	if err != nil {
		r.ended = fmt.Errorf("reading the stream at byte %d: %w", r.offset, err)
		return r.ended
	}
	r.buf, r.at, r.full = w, keep, len(w)
	if r.full-r.at < n {
		r.ended = errEnd
	}
	return r.ended
}

// goOnIn has the rest of the stream come from in.
func (r *Reader) goOnIn(in io.Reader) {
	if r.window != nil { // the buffer was not the Reader's
		r.buf = nil
	}
	r.in, r.ended, r.window, r.ahead, r.at, r.full = in, nil, nil, nil, 0, 0
}

// release gives up the buffer, which a long payload may have been in. There must be none in it:
// what Next returned is not good any more.
func (r *Reader) release() {
	r.record, r.body = nil, nil
	switch rest := r.buf[r.at:r.full]; {
	case r.window != nil: // it can be asked again
		r.buf, r.at, r.full = nil, 0, 0
	case len(r.buf) > readAhead:
		r.buf = make([]byte, max(readAhead, len(rest)))
		r.at, r.full = 0, copy(r.buf, rest)
	}
}

// errEnd is that there is no more to read. It is apart from io.ErrUnexpectedEOF, which readers
// below return where what is around the stream is cut short.
var errEnd = errors.New("the end of what there is to read")
