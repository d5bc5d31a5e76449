package dmu

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
)

// A Codec compresses and decompresses payloads, one at a time, with memory that it keeps from
// one to the next. The zero value is ready.
type Codec struct {
	in       bytes.Reader
	inflate  io.ReadCloser
	deflate  map[int]*zlib.Writer // by level
	lz4      lz4.Compressor
	unzstd   *zstd.Decoder
	zstd     map[int]*zstd.Encoder // by level
	magicked []byte
}

var (
	errShort  = errors.New("it ends too early")
	errLong   = errors.New("it goes on behind the block")
	errMarks  = errors.New("its length field makes no sense")
	errBefore = errors.New("it refers to before the block")
)

// counted is the payload behind a length of 4 bytes, big-endian, and its header of more bytes.
func counted(src []byte, header int) ([]byte, error) {
	if len(src) < 4+header {
		return nil, errShort
	}
	n := int64(binary.BigEndian.Uint32(src))
	if n > int64(len(src)-4-header) {
		return nil, errMarks
	}
	return src[4+header:][:n], nil
}

// unpackLZ4 reads a length and an LZ4 block.
func unpackLZ4(_ *Codec, dst, src []byte) error {
	block, err := counted(src, 0)
	if err != nil {
		return err
	}
	n, err := lz4.UncompressBlock(block, dst)
	if err == nil && n != len(dst) {
		err = errShort
	}
	return err
}

func packLZ4(c *Codec, dst, src []byte, _ int) ([]byte, error) {
	at := len(dst)
	dst = slices.Grow(dst, 4+len(src)+sector)[:at+4+len(src)]
	n, err := c.lz4.CompressBlock(src, dst[at+4:])
	if err != nil || n == 0 { // 0, or too little room: it does not get shorter
		return nil, ErrIncompressible
	}
	binary.BigEndian.PutUint32(dst[at:], uint32(n))
	return dst[:at+4+n], nil
}

// A Zstandard payload is a length, level<<24 | version, and a frame without its magic number.
var zstdMagic = []byte{0x28, 0xb5, 0x2f, 0xfd}

// zstdVersion is the release of libzstd that blocks of ours claim to be made by, 1.4.5, which
// is that of OpenZFS. It is for information alone.
const zstdVersion = 10405

// packWindow is how far back the blocks that are compressed here refer (bytes). Further would
// take more memory than the shorter blocks of 16 MiB are worth.
const packWindow = 2 << 20

// maxZstdWindow is the longest window that a block can make use of (bytes).
const maxZstdWindow = maxBlock

func unpackZstd(c *Codec, dst, src []byte) error {
	if len(src) > longFrame {
		return c.unpackLongZstd(dst, src)
	}
	frame, err := counted(src, 4)
	if err != nil {
		return err
	}
	if err := c.readyZstd(); err != nil {
		return err
	}
	c.magicked = append(append(c.magicked[:0], zstdMagic...), frame...)
	out, err := c.unzstd.DecodeAll(c.magicked, dst[:0:len(dst)])
	if err == nil && len(out) != len(dst) {
		err = errShort
	}
	return err
}

func (c *Codec) readyZstd() (err error) {
	if c.unzstd == nil {
		c.unzstd, err = zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxBlock), zstd.WithDecoderMaxWindow(maxZstdWindow), zstd.WithDecodeAllCapLimit(true))
	}
	return err
}

// longFrame is what a frame is not copied beyond, to have its magic number in front (bytes).
const longFrame = 1 << 20

// unpackLongZstd has the decoder read the frame, and keep as much of the block as its window is.
func (c *Codec) unpackLongZstd(dst, src []byte) error {
	block, err := c.openZstd(src)
	if err != nil {
		return err
	}
	if _, err := io.ReadFull(block, dst); err != nil {
		return fmt.Errorf("%w: %w", errShort, err)
	}
	return ended(block)
}

// openZstd has the block in src read piece by piece.
func (c *Codec) openZstd(src []byte) (io.Reader, error) {
	frame, err := counted(src, 4)
	if err != nil {
		return nil, err
	}
	if err := c.readyZstd(); err != nil {
		return nil, err
	}
	return c.unzstd, c.unzstd.Reset(io.MultiReader(bytes.NewReader(zstdMagic), bytes.NewReader(frame)))
}

// ended sees to it that nothing is behind a block. A checksum is there: only reading on finds it.
func ended(block io.Reader) error {
	if n, err := block.Read(make([]byte, 1)); n != 0 {
		return errLong
	} else if err != io.EOF {
		return err
	}
	return nil
}

// usualZstd is the level that OpenZFS takes for zstd.
const usualZstd = 3

func packZstd(c *Codec, dst, src []byte, level int) ([]byte, error) {
	if level == 0 {
		level = usualZstd
	}
	e := c.zstd[level]
	if e == nil {
		var err error
		if e, err = zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithEncoderCRC(false), zstd.WithEncoderLevel(zstd.EncoderLevelFromZstd(level)), zstd.WithLowerEncoderMem(true), zstd.WithWindowSize(packWindow)); err != nil {
			return nil, err
		}
		if c.zstd == nil {
			c.zstd = map[int]*zstd.Encoder{}
		}
		c.zstd[level] = e
	}
	// The frame's magic number ends up where the level goes.
	at := len(dst)
	dst = e.EncodeAll(src, append(slices.Grow(dst, 8+len(src)+sector), 0, 0, 0, 0))
	n := len(dst) - at - 8
	binary.BigEndian.PutUint32(dst[at:], uint32(n))
	binary.BigEndian.PutUint32(dst[at+4:], uint32(level)<<24|zstdVersion)
	return dst, nil
}

// unpackZlib reads a zlib stream (gzip-1 to gzip-9).
func unpackZlib(c *Codec, dst, src []byte) error {
	c.in.Reset(src)
	defer c.in.Reset(nil)
	var err error
	if c.inflate == nil {
		c.inflate, err = zlib.NewReader(&c.in)
	} else {
		err = c.inflate.(zlib.Resetter).Reset(&c.in, nil)
	}
	if err != nil {
		c.inflate = nil
		return err
	}
	if _, err := io.ReadFull(c.inflate, dst); err != nil {
		return fmt.Errorf("%w: %w", errShort, err)
	}
	return ended(c.inflate)
}

func packZlib(c *Codec, dst, src []byte, level int) ([]byte, error) {
	out := bytes.NewBuffer(dst)
	w := c.deflate[level]
	if w == nil {
		var err error
		if w, err = zlib.NewWriterLevel(out, level); err != nil {
			return nil, err
		}
		if c.deflate == nil {
			c.deflate = map[int]*zlib.Writer{}
		}
		c.deflate[level] = w
	} else {
		w.Reset(out)
	}
	if _, err := w.Write(src); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}
