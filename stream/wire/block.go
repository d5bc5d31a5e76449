package wire

import (
	"math/bits"
	"sync"
)

// A block is memory for a frame, with room for its headers in front.
type block struct {
	b     []byte // all of it
	pool  *pool  // nil: it goes to the collector
	class int
}

// Blocks are a power of two long, from 4 KiB to that of a whole chunk, and their headers. A
// frame has the shortest that it fits into, so that many short ones wait in little memory.
const (
	shortestBlock = 12
	longestBlock  = chunkBits
	blockRoom     = headerLen + chunkHeaderLen
)

// A pool keeps blocks for the next who needs one, and counts those that somebody has. The zero
// value is ready.
type pool struct {
	free [longestBlock + 1]sync.Pool // by the power of two

	mu    sync.Mutex
	size  int64         // of blocks that somebody has (bytes)
	freed chan struct{} // closed when that becomes less; nil: nobody waits for it
}

// get returns a block that has room for a chunk of size bytes.
func (p *pool) get(size int) *block {
	class := shortestBlock
	if size > 1<<shortestBlock {
		class = bits.Len(uint(size - 1))
	}
	b, ok := p.free[class].Get().(*block)
	if !ok {
		b = &block{b: make([]byte, blockRoom+1<<class), pool: p, class: class}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.size += int64(len(b.b))
	return b
}

// wake has those look again who wait for blocks. Under the lock.
func (p *pool) wake() {
	if p.freed != nil {
		close(p.freed)
		p.freed = nil
	}
}

// outstanding is how long the blocks are that somebody has (bytes).
func (p *pool) outstanding() int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.size
}

// fit returns a block with the same frame in it that is no longer than it needs to be.
func (b *block) fit(payload int) *block {
	if payload-chunkHeaderLen > 1<<(b.class-1) || b.class == shortestBlock {
		return b
	}
	shorter := b.pool.get(payload - chunkHeaderLen)
	copy(shorter.b, b.b[:headerLen+payload])
	b.put()
	return shorter
}

// put gives a block back; nobody may have a hand on it any more.
func (b *block) put() {
	p := b.pool
	if p == nil {
		return
	}
	p.free[b.class].Put(b)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.size -= int64(len(b.b))
	p.wake()
}
