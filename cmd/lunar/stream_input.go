package main

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"io"
	"math"
	"os"
	"runtime/debug"
	"slices"

	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"

	"github.com/lunarsan/lunar/internal/control"
	"github.com/lunarsan/lunar/stream/dmu"
)

// A streamInput is a stream that a verb reads.
type streamInput struct {
	stream  io.Reader // a dmu.ReadAhead, where it is a file
	name    string    // for people
	wrapped string    // what is around the stream: zstd, gzip, lz4, or nothing
	at      int64     // the place in the stream that stream began at, or was skipped to
	closing []func()
}

// wrappings are what may be around a stream, by what they begin with.
var wrappings = []struct {
	name  string
	magic []byte
	open  func(io.Reader) (io.Reader, func(), error)
}{
	{"zstd", []byte{0x28, 0xb5, 0x2f, 0xfd}, func(r io.Reader) (io.Reader, func(), error) {
		z, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(maxWindow))
		if err != nil {
			return nil, nil, err
		}
		return z, z.Close, nil
	}},
	{"gzip", []byte{0x1f, 0x8b}, func(r io.Reader) (io.Reader, func(), error) {
		z, err := gzip.NewReader(r)
		return z, func() {}, err
	}},
	{"lz4", []byte{0x04, 0x22, 0x4d, 0x18}, func(r io.Reader) (io.Reader, func(), error) {
		return lz4.NewReader(r), func() {}, nil
	}},
}

// maxWindow is how far back zstd may refer (bytes): what all that is compressed without --long
// or --ultra makes do with.
const maxWindow = 8 << 20

// streamMemory has the garbage collector keep up with streams of long blocks (bytes).
const streamMemory = 48 << 20

// openStream opens a stream, - being standard input, and shows on a terminal how far it is read.
func (c *cli) openStream(doing, name string) (*streamInput, error) {
	return c.openStreamAt(doing, name, 0)
}

// openStreamAt opens a stream at a place in it. One that something is around begins at 0 all the
// same, as does what is no file: see skip.
func (c *cli) openStreamAt(doing, name string, begin int64) (*streamInput, error) {
	in := &streamInput{name: name}
	before := debug.SetMemoryLimit(streamMemory)
	in.closing = append(in.closing, func() { debug.SetMemoryLimit(before) })
	file, total := c.stdin, int64(0)
	if name == "-" {
		in.name = "standard input"
	} else {
		f, err := os.Open(name)
		if err != nil {
			in.close()
			return nil, &control.Problem{Title: err.Error(), Hint: "Name a file that has a stream in it, or - for standard input."}
		}
		in.closing = append(in.closing, func() { _ = f.Close() }) // it was only read
		if info, err := f.Stat(); err == nil && info.Mode().IsRegular() {
			total = info.Size()
		}
		file = f
	}
	p := c.progress(doing+" "+in.name, total)
	in.closing = append(in.closing, p.done)
	if err := in.unwrap(p.reader(file)); err != nil {
		in.close()
		return nil, ofStream(in.name, err)
	}
	if at, ok := file.(io.ReaderAt); ok && total > 0 && in.wrapped == "" {
		p.at.Store(begin)
		ahead := dmu.NewReadAhead(p.readerAt(io.NewSectionReader(at, begin, math.MaxInt64-begin)))
		in.stream, in.at = ahead, begin
		in.closing = append(in.closing, ahead.Close)
	}
	return in, nil
}

// skip goes on to a place in the stream.
func (in *streamInput) skip(to int64) error {
	n, err := io.CopyN(io.Discard, in.stream, to-in.at)
	in.at += n
	return err
}

// unwrap takes off what is around the stream.
func (in *streamInput) unwrap(r io.Reader) error {
	head := make([]byte, 4)
	n, err := io.ReadFull(r, head)
	if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
		return err
	}
	in.stream = io.MultiReader(bytes.NewReader(head[:n]), r)
	for _, w := range wrappings {
		if !bytes.HasPrefix(head[:n], w.magic) {
			continue
		}
		inner, done, err := w.open(bufio.NewReaderSize(in.stream, 1<<20))
		if err != nil {
			return err
		}
		in.stream, in.wrapped = inner, w.name
		in.closing = append(in.closing, done)
	}
	return nil
}

// close closes the stream, and takes the progress away.
func (in *streamInput) close() {
	for _, done := range slices.Backward(in.closing) {
		done()
	}
	in.closing = nil
}
