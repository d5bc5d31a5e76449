package dmu

import (
	"fmt"
	"io"
	"sync"
)

// A ReadAhead reads a file ahead of the Reader that looks at it, with two reads under way: most
// of the time that it takes to check a stream goes into reading it. It keeps a few mebibytes,
// and has goroutines until Close.
type ReadAhead struct {
	chunks [aheadChunks]aheadChunk
	window []byte
	start  int64  // of window in the stream
	number int    // of the chunk at the end of window, -1 before the first
	held   bool   // window is in that chunk
	last   bool   // that is the last one
	joined []byte // what did not fit in front of a chunk
	closed chan struct{}
	ended  sync.WaitGroup
}

// An aheadChunk is a part of the stream, with room in front for what is left of the part before
// it: a record that lies across two is then in one place.
type aheadChunk struct {
	buf   []byte
	n     int
	err   error
	free  chan struct{}
	ready chan struct{}
}

const (
	aheadReads  = 2
	aheadChunks = 4 // some to be read, and some to be looked at
	aheadSize   = 1 << 20
	aheadRoom   = 256 << 10
)

// NewReadAhead reads in from its beginning, with two reads under way.
func NewReadAhead(in io.ReaderAt) *ReadAhead {
	a := &ReadAhead{number: -1, closed: make(chan struct{})}
	for i := range a.chunks {
		a.chunks[i] = aheadChunk{free: make(chan struct{}, 1), ready: make(chan struct{}, 1)}
		a.chunks[i].free <- struct{}{}
	}
	for worker := range aheadReads {
		a.ended.Go(func() { a.work(in, worker) })
	}
	return a
}

// work reads every chunk that is a worker's, in turn, until the end.
func (a *ReadAhead) work(in io.ReaderAt, worker int) {
	for number := worker; ; number += aheadReads {
		c := &a.chunks[number%aheadChunks]
		select {
		case <-c.free:
		case <-a.closed:
			return
		}
		if c.buf == nil {
			c.buf = make([]byte, aheadRoom+aheadSize)
		}
		c.n, c.err = in.ReadAt(c.buf[aheadRoom:], int64(number)*aheadSize)
		done := c.err != nil || c.n < aheadSize
		c.ready <- struct{}{}
		if done {
			return
		}
	}
}

// Window implements Windowed. at does not go back.
func (a *ReadAhead) Window(at int64, least int) ([]byte, error) {
	for at+int64(least) > a.start+int64(len(a.window)) && !a.last {
		if err := a.next(at, least); err != nil {
			return nil, err
		}
	}
	return a.window[min(at-a.start, int64(len(a.window))):], nil
}

// next moves the window on: what it has from at on, and the next chunk. least bytes are to be
// in it in the end.
func (a *ReadAhead) next(at int64, least int) error {
	at = min(at, a.start+int64(len(a.window)))
	left := a.window[at-a.start:]
	before := a.number % aheadChunks
	c := &a.chunks[(a.number+1)%aheadChunks]
	<-c.ready
	if c.err != nil && c.err != io.EOF {
		return fmt.Errorf("reading ahead: %w", c.err)
	}
	a.last = c.n < aheadSize
	read := c.buf[aheadRoom : aheadRoom+c.n]
	fits := len(left) <= aheadRoom
	if fits {
		copy(c.buf[aheadRoom-len(left):], left)
		a.window = c.buf[aheadRoom-len(left) : aheadRoom+c.n]
	} else {
		if need := max(least, len(left)); cap(a.joined) < need+aheadSize {
			a.joined = make([]byte, 0, roomFor(need, aheadSize))
		}
		a.joined = append(append(a.joined[:0], left...), read...)
		a.window = a.joined
		c.free <- struct{}{}
	}
	if a.held {
		a.chunks[before].free <- struct{}{}
	}
	a.held, a.start = fits, at
	a.number++
	return nil
}

// Read implements io.Reader. A Reader uses Window.
func (a *ReadAhead) Read(p []byte) (int, error) {
	w, err := a.Window(a.start, 1)
	if err != nil {
		return 0, err
	}
	if len(w) == 0 {
		return 0, io.EOF
	}
	n := copy(p, w)
	a.window = a.window[n:]
	a.start += int64(n)
	return n, nil
}

// Close ends the reading and gives up its memory. What Window returned is not good any more.
func (a *ReadAhead) Close() {
	close(a.closed)
	a.ended.Wait()
	a.window, a.joined = nil, nil
	for i := range a.chunks {
		a.chunks[i].buf = nil
	}
}
