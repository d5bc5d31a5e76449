package dmu

import (
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"sync"
)

// Recompress copies a stream, the blocks of files and volumes compressed anew with how;
// CompressionOff leaves them plain. A level of 0 is the usual one. Blocks that do not get
// shorter go out as they are, and so does metadata, which no sender compresses. What comes out
// depends on what goes in alone, not on how many processors there are.
func Recompress(in *Reader, out io.Writer, how Compression, level int) error {
	rec, err := in.Next()
	if err != nil {
		return firstError(err)
	}
	w := NewWriter(out, in.Order())
	p := newRecompression(w, how, level)
	for ; err == nil; rec, err = in.Next() {
		if err = p.add(in, rec); err != nil {
			break
		}
	}
	if errors.Is(err, io.EOF) {
		err = nil
	}
	if failed := p.finish(); failed != nil {
		err = failed // whatever came of it
	}
	if err != nil {
		return err
	}
	return w.Close()
}

// firstError is that of a stream's first record: an end there is none of the stream's.
func firstError(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

var errRaw = errors.New("the stream is encrypted: its blocks cannot be looked into")

// A recompression compresses records in batches, on all processors, and writes them in order.
//
//	add ──► line ─────────────► write ──► spare
//	  └───► work ──► pack ──done──┘
type recompression struct {
	how       Compression
	level     int
	blockSize uint32 // of the object under way
	now       *recompressBatch
	spare     chan *recompressBatch
	work      chan *recompressBatch
	line      chan *recompressBatch
	workers   sync.WaitGroup
	writer    sync.WaitGroup
	failed    error // the writer's, while batches are under way
	broken    chan struct{}

	w          *Writer // the writer's too
	codec      Codec   // of long blocks, and their room
	out, block []byte
}

// A recompressBatch is some records, with their payloads.
type recompressBatch struct {
	items []recompressItem
	in    []byte
	out   []byte
	block []byte
	done  chan error
}

type recompressItem struct {
	rec      Record
	at, n    int  // of the payload, in in or, once packed, in out
	compress bool // it is such a block as gets compressed
	packed   bool // the payload is in out
}

const (
	recompressBatches = 4
	recompressSize    = 1 << 20 // of payload, and of a block that goes into one (bytes)
	recompressRecords = 1024
)

func newRecompression(w *Writer, how Compression, level int) *recompression {
	p := &recompression{how: how, level: level,
		spare: make(chan *recompressBatch, recompressBatches), work: make(chan *recompressBatch, recompressBatches), line: make(chan *recompressBatch, recompressBatches),
		broken: make(chan struct{}), w: w,
	}
	for range recompressBatches {
		p.spare <- &recompressBatch{done: make(chan error, 1)}
	}
	p.now = <-p.spare
	for range min(runtime.GOMAXPROCS(0), recompressBatches-1) {
		p.workers.Go(func() {
			var c Codec
			for b := range p.work {
				b.done <- b.pack(&c, p.how, p.level)
			}
		})
	}
	p.writer.Go(p.write)
	return p
}

// add takes a record that in has read.
func (p *recompression) add(in *Reader, rec *Record) error {
	item := recompressItem{rec: *rec, at: len(p.now.in), n: len(in.Payload())}
	switch rec.Type() {
	case TypeBegin:
		b := item.rec.Begin()
		f := b.Features()
		if f.Has(FeatureRaw) {
			return errRaw
		}
		if b.Kind() == Substream {
			b.SetVersion(Substream, repacked(f, p.how))
		}
		p.blockSize = 0
	case TypeObject:
		p.blockSize = 0
		if t := rec.Object().DMUType(); t == ObjectFile || t == ObjectZvol {
			p.blockSize = rec.Object().BlockSize()
		}
	case TypeWrite:
		// A receiver has no place for compressed data that is not one of its blocks.
		w := rec.Write()
		item.compress = p.how != CompressionOff && w.LogicalSize() == uint64(p.blockSize)
	}
	if len(p.now.items) > 0 && (len(p.now.items) == recompressRecords || item.at+item.n > recompressSize) {
		if err := p.pass(); err != nil {
			return err
		}
		item.at = 0
	}
	if rec.Type() == TypeWrite && rec.Write().LogicalSize() > recompressSize {
		return p.long(item, in.Payload())
	}
	p.now.in = append(p.now.in, in.Payload()...)
	p.now.items = append(p.now.items, item)
	return nil
}

// long takes a block for which there is room but once: it waits until nothing else is under way,
// and is compressed and written right here.
func (p *recompression) long(item recompressItem, payload []byte) error {
	if len(p.now.items) > 0 {
		if err := p.pass(); err != nil {
			return err
		}
	}
	var idle [recompressBatches - 1]*recompressBatch
	for i := range idle {
		idle[i] = <-p.spare
	}
	for _, b := range idle {
		p.spare <- b
	}
	if p.failed != nil {
		return p.failed
	}
	item.at = 0
	b := &recompressBatch{items: []recompressItem{item}, in: payload, out: p.out, block: p.block}
	err := b.pack(&p.codec, p.how, p.level)
	if err == nil {
		err = b.write(p.w)
	}
	p.out, p.block = b.out, b.block
	return err
}

// repacked are the features of a stream whose blocks are compressed with how. Embedded blocks
// stay as they are, and with them what they are compressed with.
func repacked(f Features, how Compression) Features {
	f &^= FeatureCompressed
	if !f.Has(FeatureEmbedData) {
		f &^= FeatureLZ4 | FeatureZstd
	}
	if how != CompressionOff {
		f |= how.Needs()
	}
	return f
}

// pass hands the batch on and takes another.
func (p *recompression) pass() error {
	b := p.now
	p.work <- b
	p.line <- b
	p.now = <-p.spare
	select {
	case <-p.broken:
		return errors.New("writing the stream has failed")
	default:
		return nil
	}
}

// finish passes on what is left, and waits until all is written.
func (p *recompression) finish() error {
	p.work <- p.now
	p.line <- p.now
	close(p.work)
	close(p.line)
	p.workers.Wait()
	p.writer.Wait()
	return p.failed
}

// pack decompresses and compresses the blocks of a batch.
func (b *recompressBatch) pack(c *Codec, how Compression, level int) error {
	b.out = b.out[:0]
	for i := range b.items {
		it := &b.items[i]
		if it.rec.Type() != TypeWrite {
			continue
		}
		w := it.rec.Write()
		payload, from, at := b.in[it.at:it.at+it.n], w.Compression(), len(b.out)
		if from == CompressionNone && !it.compress {
			continue
		}
		w.ClearKey()
		w.SetCompression(CompressionNone)
		w.SetCompressedSize(0)
		if !it.compress {
			b.out = slices.Grow(b.out, int(w.LogicalSize()))[:at+int(w.LogicalSize())]
			if err := c.unpackWrite(w, from, b.out[at:], payload); err != nil {
				return err
			}
			it.at, it.n, it.packed = at, len(b.out)-at, true
			continue
		}
		block := payload
		if from != CompressionNone {
			b.block = grown(b.block, int(w.LogicalSize()))
			if err := c.unpackWrite(w, from, b.block, payload); err != nil {
				return err
			}
			block = b.block
		}
		out, err := c.Compress(how, level, b.out, block)
		switch {
		case err == nil:
			b.out = out
			w.SetCompression(how)
			w.SetCompressedSize(uint64(len(out) - at))
		case errors.Is(err, ErrIncompressible):
			b.out = append(b.out, block...)
		default:
			return err
		}
		it.at, it.n, it.packed = at, len(b.out)-at, true
	}
	return nil
}

// unpackWrite decompresses the payload of w, which was compressed with how.
func (c *Codec) unpackWrite(w *Write, how Compression, dst, src []byte) error {
	if err := c.Decompress(how, dst, src); err != nil {
		return fmt.Errorf("object %d at %d: %w", w.Object(), w.Offset(), err)
	}
	return nil
}

// write writes batches in the order in which they were passed on.
func (p *recompression) write() {
	for b := range p.line {
		err := <-b.done
		if err == nil && p.failed == nil {
			err = b.write(p.w)
		}
		if err != nil && p.failed == nil {
			p.failed = err
			close(p.broken)
		}
		b.items, b.in = b.items[:0], b.in[:0]
		p.spare <- b
	}
}

func (b *recompressBatch) write(w *Writer) error {
	for i := range b.items {
		it := &b.items[i]
		from := b.in
		if it.packed {
			from = b.out
		}
		if err := w.Write(&it.rec, from[it.at:it.at+it.n]); err != nil {
			return err
		}
	}
	return nil
}
