package dmu

import (
	"bytes"
	"fmt"
)

// Magic is the first field of every BEGIN; its bytes tell the order of a stream.
const Magic uint64 = 0x2F5bacbac

// A Begin starts a substream, or a package of them. Its payload is an nvlist, or nothing.
//
//	 0  type 0, payloadlen u32
//	 8  magic u64
//	16  versioninfo u64: bits 0-1 the kind of header, 2-57 features
//	24  creation_time u64: of the snapshot, in seconds since 1970
//	32  objset type u32, flags u32
//	40  toguid u64, fromguid u64
//	56  toname: 256 bytes, NUL behind the name
type Begin Record

// HeaderKind is what a BEGIN heads.
type HeaderKind uint8

// Kinds of headers.
const (
	Substream HeaderKind = 1
	Compound  HeaderKind = 2 // a package of substreams: send -R, -I, -p
)

// ObjsetType is what a dataset is.
type ObjsetType uint32

// The types of datasets that are sent.
const (
	ObjsetNone ObjsetType = 0 // of packages
	ObjsetZFS  ObjsetType = 2
	ObjsetZvol ObjsetType = 3
)

func (t ObjsetType) String() string {
	switch t {
	case ObjsetNone:
		return "none"
	case ObjsetZFS:
		return "file system"
	case ObjsetZvol:
		return "volume"
	}
	return fmt.Sprintf("objset type %d", uint32(t))
}

// objsetTypes is how many types of datasets there are, sent or not.
const objsetTypes = 6

// Flags of BEGIN.
const (
	BeginClone       uint32 = 1 << 0
	BeginCIData      uint32 = 1 << 1
	BeginFreeRecords uint32 = 1 << 2 // holes are sent as FREE, in a full stream too
	BeginSpillBlock  uint32 = 1 << 3
)

// maxName is the room for a snapshot's name (bytes), with the NUL.
const maxName = 256

// Record is b as a record.
func (b *Begin) Record() *Record { return (*Record)(b) }

// Kind is what b heads.
func (b *Begin) Kind() HeaderKind { return HeaderKind(b[16] & 3) }

// Features are the features that the stream makes use of.
func (b *Begin) Features() Features { return Features(le.Uint64(b[16:]) >> 2 & (1<<56 - 1)) }

// SetVersion sets Kind and Features.
func (b *Begin) SetVersion(k HeaderKind, f Features) { le.PutUint64(b[16:], uint64(k)|uint64(f)<<2) }

// CreationTime is when the snapshot was made (s since 1970).
func (b *Begin) CreationTime() uint64       { return le.Uint64(b[24:]) }
func (b *Begin) SetCreationTime(sec uint64) { le.PutUint64(b[24:], sec) }

// Objset is what the dataset is.
func (b *Begin) Objset() ObjsetType      { return ObjsetType(le.Uint32(b[32:])) }
func (b *Begin) SetObjset(t ObjsetType)  { le.PutUint32(b[32:], uint32(t)) }
func (b *Begin) Flags() uint32           { return le.Uint32(b[36:]) }
func (b *Begin) SetFlags(f uint32)       { le.PutUint32(b[36:], f) }
func (b *Begin) ToGUID() uint64          { return le.Uint64(b[40:]) }
func (b *Begin) SetToGUID(guid uint64)   { le.PutUint64(b[40:], guid) }
func (b *Begin) magic() uint64           { return le.Uint64(b[8:]) }
func (b *Begin) SetPayloadLen(n uint32)  { le.PutUint32(b[atPayloadLen:], n) }
func (b *Begin) unterminated() bool      { return bytes.IndexByte(b[56:], 0) < 0 }
func (b *Begin) SetFromGUID(guid uint64) { le.PutUint64(b[48:], guid) }

// FromGUID is the GUID of the snapshot that the stream goes on from, 0 in a full stream.
func (b *Begin) FromGUID() uint64 { return le.Uint64(b[48:]) }

// ToName is the snapshot's name, dataset@snapshot.
func (b *Begin) ToName() string {
	name, _, _ := bytes.Cut(b[56:], []byte{0})
	return string(name)
}

// SetToName sets what ToName returns. Names that do not fit are refused.
func (b *Begin) SetToName(name string) error {
	if len(name) >= maxName {
		return fmt.Errorf("the name %.20s... has %d bytes, a stream has room for %d", name, len(name), maxName-1)
	}
	clear(b[56:])
	copy(b[56:], name)
	return nil
}

// NewBegin makes the BEGIN of a substream, with its magic.
func NewBegin() *Begin {
	b := NewRecord(TypeBegin).Begin()
	le.PutUint64(b[8:], Magic)
	b.SetVersion(Substream, 0)
	return b
}
