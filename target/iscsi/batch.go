package iscsi

import (
	"io"
	"net"

	"github.com/lunarsan/lunar/scsi"
)

// A batch gathers PDUs for one writev. Headers, digests, padding and short data segments are
// built in a slab; longer data segments are only pointed at, so whoever owns them keeps them
// until the batch was written. What is adjacent in the slab is one piece of the vector, and
// so the answers to many writes are one piece of memory.
type batch struct {
	headerDigest bool
	dataDigest   bool

	slab   []byte
	run    int      // slab[run:] is not in pieces yet
	pieces [][]byte // in order
	bytes  int      // of all PDUs
	items  []item   // those whose last byte is in here

	vector net.Buffers // pieces, as writing consumes them; a field, so that it stays put
}

const (
	slabStart   = 4 << 10
	slabMax     = 32 << 10
	batchBytes  = 256 << 10 // a batch is full with these bytes
	batchPieces = 512       // or these pieces
	shortData   = 512       // data segments up to here are copied to the slab

	// pduRoom is the most that one PDU takes of the slab.
	pduRoom = len(BHS{}) + 2*DigestLen + 3 + shortData
)

func (b *batch) empty() bool { return b.bytes == 0 }

// full reports whether there may be no room for another PDU.
func (b *batch) full() bool {
	return b.bytes >= batchBytes || len(b.pieces) > batchPieces-2 || len(b.slab)+pduRoom > cap(b.slab)
}

// begin starts a PDU. The header is good until end. The batch is not full.
func (b *batch) begin(op Opcode) *BHS {
	at := len(b.slab)
	b.slab = b.slab[:at+len(BHS{})]
	h := (*BHS)(b.slab[at:])
	h.Start(op)
	return h
}

// end completes the PDU that begin started, with its data segment.
func (b *batch) end(h *BHS, data []byte) {
	h.SetDataSegmentLen(len(data))
	start := len(b.slab) - len(h)
	if b.headerDigest {
		b.digest(Digest(0).Add(h[:]))
	}
	if len(data) > 0 {
		b.segment(data)
	}
	b.bytes += len(b.slab) - start
}

func (b *batch) segment(data []byte) {
	if len(data) <= shortData {
		b.slab = append(b.slab, data...)
	} else {
		b.close()
		b.pieces = append(b.pieces, data)
		b.bytes += len(data)
	}
	for range Padded(len(data)) - len(data) {
		b.slab = append(b.slab, 0)
	}
	if b.dataDigest {
		b.digest(Digest(0).Add(data).AddPadding(len(data)))
	}
}

func (b *batch) digest(d Digest) {
	at := len(b.slab)
	b.slab = b.slab[:at+DigestLen]
	d.Put((*[DigestLen]byte)(b.slab[at:]))
}

// endSense completes the PDU that begin started, with sense data.
func (b *batch) endSense(h *BHS, sense *scsi.SenseData) {
	var room [shortData]byte
	b.end(h, AppendSense(room[:0], sense.Bytes()))
}

// close puts the open run of the slab among the pieces.
func (b *batch) close() {
	if b.run < len(b.slab) {
		b.pieces = append(b.pieces, b.slab[b.run:])
		b.run = len(b.slab)
	}
}

// write writes everything. The slab is used again at once; the data segments stay with the
// items.
func (b *batch) write(w io.Writer) error {
	b.close()
	b.vector = b.pieces
	_, err := b.vector.WriteTo(w)
	return err
}

// reset empties the batch and gives a busy connection a larger slab.
func (b *batch) reset() {
	switch size := cap(b.slab); {
	case size == 0:
		b.slab = make([]byte, 0, slabStart)
	case len(b.slab)+pduRoom > size && size < slabMax:
		b.slab = make([]byte, 0, 2*size)
	}
	clear(b.pieces)
	b.slab, b.run, b.pieces, b.bytes = b.slab[:0], 0, b.pieces[:0], 0
	b.vector = nil
}
