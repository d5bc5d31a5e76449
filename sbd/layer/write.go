//go:build unix

package layer

import (
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/lunarsan/lunar/sbd"
)

// WriteAt writes p at off, to the top. A block that it has only part of is copied up with it.
func (s *Store) WriteAt(p []byte, off int64) (int, error) {
	s.writing.RLock()
	defer s.writing.RUnlock()
	v := s.now.Load()
	if err := s.mayWrite(v, off, int64(len(p))); err != nil {
		return 0, err
	}
	done := int64(0)
	for done < int64(len(p)) {
		n, err := s.change(v, off+done, off+int64(len(p)), writing{p: p[done:]})
		if err != nil {
			return int(done), err
		}
		done += n
	}
	return len(p), nil
}

// TryWriteAt is WriteAt of blocks that the top has, into memory.
func (s *Store) TryWriteAt(p []byte, off int64) (int, error) {
	if !s.writing.TryRLock() {
		return 0, sbd.ErrWouldBlock
	}
	defer s.writing.RUnlock()
	v := s.now.Load()
	if err := s.mayWrite(v, off, int64(len(p))); err != nil {
		return 0, err
	}
	top := v.top()
	if len(p) == 0 {
		return 0, nil
	}
	end := (off+int64(len(p))-1)>>v.shift + 1
	if top.writer == nil || top.blocks.next(off>>v.shift, end, false) < end {
		return 0, sbd.ErrWouldBlock
	}
	return top.writer.TryWriteAt(p, off)
}

// Unmap makes the n bytes at off zeros, and gives back what the top has of them.
func (s *Store) Unmap(off, n int64) error { return s.wipe(off, n, false) }

// Zero makes the n bytes at off zeros that have space.
func (s *Store) Zero(off, n int64) error { return s.wipe(off, n, true) }

func (s *Store) wipe(off, n int64, keep bool) error {
	s.writing.RLock()
	defer s.writing.RUnlock()
	v := s.now.Load()
	if err := s.mayWrite(v, off, n); err != nil {
		return err
	}
	for end := off + n; off < end; {
		n, err := s.change(v, off, end, writing{keep: keep})
		if err != nil {
			return err
		}
		off += n
	}
	return nil
}

func (s *Store) mayWrite(v *view, off, n int64) error {
	if s.options.ReadOnly {
		return fmt.Errorf("%s: opened so: %w", s.path, sbd.ErrReadOnly)
	}
	return s.in(v, off, n)
}

// A writing is what is done to some bytes: p is written, or without one they become zeros.
type writing struct {
	p    []byte
	keep bool // zeros have space
}

// on does the first n bytes of it to a store.
func (w writing) on(s sbd.Store, off, n int64) error {
	if w.p == nil {
		return erase(s, off, n, w.keep)
	}
	_, err := s.WriteAt(w.p[:n], off)
	return err
}

// in does it to bytes in memory.
func (w writing) in(p []byte) {
	if w.p == nil {
		clear(p)
		return
	}
	copy(p, w.p)
}

// change does the first part of w, whose bytes are those from off up to end: in blocks that the
// top has, in whole ones that it has not, or in a part of one that it has not. It returns how
// many bytes that were.
func (s *Store) change(v *view, off, end int64, w writing) (int64, error) {
	top, b := v.top(), off>>v.shift
	last := (end-1)>>v.shift + 1
	if top.has(b) {
		n := min(top.blocks.next(b, last, false)<<v.shift, end) - off
		return n, w.on(top.store, off, n)
	}
	if start := b << v.shift; start < off || end < min(start+1<<v.shift, v.size) {
		return s.copyUp(v, off, min(end, (b+1)<<v.shift), w)
	}
	stop := top.blocks.next(b, last, true)
	if end < min(stop<<v.shift, v.size) {
		stop-- // of the last there is a part only
	}
	s.claims.take(b, stop)
	defer s.claims.drop(b)
	if top.blocks.next(b, stop, true) < stop {
		return 0, nil // somebody was here first; look again
	}
	n := min(stop<<v.shift, end) - off
	if err := w.on(top.store, off, n); err != nil {
		return 0, err
	}
	return n, top.blocks.mark(b, stop)
}

// copyUp gives the top a block of which only the bytes from off to end are changed.
func (s *Store) copyUp(v *view, off, end int64, w writing) (int64, error) {
	top, b := v.top(), off>>v.shift
	s.claims.take(b, b+1)
	defer s.claims.drop(b)
	if top.has(b) {
		return 0, nil
	}
	start := b << v.shift
	buffer, _ := s.buffers.Get().(*[]byte)
	if buffer == nil {
		buffer = new(make([]byte, 1<<v.shift))
	}
	defer s.buffers.Put(buffer)
	p := (*buffer)[:min(1<<v.shift, v.size-start)]
	if err := v.read(p, start, true); err != nil {
		return 0, err
	}
	w.in(p[off-start : end-start])
	if _, err := top.store.WriteAt(p, start); err != nil {
		return 0, err
	}
	return end - off, top.blocks.mark(b, b+1)
}

// claims are blocks that somebody is about to give the top: nobody else may meanwhile, or the
// later of two would bring back what was there before the first.
type claims struct {
	mu    sync.Mutex
	freed sync.Cond // L is &mu
	taken []claim
}

type claim struct{ from, end int64 }

func (c *claims) take(from, end int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for slices.ContainsFunc(c.taken, func(o claim) bool { return from < o.end && o.from < end }) {
		c.freed.Wait()
	}
	c.taken = append(c.taken, claim{from, end})
}

func (c *claims) drop(from int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.taken = slices.DeleteFunc(c.taken, func(o claim) bool { return o.from == from })
	c.freed.Broadcast()
}

// lookPause is how often syncs look at most whether others have changed the stack.
const lookPause = time.Second

// Sync makes every write that has returned survive a power loss: first the bytes, then the map
// that tells of them.
func (s *Store) Sync() error {
	if s.options.ReadOnly {
		return nil
	}
	if err := s.sync(); err != nil {
		return err
	}
	if s.look() {
		// What others have merged is only held on to; that the files of it could not be had
		// anew is no reason to fail.
		_ = s.refresh()
	}
	return nil
}

func (s *Store) sync() error {
	s.syncing.Lock()
	defer s.syncing.Unlock()
	return s.now.Load().top().sync()
}

// look says whether it is time to take in what others have changed.
func (s *Store) look() bool {
	s.syncing.Lock()
	defer s.syncing.Unlock()
	if time.Since(s.looked) < lookPause {
		return false
	}
	s.looked = time.Now()
	return s.now.Load().stale()
}
