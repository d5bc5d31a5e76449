package sbd

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"time"
)

// A Held is a unit whose writes stand still.
type Held struct {
	Unit *Unit

	hold  hold
	state *state // at the beginning

	mu   sync.Mutex
	over bool
}

// Store is what the unit is on; an offset that the unit begins at is not counted.
func (h *Held) Store() Store { return unshifted(h.state.store) }

func unshifted(s Store) Store {
	if s, ok := s.(*shifted); ok {
		return s.Store
	}
	return s
}

// Swap puts the unit on s, which has the bytes of Store and outlives it: calls that are inside
// that one may go on with it for a moment. The unit owns s from then on; after an error it is the
// caller's: ErrReleased, ErrOffline.
func (h *Held) Swap(s Store) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	u := h.Unit
	if h.over {
		return fmt.Errorf("unit %s: %w", u.Identity().GUID, ErrReleased)
	}
	if offset := u.Config().Offset; offset > 0 {
		var err error
		if s, err = Shift(s, offset); err != nil {
			return fmt.Errorf("unit %s: %w", u.Identity().GUID, err)
		}
	}
	if has, size := s.Size(), u.Size(); has < size {
		return fmt.Errorf("unit %s: the store holds %d bytes and the unit needs %d: %w", u.Identity().GUID, has, size, ErrOutOfRange)
	}
	if !u.state.CompareAndSwap(h.state, online(s)) {
		return fmt.Errorf("unit %s: %w", u.Identity().GUID, ErrOffline)
	}
	return nil
}

func (h *Held) release() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.over = true
	h.Unit.locks.unlock(&h.hold)
}

// grace is how long after its time who has writes stand still may take to find out.
const grace = time.Second

// Hold has the writes of all of the units stand still at one instant while f runs, and tells for
// how long they did. What was written before is synced, most of it before that; calls that only
// read go on. No write that waits has begun: of two writes, one of which was sent after the other
// was answered, the stores have the second only together with the first.
//
// Writes stand still for limit at most. Then, or when ctx ends, f's context ends, and if f does
// not return soon, writes go on without it: the error wraps ErrReleased, and what f does from
// then on is not of one instant. Whatever happens, f's panic among it, writes go on at the end.
// A unit that is offline is refused: nobody writes to it.
func Hold(ctx context.Context, units []*Unit, limit time.Duration, f func(context.Context, []*Held) error) (stood time.Duration, err error) {
	held := make([]*Held, len(units))
	for i, u := range units {
		if slices.Contains(units[:i], u) {
			return 0, fmt.Errorf("unit %s is to stand still twice", u.Identity().GUID)
		}
		held[i] = &Held{Unit: u}
	}
	if err := prepare(ctx, units); err != nil {
		return 0, err
	}
	began := time.Now()
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	release, err := standStill(ctx, held)
	if err == nil {
		defer release()
		err = during(ctx, held, f)
	}
	return time.Since(began), err
}

// prepare does for all of the units, while writes go on, what would take time while they stand
// still.
func prepare(ctx context.Context, units []*Unit) error {
	failed := make(chan error, len(units))
	for _, u := range units {
		go func() {
			err := u.prepare()
			if err != nil {
				err = fmt.Errorf("unit %s: %w", u.Identity().GUID, err)
			}
			failed <- err
		}()
	}
	var first error
	for range units {
		first = cmp.Or(first, <-failed)
	}
	return cmp.Or(first, ctx.Err())
}

func (u *Unit) prepare() error {
	op := Op{MayBlock: true}
	if err := u.Sync(&op); err != nil {
		return err
	}
	on, err := u.enterStore(&op, reads)
	if err != nil {
		return err
	}
	defer u.leave(&op)
	if p, ok := unshifted(on.store).(Preparer); ok {
		return p.Prepare()
	}
	return nil
}

// standStill claims all of the units, in the order in which copies claim theirs: neither can wait
// for the other. What it returns lets them go.
func standStill(ctx context.Context, held []*Held) (release func(), err error) {
	var have []*Held
	release = func() {
		for _, h := range have {
			h.release()
		}
	}
	ordered := slices.SortedFunc(slices.Values(held), func(a, b *Held) int { return cmp.Compare(a.Unit.order, b.Unit.order) })
	for _, h := range ordered {
		h.hold.passReads = true
		if err := h.Unit.locks.lockWithin(ctx, &h.hold, gate, whole, true); err != nil {
			release()
			return nil, fmt.Errorf("unit %s: what was being written did not end: %w", h.Unit.Identity().GUID, err)
		}
		have = append(have, h)
		if h.state = h.Unit.state.Load(); h.state.offline != nil {
			release()
			return nil, fmt.Errorf("unit %s: %w", h.Unit.Identity().GUID, h.state.offline)
		}
	}
	return release, nil
}

// during runs f, and waits for it for as long as ctx and the grace allow.
func during(ctx context.Context, held []*Held, f func(context.Context, []*Held) error) error {
	type outcome struct {
		err      error
		panicked any
	}
	done := make(chan outcome, 1)
	go func() {
		var o outcome
		defer func() {
			o.panicked = recover()
			done <- o
		}()
		o.err = f(ctx, held)
	}()
	var o outcome
	select {
	case o = <-done:
	case <-ctx.Done():
		late := time.NewTimer(grace)
		defer late.Stop()
		select {
		case o = <-done:
		case <-late.C:
			return fmt.Errorf("%w: %w", ErrReleased, ctx.Err())
		}
	}
	if o.panicked != nil {
		panic(o.panicked)
	}
	return o.err
}
