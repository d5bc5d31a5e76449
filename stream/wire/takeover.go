package wire

import (
	"context"
	"fmt"
	"time"
)

// A client that was killed begins a new session, and finds its volume being received into by the
// one before, which waits for it to come back. Where the client is the same, the new one counts.

// A taking is a receive under way.
type taking struct {
	by    *hosted
	ended chan struct{}
}

// takingKey is who receives what.
type takingKey struct{ client, volume string }

const (
	// takeoverTime is how long it may take until a connection is seen to have gone whose client was
	// killed.
	takeoverTime = 2 * time.Second
	takeoverLook = 20 * time.Millisecond
)

// take enters that a session receives into a volume. Another of the same client that does so and
// has no connection is ended first; one that has is left alone, and the volume says that it is in
// use. The caller calls end when the receive has ended.
func (v *Server) take(ctx context.Context, h *hosted, volume string) (end func(), err error) {
	key := takingKey{h.client, volume}
	mine := &taking{h, make(chan struct{})}
	for before := v.enterTaking(key, mine); before != nil; before = v.enterTaking(key, mine) {
		if before.by == h || !v.yield(ctx, before) {
			return func() {}, context.Cause(ctx)
		}
	}
	free, err := v.claim(ctx, mine, volume)
	if err != nil {
		v.leaveTaking(key, mine)
		return nil, err
	}
	return func() { free(); v.leaveTaking(key, mine) }, nil
}

// yield ends a receive whose client has left, or leaves soon, and tells whether it has ended.
func (v *Server) yield(ctx context.Context, t *taking) bool {
	late := time.After(takeoverTime)
	for {
		wait := time.After(takeoverLook)
		if v.hasLeft(t.by) {
			t.by.fail(fmt.Errorf("%w: %s has begun again", ErrLink, t.by.client))
			wait, late = nil, nil
		}
		select {
		case <-t.ended:
			return true
		case <-wait:
		case <-late:
			return false
		case <-ctx.Done():
			return false
		}
	}
}

// hasLeft tells whether a session waits for its client.
func (v *Server) hasLeft(h *hosted) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	return h.left != nil
}

// enterTaking enters mine, unless there is one before.
func (v *Server) enterTaking(key takingKey, mine *taking) (before *taking) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if before = v.takings[key]; before != nil {
		return before
	}
	if v.takings == nil {
		v.takings = make(map[takingKey]*taking)
	}
	v.takings[key] = mine
	return nil
}

func (v *Server) leaveTaking(key takingKey, mine *taking) {
	v.mu.Lock()
	defer v.mu.Unlock()
	delete(v.takings, key)
	close(mine.ended)
}
