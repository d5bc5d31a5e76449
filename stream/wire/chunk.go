package wire

import (
	"encoding/binary"
	"fmt"

	"github.com/cespare/xxhash/v2"
)

// A stream is cut into chunks of up to 2 MiB, the last one being shorter. A chunk is what is summed,
// compressed, kept until it was taken, and sent again. Its header, big-endian, is
//
//	0  how it is compressed     4  its length as it is     8  xxHash64 of it as it is
const (
	chunkBits      = 21
	chunkSize      = 1 << chunkBits
	chunkHeaderLen = 16
)

// A chunk is one on its way through the stages: raw bytes become a packed payload at the sender,
// and a payload raw bytes at the receiver.
type chunk struct {
	block  *block // blockRoom, and the bytes
	size   int    // of what is in it: the raw bytes, or the payload with its header
	rawLen int    // of the raw bytes
	sum    uint64 // of them
	err    error
	end    *trailer      // instead: the stream has ended
	done   chan struct{} // closed: the stage that runs beside others is done with it
}

// raw is where the bytes are that a chunk stands for.
func (c *chunk) raw() []byte { return c.block.b[blockRoom:][:c.size] }

// pack sums and compresses a chunk, and puts its header in front.
func (c *chunk) pack(k *codecs, level int) {
	raw := c.raw()
	c.sum = xxhash.Sum64(raw)
	codec, size := codecNone, len(raw)
	if out, n, used := k.pack(c.block.pool, raw, level); used != codecNone {
		c.block.put()
		c.block, codec, size = out, used, n
	}
	head := c.block.b[headerLen:]
	binary.BigEndian.PutUint32(head, uint32(codec)<<24)
	binary.BigEndian.PutUint32(head[4:], uint32(len(raw)))
	binary.BigEndian.PutUint64(head[8:], c.sum)
	c.size = chunkHeaderLen + size
	c.block = c.block.fit(c.size)
}

// unpack is the reverse, and holds the bytes against their sum.
func (c *chunk) unpack(k *codecs) {
	if c.size < chunkHeaderLen {
		c.err = fmt.Errorf("%w: a chunk of %d bytes", errFrame, c.size)
		return
	}
	head := c.block.b[headerLen:]
	codec, n := codec(head[0]), int64(binary.BigEndian.Uint32(head[4:]))
	c.sum = binary.BigEndian.Uint64(head[8:])
	packed := c.block.b[blockRoom:][:c.size-chunkHeaderLen]
	if n > chunkSize || n == 0 || codec == codecNone && n != int64(len(packed)) {
		c.err = fmt.Errorf("%w: a chunk of %d bytes in %d", errFrame, n, len(packed))
		return
	}
	c.size, c.rawLen = int(n), int(n)
	if codec != codecNone {
		out := c.block.pool.get(c.size)
		c.err = k.unpack(codec, out.b[blockRoom:][:c.size], packed)
		c.block.put()
		c.block = out
	}
	if c.err == nil && xxhash.Sum64(c.raw()) != c.sum {
		c.err = fmt.Errorf("a chunk of the stream is not what was sent")
	}
}

// A trailer is behind the last chunk.
type trailer struct {
	Chunks int64    `json:"chunks"`
	Bytes  int64    `json:"bytes"`
	Sum    uint64   `json:"sum,string"`       // xxHash64 of the sums of the chunks, each in eight bytes
	Failed *failure `json:"failed,omitempty"` // the stream is not whole: it could not be made
}

// A tally makes the trailer of the chunks that go by.
type tally struct {
	trailer
	of xxhash.Digest
}

func newTally() *tally {
	t := new(tally)
	t.of.Reset()
	return t
}

func (t *tally) add(size int, sum uint64) {
	t.Chunks++
	t.Bytes += int64(size)
	var p [8]byte
	binary.BigEndian.PutUint64(p[:], sum)
	_, _ = t.of.Write(p[:]) // it never fails
}

// total is the trailer so far.
func (t *tally) total() trailer {
	t.Sum = t.of.Sum64()
	return t.trailer
}
