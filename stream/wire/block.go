package wire

import (
	"math/bits"
	"sync"
	"sync/atomic"
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

// A pool keeps blocks for the next who needs one. The zero value is ready.
type pool struct {
	free        [longestBlock + 1]sync.Pool // by the power of two
	outstanding atomic.Int64                // blocks that somebody has
}

// get returns a block that has room for a chunk of size bytes.
func (p *pool) get(size int) *block {
	class := shortestBlock
	if size > 1<<shortestBlock {
		class = bits.Len(uint(size - 1))
	}
	p.outstanding.Add(1)
	if b, ok := p.free[class].Get().(*block); ok {
		return b
	}
	return &block{b: make([]byte, blockRoom+1<<class), pool: p, class: class}
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
	if b.pool != nil {
		b.pool.outstanding.Add(-1)
		b.pool.free[b.class].Put(b)
	}
}
