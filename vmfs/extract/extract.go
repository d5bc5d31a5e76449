// Package extract copies files out of volumes: many pieces at a time, zeros left out, and so
// that a copy that was cut short goes on where it was.
//
//	extract.go   copying
//	mark.go      how far a copy has come for sure
//	compare.go   comparing a copy with its source
package extract

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"iter"
	"sync"

	"github.com/lunarsan/lunar/vmfs"
)

// A Source is what is copied: a file, a virtual disk.
type Source interface {
	io.ReaderAt
	Size() int64
	// Spans yields what of a range is data, and what reads as zeros.
	Spans(from, to int64) iter.Seq2[vmfs.Span, error]
}

// Options are how to copy. The zero value will do.
type Options struct {
	Workers int         // copies of pieces at a time; 0: 4
	From    int64       // what is before that was copied already
	Marked  func(int64) // called when all before an offset has been copied, in order, now and then
	Copied  func(int64) // called with bytes as they are done, by all workers
}

const (
	pieceLen = 512 << 10 // it stays in the processor's cache between read and write
	// Zeros are looked for in blocks, and left out where there are many together: a write for
	// each block between them would cost more than the space.
	blockLen = 4096
	holeLen  = 64 << 10
)

var zeros [blockLen]byte

// A piece is what a worker does at a time.
type piece struct {
	vmfs.Span
	number int64
}

// Copy copies src to dst, which reads as zeros wherever it was not written to. Bytes that are
// zeros are not written. It returns the first error, when all workers are done.
func Copy(ctx context.Context, dst io.WriterAt, src Source, o Options) error {
	return o.run(ctx, src, func() func(vmfs.Span) error {
		buf := make([]byte, pieceLen)
		return func(s vmfs.Span) error {
			if s.Zero {
				return nil
			}
			b := buf[:s.Length]
			if n, err := src.ReadAt(b, s.Offset); n < len(b) {
				return err
			}
			return writeData(dst, b, s.Offset)
		}
	})
}

// run has each piece of src done by one of the workers. worker makes the function of one.
func (o Options) run(ctx context.Context, src Source, worker func() func(vmfs.Span) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var (
		pieces  = make(chan piece)
		workers sync.WaitGroup
		mark    = mark{at: o.From, marked: o.Marked}
	)
	n := o.Workers
	if n <= 0 {
		n = 4
	}
	for range n {
		workers.Go(func() {
			do := worker()
			for p := range pieces {
				if err := do(p.Span); err != nil {
					cancel(err)
					return
				}
				if o.Copied != nil {
					o.Copied(p.Length)
				}
				mark.done(p)
			}
		})
	}
	err := cut(ctx, src, o.From, pieces)
	close(pieces)
	workers.Wait()
	if err == nil {
		err = context.Cause(ctx)
	}
	if err == nil && o.Marked != nil {
		o.Marked(src.Size())
	}
	return err
}

// cut hands out src in pieces: zeros in one piece, data in pieces that a buffer holds.
func cut(ctx context.Context, src Source, from int64, pieces chan<- piece) error {
	number := int64(0)
	for s, err := range src.Spans(from, src.Size()) {
		if err != nil {
			return err
		}
		for s.Length > 0 {
			p := piece{s, number}
			if !s.Zero {
				p.Length = min(s.Length, pieceLen-s.Offset%pieceLen)
			}
			select {
			case pieces <- p:
			case <-ctx.Done():
				return context.Cause(ctx)
			}
			number++
			s.Offset, s.Length = s.Offset+p.Length, s.Length-p.Length
		}
	}
	return nil
}

// writeData writes b at off but for long runs of zeros.
func writeData(dst io.WriterAt, b []byte, off int64) error {
	for at := 0; at < len(b); {
		at += zerosIn(b[at:])
		end := at
		for end < len(b) {
			end = min(len(b), end+blockLen)
			if n := zerosIn(b[end:]); n >= holeLen || n == len(b)-end {
				break
			}
		}
		if at == end {
			break
		}
		if _, err := dst.WriteAt(b[at:end], off+int64(at)); err != nil {
			return fmt.Errorf("writing %d bytes at %d: %w", end-at, off+int64(at), err)
		}
		at = end
	}
	return nil
}

// zerosIn counts the zeros that b begins with, in blocks.
func zerosIn(b []byte) int {
	at := 0
	for at < len(b) {
		n := min(blockLen, len(b)-at)
		if !bytes.Equal(b[at:at+n], zeros[:n]) {
			break
		}
		at += n
	}
	return at
}
