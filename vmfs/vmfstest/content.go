package vmfstest

import (
	"bytes"
	"encoding/binary"
	"io"
	"math/bits"
)

// Contents fills p with what a file of this seed has at an offset. Seed 0 is zeros. The race
// detector would look at each byte of it, which made most of its tests' time.
//
//go:norace
func Contents(seed uint64, off int64, p []byte) {
	if seed == 0 {
		clear(p)
		return
	}
	for ; off%8 == 0 && len(p) >= 8; p, off = p[8:], off+8 {
		binary.LittleEndian.PutUint64(p, mix(seed, uint64(off)/8))
	}
	for len(p) > 0 {
		var word [8]byte
		binary.LittleEndian.PutUint64(word[:], mix(seed, uint64(off)/8))
		n := copy(p, word[off%8:])
		p, off = p[n:], off+int64(n)
	}
}

// mix makes a word of two, so that no two blocks of a volume are alike.
func mix(seed, n uint64) uint64 {
	hi, lo := bits.Mul64(n*0x9e3779b97f4a7c15+seed, 0xd1342543de82ef95)
	return hi ^ lo ^ seed<<1
}

// expected is a file's contents as they were put in.
type expected struct {
	file   *File
	length int64
	zeros  []span // what reads as zeros, in order
}

type span struct{ from, to int64 }

const mebibyte = 1 << 20

// ReadAt implements io.ReaderAt.
func (e *expected) ReadAt(p []byte, off int64) (int, error) {
	if e.file.Data != nil || e.file.Target != "" {
		return bytes.NewReader(e.file.stored()).ReadAt(p, off)
	}
	if off >= e.length {
		return 0, io.EOF
	}
	n := int(min(int64(len(p)), e.length-off))
	for done := 0; done < n; {
		at := off + int64(done)
		part := p[done:min(n, done+int(mebibyte-at%mebibyte))]
		Contents(e.file.Seed, at, part)
		if w := e.file.Written; w != 0 {
			clear(part[min(int64(len(part)), max(0, w-at%mebibyte)):])
		}
		done += len(part)
	}
	for _, z := range e.zeros {
		if from, to := max(z.from, off), min(z.to, off+int64(n)); from < to {
			clear(p[from-off : to-off])
		}
	}
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// stored is the contents of a file that has them in its description.
func (f *File) stored() []byte {
	if f.Target != "" {
		return []byte(f.Target)
	}
	return f.Data
}
