package dmu

import (
	"context"
	"runtime"
	"sync"
)

const (
	// portionSize is how much is read at once, but for blocks that are longer (bytes).
	portionSize = 1 << 20
	// maxPortions is how much all portions under way may take, each with a piece of what it was
	// before and what it is compressed to (bytes); one there always is.
	maxPortions = 36 << 20
	maxWorkers  = 8
)

// A crew has workers do the spans of a walker side by side, and gives them back in order. It
// holds a fixed number of portions, whatever the length of the volume.
type crew struct {
	ctx    context.Context
	cancel context.CancelFunc
	order  chan *portion // as the walker found them
	work   chan *portion
	idle   chan *portion
	ended  sync.WaitGroup
}

// newCrew starts to work. stop must be called.
func newCrew(ctx context.Context, w *walker, hire func() *worker) *crew {
	portions := max(1, min(2*maxWorkers, maxPortions/int(2*w.longest+portionSize)))
	c := &crew{order: make(chan *portion, portions), work: make(chan *portion, portions), idle: make(chan *portion, portions)}
	c.ctx, c.cancel = context.WithCancel(ctx)
	for range portions {
		c.idle <- &portion{ready: make(chan struct{}, 1)}
	}
	c.ended.Go(func() { c.walk(w) })
	for range min(portions, maxWorkers, runtime.GOMAXPROCS(0)) {
		hand := hire()
		c.ended.Go(func() {
			for p := range c.work {
				hand.do(p)
				p.ready <- struct{}{}
			}
		})
	}
	return c
}

// walk hands out the spans of w.
func (c *crew) walk(w *walker) {
	defer close(c.order)
	defer close(c.work)
	for {
		var p *portion
		select {
		case p = <-c.idle:
		case <-c.ctx.Done():
			return
		}
		if p.span, p.err = w.next(); p.err != nil {
			p.ready <- struct{}{}
			c.order <- p
			return
		}
		if p.n == 0 {
			return
		}
		c.order <- p // there is room for all portions
		c.work <- p
	}
}

// next is the next portion, done, or nil at the end. The caller gives it back when it is through
// with it.
func (c *crew) next() (*portion, error) {
	select {
	case p, ok := <-c.order:
		if !ok {
			return nil, c.ctx.Err()
		}
		<-p.ready
		return p, p.err
	case <-c.ctx.Done():
		return nil, c.ctx.Err()
	}
}

// giveBack lets p be used for another span.
func (c *crew) giveBack(p *portion) { c.idle <- p }

// stop ends the work, and returns when nobody is at it.
func (c *crew) stop() {
	c.cancel()
	c.ended.Wait()
}
