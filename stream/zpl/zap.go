package zpl

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"iter"
)

// A ZAP is a table of names and values in an object. A small one is a single block, a microZAP:
//
//	 0  0x8000000000000003, salt u64, normflags u64, pad [40]
//	64  entries of 64 bytes: value u64, cd u32, pad u16, name [50] with a NUL behind
//
// A fat ZAP has a header in block 0, and leaves in those of its blocks that say so:
//
//	 0  0x8000000000000000, pad u64, prefix u64
//	24  magic 0x2AB1EAF u32, nfree u16, nentries u16, prefix_len u16, freelist u16
//	36  flags u8, pad [11]
//	48  hash table u16: one for every 32 bytes of the block
//	..  chunks of 24 bytes
//
// An entry is a chunk, with its name and its value in chains of others, big-endian:
//
//	0  252 u8, length of an integer of the value u8, next u16
//	4  chunk of the name u16, length of the name with its NUL u16
//	8  chunk of the value u16, integers u16, cd u32, hash u64
//
//	0  251 u8, bytes [21], next u16
const (
	zapMicro  uint64 = 1<<63 + 3
	zapHeader uint64 = 1<<63 + 1
	zapLeaf   uint64 = 1 << 63

	leafMagic      uint32 = 0x2AB1EAF
	leafHeader            = 48
	chunkSize             = 24
	chunkEntry     byte   = 252
	chunkArray     byte   = 251
	chunkBytes            = 21
	noChunk        uint16 = 0xffff
	microEntry            = 64
	microName             = 14
	maxMicro              = 1 << 20  // large microZAPs
	maxLeaf               = 16 << 20 // any block
	maxEntryName          = 1024     // with long names
	maxEntryValues        = 64 << 10
)

var errZAP = errors.New("damaged ZAP")

// An entry is a name of a ZAP and its value.
type entry struct {
	name  string
	width int    // of each integer (bytes)
	value []byte // integers, big-endian
}

// number is the value of an entry that has one number.
func (e *entry) number() uint64 {
	if e.width != 8 || len(e.value) < 8 {
		return 0
	}
	return binary.BigEndian.Uint64(e.value)
}

// shorts is the value of an entry that has numbers of 16 bits.
func (e *entry) shorts() []uint16 {
	if e.width != 2 {
		return nil
	}
	out := make([]uint16, len(e.value)/2)
	for i := range out {
		out[i] = binary.BigEndian.Uint16(e.value[2*i:])
	}
	return out
}

// entries yields what is in a ZAP of size bytes in blocks of blockSize, and last what is wrong
// with it, if anything is.
func entries(r io.ReaderAt, size int64, blockSize int, order binary.ByteOrder) iter.Seq2[entry, error] {
	return func(yield func(entry, error) bool) {
		if blockSize < 2*microEntry || blockSize > maxLeaf || size < int64(blockSize) {
			yield(entry{}, fmt.Errorf("%w: it has %d bytes in blocks of %d", errZAP, size, blockSize))
			return
		}
		block := make([]byte, blockSize)
		if _, err := r.ReadAt(block, 0); err != nil {
			yield(entry{}, err)
			return
		}
		switch kind := order.Uint64(block); {
		case kind == zapMicro && blockSize <= maxMicro:
			micro(block, order, yield)
		case kind == zapHeader:
			for off := int64(blockSize); off+int64(blockSize) <= size; off += int64(blockSize) {
				if _, err := r.ReadAt(block, off); err != nil {
					yield(entry{}, err)
					return
				}
				if order.Uint64(block) == zapLeaf && order.Uint32(block[24:]) == leafMagic && !leaf(block, order, yield) {
					return
				}
			}
		default:
			yield(entry{}, fmt.Errorf("%w: it begins with %#x", errZAP, kind))
		}
	}
}

func micro(block []byte, order binary.ByteOrder, yield func(entry, error) bool) {
	for e := block[microEntry:]; len(e) >= microEntry; e = e[microEntry:] {
		name, _, _ := bytes.Cut(e[microName:microEntry], []byte{0})
		if len(name) == 0 {
			continue
		}
		value := binary.BigEndian.AppendUint64(nil, order.Uint64(e))
		if !yield(entry{string(name), 8, value}, nil) {
			return
		}
	}
}

// leaf yields the entries of a leaf, and says whether to go on.
func leaf(block []byte, order binary.ByteOrder, yield func(entry, error) bool) bool {
	chunks := block[min(leafHeader+len(block)/32*2, len(block)):]
	chunks = chunks[:len(chunks)/chunkSize*chunkSize]
	for c := chunks; len(c) > 0; c = c[chunkSize:] {
		if c[0] != chunkEntry {
			continue
		}
		width := int(c[1])
		name, ok := array(chunks, order.Uint16(c[4:]), int(order.Uint16(c[6:])), maxEntryName, order)
		value, also := array(chunks, order.Uint16(c[8:]), int(order.Uint16(c[10:]))*width, maxEntryValues, order)
		if !ok || !also {
			return yield(entry{}, fmt.Errorf("%w: an entry leads nowhere", errZAP))
		}
		name, _, _ = bytes.Cut(name, []byte{0})
		if !yield(entry{string(name), width, value}, nil) {
			return false
		}
	}
	return true
}

// array gathers n bytes from the chain of chunks that begins at number at.
func array(chunks []byte, at uint16, n, limit int, order binary.ByteOrder) ([]byte, bool) {
	if n > limit {
		return nil, false
	}
	out := make([]byte, 0, n)
	for len(out) < n {
		from := int(at) * chunkSize
		if at == noChunk || from+chunkSize > len(chunks) || chunks[from] != chunkArray {
			return nil, false
		}
		out = append(out, chunks[from+1:][:min(chunkBytes, n-len(out))]...)
		at = order.Uint16(chunks[from+1+chunkBytes:])
	}
	return out, true
}
