package dmu

import (
	"encoding/binary"
	"fmt"
)

// RecordSize is the length of every record, without its payload (bytes).
const RecordSize = 312

// A Record is one record of a stream in little-endian order, whatever the order of the stream:
// a Reader turns records round, and a Writer back. Begin, Object, Write and the other types
// named after records are views of the same bytes; a Record's methods of those names change the
// view and copy nothing. They do not look whether the type is right: Type says.
type Record [RecordSize]byte

// Where every type has the same.
const (
	atType       = 0
	atPayloadLen = 4
	atUnion      = 8
	atChecksum   = 280 // but BEGIN
)

var le = binary.LittleEndian

// A Type is what a record is.
type Type uint32

// Types of records.
const (
	TypeBegin         Type = 0
	TypeObject        Type = 1
	TypeFreeObjects   Type = 2
	TypeWrite         Type = 3
	TypeFree          Type = 4
	TypeEnd           Type = 5
	TypeWriteByref    Type = 6
	TypeSpill         Type = 7
	TypeWriteEmbedded Type = 8
	TypeObjectRange   Type = 9
	TypeRedact        Type = 10
)

// types has a row for each type of record: its name, where its toguid is (0: it has none), the
// shape of bytes 8 and on, and the length of the payload that follows it. In a shape Q is a
// field of 8 bytes, L one of 4, and a number so many single bytes; what a shape does not reach
// is padding, and the record checksum at 280 is not a part of it.
var types = [...]struct {
	name    string
	toguid  int
	shape   string
	payload func(*Record) uint64
}{
	TypeBegin:         {"BEGIN", 40, "QQQLLQQ", func(r *Record) uint64 { return uint64(le.Uint32(r[atPayloadLen:])) }},
	TypeObject:        {"OBJECT", 40, "QLLLL4LQ8Q", func(r *Record) uint64 { return r.Object().payloadLen() }},
	TypeFreeObjects:   {"FREEOBJECTS", 24, "QQQ", nothing},
	TypeWrite:         {"WRITE", 40, "QLLQQQ8QQQQQQ", func(r *Record) uint64 { return r.Write().payloadLen() }},
	TypeFree:          {"FREE", 32, "QQQQ", nothing},
	TypeEnd:           {"END", 40, "QQQQQ", nothing},
	TypeWriteByref:    {"WRITE_BYREF", 32, "QQQQQQQ8QQQQQ", nothing},
	TypeSpill:         {"SPILL", 24, "QQQ8Q36L", func(r *Record) uint64 { return r.Spill().payloadLen() }},
	TypeWriteEmbedded: {"WRITE_EMBEDDED", 32, "QQQQ8LL", func(r *Record) uint64 { return roundUp8(uint64(r.WriteEmbedded().PhysicalSize())) }},
	TypeObjectRange:   {"OBJECT_RANGE", 24, "QQQ", nothing},
	TypeRedact:        {"REDACT", 32, "QQQQ", nothing},
}

func nothing(*Record) uint64 { return 0 }

func roundUp8(n uint64) uint64 { return (n + 7) &^ 7 }

// Known says whether t is one of the types above.
func (t Type) Known() bool { return t < Type(len(types)) }

func (t Type) String() string {
	if !t.Known() {
		return fmt.Sprintf("record type %d", uint32(t))
	}
	return types[t].name
}

// NewRecord makes an empty record of type t.
func NewRecord(t Type) *Record {
	r := new(Record)
	r.Reset(t)
	return r
}

// Reset makes r an empty record of type t.
func (r *Record) Reset(t Type) {
	*r = Record{}
	le.PutUint32(r[atType:], uint32(t))
}

// Type is what the record is.
func (r *Record) Type() Type { return Type(le.Uint32(r[atType:])) }

// PayloadLen is how many bytes follow the record (bytes).
func (r *Record) PayloadLen() uint64 {
	if t := r.Type(); t.Known() {
		return types[t].payload(r)
	}
	return 0
}

// ToGUID is the GUID of the snapshot that the record belongs to, which every record names.
func (r *Record) ToGUID() uint64 {
	if t := r.Type(); t.Known() {
		return le.Uint64(r[types[t].toguid:])
	}
	return 0
}

// SetToGUID sets what ToGUID returns. The type must be known.
func (r *Record) SetToGUID(guid uint64) { le.PutUint64(r[types[r.Type()].toguid:], guid) }

// Checksum is the record checksum: the state of the substream's Fletcher-4 after everything
// before the field. BEGIN has none.
func (r *Record) Checksum() Fletcher4 { return sumAt(r[atChecksum:]) }

// SetChecksum sets what Checksum returns. A Writer does it by itself.
func (r *Record) SetChecksum(sum Fletcher4) { putSum(r[atChecksum:], sum) }

// Views of the record by its type.
func (r *Record) Begin() *Begin                 { return (*Begin)(r) }
func (r *Record) Object() *Object               { return (*Object)(r) }
func (r *Record) FreeObjects() *FreeObjects     { return (*FreeObjects)(r) }
func (r *Record) Write() *Write                 { return (*Write)(r) }
func (r *Record) Free() *Free                   { return (*Free)(r) }
func (r *Record) End() *End                     { return (*End)(r) }
func (r *Record) WriteByref() *WriteByref       { return (*WriteByref)(r) }
func (r *Record) Spill() *Spill                 { return (*Spill)(r) }
func (r *Record) WriteEmbedded() *WriteEmbedded { return (*WriteEmbedded)(r) }
func (r *Record) ObjectRange() *ObjectRange     { return (*ObjectRange)(r) }
func (r *Record) Redact() *Redact               { return (*Redact)(r) }

// turnRound swaps the bytes of every field of r, a record of type t.
func (r *Record) turnRound(t Type) {
	swap4(r[atType:])
	swap4(r[atPayloadLen:])
	at, run := atUnion, 0
	for _, c := range types[t].shape {
		if c >= '0' && c <= '9' {
			run = run*10 + int(c-'0')
			continue
		}
		at, run = at+run, 0
		switch c {
		case 'Q':
			swap8(r[at:])
			at += 8
		case 'L':
			swap4(r[at:])
			at += 4
		}
	}
	if t != TypeBegin {
		for i := 0; i < 4; i++ {
			swap8(r[atChecksum+8*i:])
		}
	}
}

func swap4(p []byte) { binary.BigEndian.PutUint32(p, le.Uint32(p)) }
func swap8(p []byte) { binary.BigEndian.PutUint64(p, le.Uint64(p)) }
