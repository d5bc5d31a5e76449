package wire

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"

	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
)

// A codec is how a chunk is compressed.
type codec uint8

const (
	codecNone codec = 0
	codecLZ4  codec = 1
	codecZstd codec = 2
)

// levels are what a chunk may be compressed with, the quickest first.
var levels = [...]struct {
	name  string
	codec codec
	zstd  zstd.EncoderLevel
}{
	{"none", codecNone, 0},
	{"lz4", codecLZ4, 0},
	{"zstd-1", codecZstd, zstd.SpeedFastest},
	{"zstd-3", codecZstd, zstd.SpeedDefault},
	{"zstd-7", codecZstd, zstd.SpeedBetterCompression},
	{"zstd-19", codecZstd, zstd.SpeedBestCompression},
}

// Levels that mean something to the governor.
const (
	levelFirst   = 2 // where it begins
	levelSlowest = 4 // the last that is worth a link's while
)

// A Compression says how streams are compressed. The zero value finds out what is best for the
// link and the processor, again and again.
type Compression struct{ fixed int } // 1 + the level; 0: adaptive

// ErrCompression is the kind of every error of a text that is no compression.
var ErrCompression = errors.New("streams are compressed with auto, none, lz4, zstd, zstd-1, zstd-3, zstd-7 or zstd-19")

// ParseCompression reads auto, none, lz4, zstd or zstd-LEVEL. ErrCompression.
func ParseCompression(s string) (Compression, error) {
	name := strings.ToLower(s)
	switch name {
	case "", "auto":
		return Compression{}, nil
	case "zstd":
		name = "zstd-3"
	}
	for i, l := range levels {
		if l.name == name {
			return Compression{1 + i}, nil
		}
	}
	return Compression{}, fmt.Errorf("%q: %w", s, ErrCompression)
}

func (c Compression) String() string {
	if c.fixed == 0 {
		return "auto"
	}
	return levels[c.fixed-1].name
}

// codecs are compressors, and what they keep from one chunk to the next. The zero value is ready.
type codecs struct {
	mu      sync.Mutex
	encode  [len(levels)]*zstd.Encoder // each for as many chunks at once as there are processors
	decode  *zstd.Decoder
	fastest sync.Pool // of *lz4.Compressor
}

// workers is how many chunks of a stream are compressed at once.
func workers() int { return min(runtime.GOMAXPROCS(0), mostWorkers) }

const (
	// mostWorkers bounds what chunks of a stream take of memory, on large machines.
	mostWorkers = 6
	// bestWorkers is how many there are at the strongest level, whose tables take 35 MiB each.
	bestWorkers = 2
)

func (k *codecs) encoder(level int) *zstd.Encoder {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.encode[level] == nil {
		at := workers()
		if levels[level].zstd == zstd.SpeedBestCompression {
			at = min(at, bestWorkers)
		}
		k.encode[level], _ = zstd.NewWriter(nil, zstd.WithEncoderLevel(levels[level].zstd), zstd.WithEncoderConcurrency(at),
			zstd.WithWindowSize(chunkSize), zstd.WithEncoderCRC(false), zstd.WithLowerEncoderMem(true)) // the options are right
	}
	return k.encode[level]
}

func (k *codecs) decoder() *zstd.Decoder {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.decode == nil {
		k.decode, _ = zstd.NewReader(nil, zstd.WithDecoderConcurrency(workers()), zstd.WithDecoderMaxMemory(chunkSize),
			zstd.WithDecoderMaxWindow(chunkSize), zstd.WithDecoderLowmem(true), zstd.WithDecodeAllCapLimit(true)) // the options are right
	}
	return k.decode
}

// pack compresses raw into a block with room in front. codecNone says that it is not worth it.
func (k *codecs) pack(from *pool, raw []byte, level int) (*block, int, codec) {
	l := levels[level]
	if l.codec == codecNone || level > levelFirst && !k.worth(from, raw) {
		return nil, 0, codecNone
	}
	b := from.get(len(raw))
	room := b.b[blockRoom:][:len(raw)]
	n := 0
	if l.codec == codecLZ4 {
		c, _ := k.fastest.Get().(*lz4.Compressor)
		if c == nil {
			c = new(lz4.Compressor)
		}
		n, _ = c.CompressBlock(raw, room) // 0 where the room is too little
		k.fastest.Put(c)
	} else if out := k.encoder(level).EncodeAll(raw, room[:0]); len(out) < len(raw) {
		n = copy(room, out) // onto itself
	}
	if n == 0 || n > len(raw)-len(raw)/64 {
		b.put()
		return nil, 0, codecNone
	}
	return b, n, l.codec
}

// What is looked at of a chunk before much work goes into it.
const (
	probes   = 4
	probeLen = 16 << 10
)

// worth tells whether compressing hard is likely to make raw shorter: what is compressed or
// encrypted already is not. The quicker levels find that out by themselves.
func (k *codecs) worth(from *pool, raw []byte) bool {
	if len(raw) <= probes*probeLen {
		return true
	}
	room := from.get(probeLen)
	defer room.put()
	short := 0
	for i := range probes {
		sample := raw[(len(raw)-probeLen)/(probes-1)*i:][:probeLen]
		short += len(k.encoder(levelFirst).EncodeAll(sample, room.b[:0]))
	}
	return short < probes*probeLen*63/64
}

// unpack fills out.
func (k *codecs) unpack(c codec, out, packed []byte) error {
	var n int
	var err error
	switch c {
	case codecLZ4:
		n, err = lz4.UncompressBlock(packed, out)
	case codecZstd:
		var p []byte
		p, err = k.decoder().DecodeAll(packed, out[:0:len(out)])
		n = len(p)
	default:
		err = fmt.Errorf("%w: a chunk that is compressed with %d", errFrame, c)
	}
	if err == nil && n != len(out) {
		err = fmt.Errorf("%w: a chunk of %d bytes that has %d", errFrame, len(out), n)
	}
	if err != nil {
		return fmt.Errorf("decompressing a chunk: %w", err)
	}
	return nil
}
