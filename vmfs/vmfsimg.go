package vmfs

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/binary"
	"fmt"
	"io"
	"slices"
)

// A Vmfsimg is an image in the run-length format that the imager of vmfs-tools writes of a
// volume's metadata, read as the device it was made of.
//
//	"VMFSIMG", version 2
//	0x00 N  a block of 512 bytes: N words of 4 bytes, and zeros
//	0x01 N  N+1 blocks of zeros
//	0x7F    the end, and the Adler-32 of the device as 4 bytes, the lowest first
//
// N has seven bits a byte, the lowest first; all bytes but the last have the high bit set.
type Vmfsimg struct {
	image  io.ReaderAt
	blocks []imageBlock // that are not zero
	size   int64
}

// An imageBlock is a block of the device that is not zero.
type imageBlock struct {
	number int64
	at     int64 // in the image
	length int64 // of it there
}

const (
	imageBlockLen = 512
	imageMagic    = "VMFSIMG\x02"
)

// IsVmfsimg reports an image that OpenVmfsimg can open.
func IsVmfsimg(image io.ReaderAt) bool {
	var head [len(imageMagic)]byte
	n, _ := image.ReadAt(head[:], 0)
	return n == len(head) && string(head[:]) == imageMagic
}

// OpenVmfsimg reads the index of an image of so many bytes.
func OpenVmfsimg(image io.ReaderAt, size int64) (*Vmfsimg, error) {
	m := &Vmfsimg{image: image}
	r := &imageReader{r: bufio.NewReader(io.NewSectionReader(image, 0, size))}
	if head := r.next(len(imageMagic)); string(head) != imageMagic {
		return nil, fmt.Errorf("an image of vmfs-tools begins with %q, not %q", imageMagic, head)
	}
	var block int64
	sum := adler{1, 0}
	for r.err == nil {
		switch op := r.byte(); {
		case r.err != nil:
		case op == 0x00:
			n := 4 * r.number()
			if n > imageBlockLen {
				return nil, fmt.Errorf("the image has %d bytes at %#x for a block of %d", n, r.at, imageBlockLen)
			}
			m.blocks = append(m.blocks, imageBlock{block, r.at, n})
			sum.add(r.next(int(n)))
			sum.addZeros(imageBlockLen - n)
			block++
		case op == 0x01:
			n := r.number() + 1
			sum.addZeros(n % adlerModulus * imageBlockLen)
			block += n
		case op == 0x7F:
			m.size = block * imageBlockLen
			stored := r.next(4)
			if r.err != nil {
				break
			}
			if want := binary.LittleEndian.Uint32(stored); want != sum.sum() {
				return nil, fmt.Errorf("the image is damaged: the Adler-32 of its device is %08x, and should be %08x", sum.sum(), want)
			}
			return m, nil
		default:
			return nil, fmt.Errorf("the image has a sequence of kind %#x at %#x, which is not known", op, r.at-1)
		}
		if block > 1<<50/imageBlockLen {
			return nil, fmt.Errorf("the image is of a device of more than %d blocks", block)
		}
	}
	return nil, fmt.Errorf("the image is cut short at %#x: %w", r.at, r.err)
}

// An adler is the state of an Adler-32 (RFC 1950 §8.2), which takes in zeros without reading them.
type adler struct{ a, b uint32 }

const adlerModulus = 65521

// add takes in p, of at most a block.
func (s *adler) add(p []byte) {
	for _, c := range p {
		s.a += uint32(c)
		s.b += s.a
	}
	s.a %= adlerModulus
	s.b %= adlerModulus
}

// addZeros takes in n bytes that are zero.
func (s *adler) addZeros(n int64) {
	s.b = uint32((int64(s.b) + n%adlerModulus*int64(s.a)) % adlerModulus)
}

func (s *adler) sum() uint32 { return s.b<<16 | s.a }

// Size is the length of the device in bytes.
func (m *Vmfsimg) Size() int64 { return m.size }

// ReadAt reads from the device.
func (m *Vmfsimg) ReadAt(p []byte, off int64) (int, error) {
	if off < 0 || off >= m.size {
		return 0, io.EOF
	}
	n := min(int64(len(p)), m.size-off)
	clear(p[:n])
	i, _ := slices.BinarySearchFunc(m.blocks, off/imageBlockLen, func(b imageBlock, n int64) int { return cmp.Compare(b.number, n) })
	for ; i < len(m.blocks) && m.blocks[i].number*imageBlockLen < off+n; i++ {
		b := m.blocks[i]
		from := max(off, b.number*imageBlockLen)
		to := min(off+n, b.number*imageBlockLen+b.length)
		if from >= to {
			continue
		}
		if _, err := m.image.ReadAt(p[from-off:to-off], b.at+from-b.number*imageBlockLen); err != nil {
			return 0, err
		}
	}
	if n < int64(len(p)) {
		return int(n), io.EOF
	}
	return int(n), nil
}

// An imageReader reads the sequences of an image, until the first error.
type imageReader struct {
	r   *bufio.Reader
	buf bytes.Buffer
	at  int64
	err error
}

func (r *imageReader) byte() byte {
	b := r.next(1)
	if r.err != nil {
		return 0
	}
	return b[0]
}

// next returns n bytes, good until the next call.
func (r *imageReader) next(n int) []byte {
	if r.err != nil {
		return nil
	}
	r.buf.Reset()
	if _, r.err = io.CopyN(&r.buf, r.r, int64(n)); r.err == nil {
		r.at += int64(n)
	}
	return r.buf.Bytes()
}

// number reads N; what is too large for a device is the largest that fits.
func (r *imageReader) number() (n int64) {
	for shift := 0; r.err == nil; shift += 7 {
		b := r.byte()
		if shift < 49 {
			n |= int64(b&0x7F) << shift
		} else if b&0x7F != 0 {
			n = 1 << 49
		}
		if b&0x80 == 0 {
			break
		}
	}
	return n
}
