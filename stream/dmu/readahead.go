package dmu

import (
	"fmt"
	"io"
	"runtime"
	"sync"
)

// A ReadAhead reads a file ahead of the Reader that looks at it, with several reads under way:
// most of the time that it takes to check a stream goes into reading it. What was read is summed
// before it leaves the processor's cache. It keeps a few mebibytes, and has goroutines until
// Close.
type ReadAhead struct {
	chunks []aheadChunk // some to be read, and some to be looked at
	sums   [aheadSummed]*aheadSums
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
	sums  *aheadSums // nil: nobody has the time
	free  chan struct{}
	ready chan struct{}
}

const (
	minAheadReads = 2
	maxAheadReads = 3
	aheadSize     = 1 << 20
	aheadRoom     = 256 << 10
	aheadBite     = 128 << 10 // of one system call: what is read is then in the cache
)

// NewReadAhead reads in from its beginning, with two reads or more under way.
func NewReadAhead(in io.ReaderAt) *ReadAhead {
	cpus := runtime.GOMAXPROCS(0)
	reads := max(minAheadReads, min(maxAheadReads, cpus-1))
	a := &ReadAhead{chunks: make([]aheadChunk, 2*reads), number: -1, closed: make(chan struct{})}
	for i := range a.chunks {
		a.chunks[i] = aheadChunk{free: make(chan struct{}, 1), ready: make(chan struct{}, 1)}
		a.chunks[i].free <- struct{}{}
		if cpus > 1 {
			a.chunks[i].sums = new(aheadSums)
		}
	}
	for worker := range reads {
		a.ended.Go(func() { a.work(in, worker, reads) })
	}
	return a
}

// work reads every chunk that is a worker's, one of so many, in turn, until the end.
func (a *ReadAhead) work(in io.ReaderAt, worker, workers int) {
	for number := worker; ; number += workers {
		c := &a.chunks[number%len(a.chunks)]
		select {
		case <-c.free:
		case <-a.closed:
			return
		}
		if c.buf == nil {
			c.buf = make([]byte, aheadRoom+aheadSize)
		}
		c.read(in, number)
		done := c.err != nil || c.n < aheadSize
		c.ready <- struct{}{}
		if done {
			return
		}
	}
}

// read fills c with the chunk of a number.
func (c *aheadChunk) read(in io.ReaderAt, number int) {
	all := c.buf[aheadRoom:]
	if c.sums != nil {
		c.sums.begin(number)
	}
	for c.n, c.err = 0, nil; c.n < aheadSize && c.err == nil; {
		var n int
		n, c.err = in.ReadAt(all[c.n:c.n+aheadBite], int64(number)*aheadSize+int64(c.n))
		if c.sums != nil {
			c.sums.add(all[c.n : c.n+n])
		}
		if c.n += n; n < aheadBite {
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
	before := max(0, a.number) % len(a.chunks)
	c := &a.chunks[(a.number+1)%len(a.chunks)]
	<-c.ready
	if c.err != nil && c.err != io.EOF {
		return fmt.Errorf("reading ahead: %w", c.err)
	}
	a.keepSums(c)
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
		a.chunks[i].buf, a.chunks[i].sums = nil, nil
	}
	clear(a.sums[:])
}
