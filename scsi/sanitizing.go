package scsi

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/lunarsan/lunar/sbd"
)

// A Sanitize is a sanitize operation (SBC-4) that has not ended well yet: what was asked for, as it
// is kept over a restart.
type Sanitize struct {
	Pattern  []byte `json:"pattern,omitempty"`  // of OVERWRITE; empty: BLOCK ERASE
	Passes   int    `json:"passes,omitempty"`   // of OVERWRITE
	Invert   bool   `json:"invert,omitempty"`   // the pattern, from pass to pass
	Exitable bool   `json:"exitable,omitempty"` // EXIT FAILURE MODE ends a failure (AUSE)
	Failed   bool   `json:"failed,omitempty"`
}

// sanitizePiece is how much is sanitized at a time, in bytes. Each piece is made durable, so that
// the progress is true and the page cache does not fill.
const sanitizePiece = 16 << 20

// A sanitizing is a sanitize operation of a unit. While there is one, only commands that do not
// depend on the medium are executed; its failure keeps it so.
type sanitizing struct {
	Sanitize

	mu      sync.Mutex
	moved   sync.Cond // something below has changed; its lock is mu
	running bool
	done    float64 // of 1
	err     error   // how it failed, or why it rests
	over    bool    // it has ended, well or not

	stopped sync.Once
	stop    chan struct{} // closed: it is to rest until another run
}

func newSanitizing(r *Sanitize) *sanitizing {
	s := &sanitizing{Sanitize: *r, over: r.Failed, stop: make(chan struct{})}
	if r.Failed {
		s.err = SanitizeFailed
	}
	s.moved.L = &s.mu
	return s
}

// sense is what commands are refused with meanwhile.
func (s *sanitizing) sense() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.over {
		return SanitizeFailed
	}
	return SanitizeInProgress.progress(s.done)
}

// wait returns when the operation has ended, or rests because the unit went offline, or when
// cancelled says so.
func (s *sanitizing) wait(cancelled func() bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for !cancelled() {
		if !s.running {
			return s.err
		}
		s.moved.Wait()
	}
	return errCancelled
}

// advance says how far the operation is.
func (s *sanitizing) advance(done float64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.done = done
	s.moved.Broadcast()
}

// rest lets d pass, or ends with sbd.ErrStopped.
func (s *sanitizing) rest(d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-s.stop:
		return sbd.ErrStopped
	}
}

// Sanitizing tells whether the unit is being sanitized, or was to be and failed, and how far it
// has come, of 1.
func (lu *LogicalUnit) Sanitizing() (r Sanitize, done float64, is bool) {
	s := lu.sanitizing.Load()
	if s == nil {
		return r, 0, false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	r = s.Sanitize
	r.Failed = s.over
	return r, s.done, true
}

// barsMedium tells why a command with flags may not be executed while the unit is sanitized, or
// after that has failed; nil: it may.
func (lu *LogicalUnit) barsMedium(flags commandFlags) error {
	s := lu.sanitizing.Load()
	if s == nil || flags&duringSanitize != 0 {
		return nil
	}
	err := s.sense()
	if flags&sanitizes != 0 && errors.Is(err, SanitizeFailed) {
		return nil
	}
	return err
}

// beginSanitize puts r in force and saves it.
func (lu *LogicalUnit) beginSanitize(r *Sanitize) (*sanitizing, error) {
	before := lu.sanitizing.Load()
	if before != nil && !errors.Is(before.sense(), SanitizeFailed) {
		return nil, before.sense()
	}
	s := newSanitizing(r)
	if !lu.sanitizing.CompareAndSwap(before, s) {
		return nil, s.sense() // another one was quicker
	}
	if err := lu.saveSanitize(&s.Sanitize); err != nil {
		lu.sanitizing.Store(before)
		return nil, fmt.Errorf("saving that the unit is sanitized: %w", err)
	}
	return s, nil
}

// endSanitize takes s, which has ended, out of force. It stays if that cannot be saved.
func (lu *LogicalUnit) endSanitize(s *sanitizing) error {
	if err := lu.saveSanitize(nil); err != nil {
		return fmt.Errorf("saving that the unit is sanitized no more: %w", err)
	}
	lu.sanitizing.CompareAndSwap(s, nil)
	return nil
}

func (lu *LogicalUnit) saveSanitize(r *Sanitize) error {
	if lu.SaveSanitize == nil {
		return nil
	}
	return lu.SaveSanitize(r)
}

// RestoreSanitize puts an operation in force that an earlier run did not end; nobody uses the unit
// yet. It begins anew with ResumeSanitize.
func (lu *LogicalUnit) RestoreSanitize(r Sanitize) { lu.sanitizing.Store(newSanitizing(&r)) }

// ResumeSanitize goes on with what there is to sanitize, now that the unit is online.
func (lu *LogicalUnit) ResumeSanitize() {
	s := lu.sanitizing.Load()
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.running || s.over {
		return
	}
	s.running, s.err = true, nil
	lu.sanitizers.Go(func() { lu.runSanitize(s) })
}

// runSanitize does the operation. One that finds the unit offline, or its store gone, rests until
// ResumeSanitize; one that was stopped does until another run.
func (lu *LogicalUnit) runSanitize(s *sanitizing) {
	err := lu.sanitizeAll(s)
	rests := errors.Is(err, sbd.ErrOffline) || errors.Is(err, sbd.ErrGone) || errors.Is(err, sbd.ErrStopped)
	switch {
	case err == nil:
		err = lu.endSanitize(s)
	case !rests:
		failed := s.Sanitize
		failed.Failed = true
		err = SanitizeFailed.fault().Because(errors.Join(err, lu.saveSanitize(&failed)))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.running, s.over, s.err = false, !rests, err
	s.moved.Broadcast()
}

// stopSanitize stops the operation, and returns when it rests.
func (lu *LogicalUnit) stopSanitize() {
	if s := lu.sanitizing.Load(); s != nil {
		s.stopped.Do(func() { close(s.stop) })
	}
	lu.sanitizers.Wait()
}

// sanitizeAll sanitizes all of the unit, pass by pass. It rests after each piece for as long as that
// took, so that what shares the medium has half of it.
func (lu *LogicalUnit) sanitizeAll(s *sanitizing) error {
	passes := max(s.Passes, 1)
	pattern := make([]byte, pieceLen)
	op := sbd.Op{MayBlock: true}
	for pass := range passes {
		s.fill(pattern, pass, int(lu.blockSize))
		size := lu.unit.Size()
		for off := int64(0); off < size; off += sanitizePiece {
			s.advance((float64(pass) + float64(off)/float64(size)) / float64(passes))
			begun := time.Now()
			if err := lu.sanitizePiece(s, &op, pattern, off, min(size-off, sanitizePiece)); err != nil {
				return err
			}
			if err := s.rest(time.Since(begun)); err != nil {
				return err
			}
		}
	}
	return nil
}

// sanitizePiece writes pattern over the n bytes at off. To erase is to write zeros over what has
// space, since others may get it, and to give it back then.
func (lu *LogicalUnit) sanitizePiece(s *sanitizing, op *sbd.Op, pattern []byte, off, n int64) error {
	if len(s.Pattern) > 0 {
		return lu.unit.Fill(op, pattern, off, n, true)
	}
	for at, end := off, off+n; at < end; {
		mapped, run, err := lu.unit.Mapped(op, at)
		if err != nil {
			return err
		}
		if run = min(run, end-at); mapped {
			if err := lu.unit.Fill(op, pattern, at, run, true); err != nil {
				return err
			}
		}
		at += run
	}
	return lu.unit.Unmap(op, off, n, true)
}

// fill makes p what pass writes: the pattern anew in every block, and inverted in every second pass
// if it is to be, so that the last one writes it as it is; zeros without a pattern.
func (s *sanitizing) fill(p []byte, pass, block int) {
	if len(s.Pattern) == 0 {
		return
	}
	for i := range p {
		p[i] = s.Pattern[i%block%len(s.Pattern)]
		if s.Invert && (s.Passes-pass)%2 == 0 {
			p[i] = ^p[i]
		}
	}
}
