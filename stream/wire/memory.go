package wire

import (
	"context"
	"sync/atomic"
)

// A Memory is what the links of a process share, so that many streams take little more than one:
// blocks for chunks, and compressors, as many as there are processors. The zero value is ready.
type Memory struct {
	blocks pool
	codecs codecs
}

// mostBlocks is how much memory there may be in blocks, before streams that have some wait for
// others to give theirs back (bytes).
const mostBlocks = 96 << 20

// A share is what one direction of a stream has of a pool's blocks.
type share struct {
	of     *pool
	chunks atomic.Int32 // between the stages
	ahead  func() bool  // whether there are others behind the stages; nil: they are not ours
}

// take waits until there is room for another chunk. A stream that has none need not wait, so that
// those that stand still do not hold up others.
func (s *share) take(ctx context.Context) error {
	for {
		wait := s.of.full()
		if wait == nil || s.chunks.Load() == 0 && (s.ahead == nil || !s.ahead()) {
			s.chunks.Add(1)
			return nil
		}
		select {
		case <-wait:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// give ends what take has begun: a chunk has left the stages, wherever its block is now.
func (s *share) give() {
	s.chunks.Add(-1)
	s.of.mu.Lock()
	defer s.of.mu.Unlock()
	s.of.wake()
}

// full returns, where there is no room for a chunk, what is closed when there may be.
func (p *pool) full() (wait <-chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.size+chunkSize <= mostBlocks {
		return nil
	}
	if p.freed == nil {
		p.freed = make(chan struct{})
	}
	return p.freed
}
