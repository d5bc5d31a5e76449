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
	var late <-chan time.Time
	for {
		before, left := v.enterTaking(key, mine)
		switch {
		case before == nil:
			return func() { v.leaveTaking(key, mine) }, nil
		case before.by == h:
			return func() {}, nil
		case left:
			before.by.fail(fmt.Errorf("%w: %s has begun again", ErrLink, h.client))
			select {
			case <-before.ended:
				continue
			case <-ctx.Done():
				return nil, context.Cause(ctx)
			}
		case late == nil:
			late = time.After(takeoverTime)
		}
		select {
		case <-before.ended:
		case <-time.After(takeoverLook):
		case <-late:
			return func() {}, nil
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

// enterTaking enters mine unless there is one before, of which it is told whether its client has
// left.
func (v *Server) enterTaking(key takingKey, mine *taking) (before *taking, left bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if before = v.takings[key]; before != nil {
		return before, before.by.left != nil
	}
	if v.takings == nil {
		v.takings = make(map[takingKey]*taking)
	}
	v.takings[key] = mine
	return nil, false
}

func (v *Server) leaveTaking(key takingKey, mine *taking) {
	v.mu.Lock()
	defer v.mu.Unlock()
	delete(v.takings, key)
	close(mine.ended)
}
