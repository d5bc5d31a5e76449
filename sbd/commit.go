package sbd

import (
	"fmt"
	"sync"
	"sync/atomic"
)

// A committer makes writes durable in groups: one Sync of the store serves every caller who
// came before it began. It remembers a failure, after which no sync is worth anything: the
// kernel reports a lost write once and then forgets it.
type committer struct {
	mu       sync.Mutex
	done     sync.Cond // a sync ended; L is &mu
	started  uint64    // syncs begun
	finished uint64    // the last sync that ended well
	running  bool

	failed atomic.Pointer[error] // ErrSyncFailed and its cause, until forget
}

// fault returns the remembered failure.
func (c *committer) fault() error {
	if err := c.failed.Load(); err != nil {
		return *err
	}
	return nil
}

// forget drops the remembered failure.
func (c *committer) forget() { c.failed.Store(nil) }

// commit returns when a sync that began after the call has ended. Whoever finds none
// running leads the next one; the others follow it. led reports which it was.
func (c *committer) commit(s Store) (led bool, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	// One that runs already began before our writes were in: it does not count.
	for want := c.started + 1; c.fault() == nil && c.finished < want; {
		if c.running {
			c.done.Wait()
			continue
		}
		led = true
		c.lead(s)
	}
	return led, c.fault()
}

// lead syncs the store, without c.mu meanwhile.
func (c *committer) lead(s Store) {
	c.started++
	c.running = true
	c.mu.Unlock()
	err := s.Sync()
	c.mu.Lock()
	c.running = false
	if err != nil {
		fault := fmt.Errorf("%w: %w", ErrSyncFailed, err)
		c.failed.Store(&fault)
	} else {
		c.finished = c.started
	}
	c.done.Broadcast()
}
