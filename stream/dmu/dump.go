package dmu

import (
	"fmt"

	"github.com/lunarsan/lunar/stream/dmu/nvlist"
)

// Dump appends the record as text, in the words of zstream dump -v, for people and scripts that
// know them.
func (r *Record) Dump(dst []byte, payload []byte) []byte {
	if t := r.Type(); t.Known() {
		return dumps[t](dst, r, payload)
	}
	return fmt.Appendf(dst, "%v\n", r.Type())
}

// dumps has what Dump writes of each type.
var dumps = [...]func(dst []byte, r *Record, payload []byte) []byte{
	TypeBegin: func(dst []byte, r *Record, payload []byte) []byte {
		b := r.Begin()
		dst = fmt.Appendf(dst, "BEGIN record\n\thdrtype = %d\n\tfeatures = %x\n\tmagic = %x\n\tcreation_time = %x\n\ttype = %d\n\tflags = 0x%x\n\ttoguid = %x\n\tfromguid = %x\n\ttoname = %s\n\tpayloadlen = %d\n",
			b.Kind(), uint64(b.Features()), b.magic(), b.CreationTime(), b.Objset(), b.Flags(), b.ToGUID(), b.FromGUID(), b.ToName(), len(payload))
		if len(payload) > 0 {
			if list, err := nvlist.Decode(payload); err == nil {
				dst = append(append(dst, '\n'), list.Dump()...)
			} else {
				dst = fmt.Appendf(dst, "\n%v\n", err)
			}
			return dst
		}
		return append(dst, '\n')
	},
	TypeObject: func(dst []byte, r *Record, _ []byte) []byte {
		o := r.Object()
		return fmt.Appendf(dst, "OBJECT object = %d type = %d bonustype = %d blksz = %d bonuslen = %d dn_slots = %d raw_bonuslen = %d flags = %d maxblkid = %d indblkshift = %d nlevels = %d nblkptr = %d\n",
			o.Object(), o.DMUType(), o.BonusType(), o.BlockSize(), o.BonusLen(), o.DnodeSlots(), o.RawBonusLen(), o.Flags(), o.MaxBlockID(), o.IndirectShift(), o.Levels(), o.BlockPointers())
	},
	TypeFreeObjects: func(dst []byte, r *Record, _ []byte) []byte {
		f := r.FreeObjects()
		return fmt.Appendf(dst, "FREEOBJECTS firstobj = %d numobjs = %d\n", f.First(), f.Count())
	},
	TypeWrite: func(dst []byte, r *Record, _ []byte) []byte {
		w := r.Write()
		return fmt.Appendf(dst, "WRITE object = %d type = %d checksum type = %d compression type = %d flags = %d offset = %d logical_size = %d compressed_size = %d payload_size = %d props = %x salt = %x iv = %x mac = %x\n",
			w.Object(), w.DMUType(), w.ChecksumType(), w.Compression(), w.Flags(), w.Offset(), w.LogicalSize(), w.CompressedSize(), w.payloadLen(), w.Prop(), w.Salt(), w.IV(), w.MAC())
	},
	TypeFree: func(dst []byte, r *Record, _ []byte) []byte {
		f := r.Free()
		return fmt.Appendf(dst, "FREE object = %d offset = %d length = %d\n", f.Object(), f.Offset(), int64(f.Length()))
	},
	TypeEnd: func(dst []byte, r *Record, _ []byte) []byte {
		return fmt.Appendf(dst, "END checksum = %v\n", r.End().StreamChecksum())
	},
	TypeWriteByref: func(dst []byte, r *Record, _ []byte) []byte {
		w := r.WriteByref()
		return fmt.Appendf(dst, "WRITE_BYREF object = %d checksum type = %d props = %x offset = %d length = %d toguid = %x refguid = %x refobject = %d refoffset = %d\n",
			w.Object(), w.ChecksumType(), w.Prop(), w.Offset(), w.Length(), w.ToGUID(), w.RefGUID(), w.RefObject(), w.RefOffset())
	},
	TypeSpill: func(dst []byte, r *Record, _ []byte) []byte {
		s := r.Spill()
		return fmt.Appendf(dst, "SPILL block for object = %d length = %d flags = %d compression type = %d compressed_size = %d payload_size = %d salt = %x iv = %x mac = %x\n",
			s.Object(), s.Length(), s.Flags(), s.Compression(), s.CompressedSize(), s.payloadLen(), s.Salt(), s.IV(), s.MAC())
	},
	TypeWriteEmbedded: func(dst []byte, r *Record, _ []byte) []byte {
		w := r.WriteEmbedded()
		return fmt.Appendf(dst, "WRITE_EMBEDDED object = %d offset = %d length = %d toguid = %x comp = %d etype = %d lsize = %d psize = %d\n",
			w.Object(), w.Offset(), w.Length(), w.ToGUID(), w.Compression(), w.EType(), w.LogicalSize(), w.PhysicalSize())
	},
	TypeObjectRange: func(dst []byte, r *Record, _ []byte) []byte {
		o := r.ObjectRange()
		return fmt.Appendf(dst, "OBJECT_RANGE firstobj = %d numslots = %d flags = %d salt = %x iv = %x mac = %x\n",
			o.First(), o.Slots(), o.Flags(), o.Salt(), o.IV(), o.MAC())
	},
	TypeRedact: func(dst []byte, r *Record, _ []byte) []byte {
		x := r.Redact()
		return fmt.Appendf(dst, "REDACT object = %d offset = %d length = %d\n", x.Object(), x.Offset(), x.Length())
	},
}

// Totals counts records and payloads by type.
type Totals [len(types)]struct {
	Records int64
	Bytes   int64 // of payload
}

// Add counts a record.
func (t *Totals) Add(r *Record) {
	if kind := r.Type(); kind.Known() {
		t[kind].Records++
		t[kind].Bytes += int64(r.PayloadLen())
	}
}

// Sum is the number of all records and the length of all payloads (bytes).
func (t *Totals) Sum() (records, bytes int64) {
	for _, row := range t {
		records += row.Records
		bytes += row.Bytes
	}
	return records, bytes
}

// Dump appends the totals as text, in the words of zstream dump, which has no lines for
// OBJECT_RANGE and REDACT.
func (t *Totals) Dump(dst []byte) []byte {
	dst = append(dst, "SUMMARY:\n"...)
	for _, kind := range []Type{TypeBegin, TypeEnd, TypeObject, TypeFreeObjects, TypeWrite, TypeWriteByref, TypeWriteEmbedded, TypeFree, TypeSpill} {
		dst = fmt.Appendf(dst, "\tTotal DRR_%v records = %d (%d bytes)\n", kind, t[kind].Records, t[kind].Bytes)
	}
	records, payload := t.Sum()
	header := records * RecordSize
	return fmt.Appendf(dst, "\tTotal records = %d\n\tTotal payload size = %d (0x%x)\n\tTotal header overhead = %d (0x%x)\n\tTotal stream length = %d (0x%x)\n",
		records, payload, payload, header, header, header+payload, header+payload)
}
