package dmu

// ToEnd is the length of a FREE that goes to the end of the object.
const ToEnd = ^uint64(0)

// A Write is a block of an object. Its payload is the block, compressed where Compression says.
//
//	  8  object u64
//	 16  type u32, pad u32
//	 24  offset u64, logical_size u64, toguid u64
//	 48  checksumtype u8, flags u8, compressiontype u8, pad [5]
//	 56  key: checksum 4 x u64, prop u64
//	 96  compressed_size u64
//	104  salt [8], iv [12], mac [16]: of raw streams
type Write Record

func (w *Write) Record() *Record     { return (*Record)(w) }
func (w *Write) Object() uint64      { return le.Uint64(w[8:]) }
func (w *Write) SetObject(n uint64)  { le.PutUint64(w[8:], n) }
func (w *Write) DMUType() uint32     { return le.Uint32(w[16:]) }
func (w *Write) SetDMUType(t uint32) { le.PutUint32(w[16:], t) }

// Offset is where the block is in its object (bytes).
func (w *Write) Offset() uint64     { return le.Uint64(w[24:]) }
func (w *Write) SetOffset(n uint64) { le.PutUint64(w[24:], n) }

// LogicalSize is the length of the block without compression (bytes).
func (w *Write) LogicalSize() uint64          { return le.Uint64(w[32:]) }
func (w *Write) SetLogicalSize(n uint64)      { le.PutUint64(w[32:], n) }
func (w *Write) ToGUID() uint64               { return le.Uint64(w[40:]) }
func (w *Write) ChecksumType() uint8          { return w[48] }
func (w *Write) SetChecksumType(t uint8)      { w[48] = t }
func (w *Write) Flags() uint8                 { return w[49] }
func (w *Write) SetFlags(f uint8)             { w[49] = f }
func (w *Write) Compression() Compression     { return Compression(w[50]) }
func (w *Write) SetCompression(c Compression) { w[50] = uint8(c) }

// Key is the block's checksum in its pool, for dedup; Prop are its properties there. Receivers
// do without them.
func (w *Write) Key() Fletcher4 { return sumAt(w[56:]) }
func (w *Write) Prop() uint64   { return le.Uint64(w[88:]) }
func (w *Write) ClearKey()      { clear(w[56:96]) }

// CompressedSize is the length of the payload where Compression is not 0 (bytes).
func (w *Write) CompressedSize() uint64     { return le.Uint64(w[96:]) }
func (w *Write) SetCompressedSize(n uint64) { le.PutUint64(w[96:], n) }
func (w *Write) Salt() []byte               { return w[104:112] }
func (w *Write) IV() []byte                 { return w[112:124] }
func (w *Write) MAC() []byte                { return w[124:140] }

func (w *Write) payloadLen() uint64 {
	if w.Compression() != 0 {
		return w.CompressedSize()
	}
	return w.LogicalSize()
}

// A WriteEmbedded is a small block whose compressed bytes fit in a block pointer. Its payload is
// those bytes, padded to 8.
//
//	 8  object u64, offset u64, length u64, toguid u64
//	40  compression u8, etype u8, pad [6]
//	48  lsize u32, psize u32
type WriteEmbedded Record

// MaxEmbedded is how much a block pointer has room for (bytes).
const MaxEmbedded = 112

func (w *WriteEmbedded) Record() *Record    { return (*Record)(w) }
func (w *WriteEmbedded) Object() uint64     { return le.Uint64(w[8:]) }
func (w *WriteEmbedded) SetObject(n uint64) { le.PutUint64(w[8:], n) }
func (w *WriteEmbedded) Offset() uint64     { return le.Uint64(w[16:]) }
func (w *WriteEmbedded) SetOffset(n uint64) { le.PutUint64(w[16:], n) }

// Length is the length of the block (bytes): LogicalSize, and zeros behind.
func (w *WriteEmbedded) Length() uint64               { return le.Uint64(w[24:]) }
func (w *WriteEmbedded) SetLength(n uint64)           { le.PutUint64(w[24:], n) }
func (w *WriteEmbedded) ToGUID() uint64               { return le.Uint64(w[32:]) }
func (w *WriteEmbedded) Compression() Compression     { return Compression(w[40]) }
func (w *WriteEmbedded) SetCompression(c Compression) { w[40] = uint8(c) }

// EType is what is embedded: 0 is data.
func (w *WriteEmbedded) EType() uint8 { return w[41] }

// LogicalSize is what the payload decompresses to, PhysicalSize its length without the padding
// (bytes).
func (w *WriteEmbedded) LogicalSize() uint32      { return le.Uint32(w[48:]) }
func (w *WriteEmbedded) SetLogicalSize(n uint32)  { le.PutUint32(w[48:], n) }
func (w *WriteEmbedded) PhysicalSize() uint32     { return le.Uint32(w[52:]) }
func (w *WriteEmbedded) SetPhysicalSize(n uint32) { le.PutUint32(w[52:], n) }

// A WriteByref is a block that is the same as one of an earlier stream (send -D, which no
// release since 2.0 makes or takes).
//
//	 8  object u64, offset u64, length u64, toguid u64
//	40  refguid u64, refobject u64, refoffset u64
//	64  checksumtype u8, flags u8, pad [6]
//	72  key: checksum 4 x u64, prop u64
type WriteByref Record

func (w *WriteByref) Record() *Record     { return (*Record)(w) }
func (w *WriteByref) Object() uint64      { return le.Uint64(w[8:]) }
func (w *WriteByref) Offset() uint64      { return le.Uint64(w[16:]) }
func (w *WriteByref) Length() uint64      { return le.Uint64(w[24:]) }
func (w *WriteByref) ToGUID() uint64      { return le.Uint64(w[32:]) }
func (w *WriteByref) RefGUID() uint64     { return le.Uint64(w[40:]) }
func (w *WriteByref) RefObject() uint64   { return le.Uint64(w[48:]) }
func (w *WriteByref) RefOffset() uint64   { return le.Uint64(w[56:]) }
func (w *WriteByref) ChecksumType() uint8 { return w[64] }
func (w *WriteByref) Flags() uint8        { return w[65] }
func (w *WriteByref) Prop() uint64        { return le.Uint64(w[104:]) }

// A Free is a hole. Length is ToEnd where everything behind Offset goes.
//
//	8  object u64, offset u64, length u64, toguid u64
type Free Record

func (f *Free) Record() *Record    { return (*Record)(f) }
func (f *Free) Object() uint64     { return le.Uint64(f[8:]) }
func (f *Free) SetObject(n uint64) { le.PutUint64(f[8:], n) }
func (f *Free) Offset() uint64     { return le.Uint64(f[16:]) }
func (f *Free) SetOffset(n uint64) { le.PutUint64(f[16:], n) }
func (f *Free) Length() uint64     { return le.Uint64(f[24:]) }
func (f *Free) SetLength(n uint64) { le.PutUint64(f[24:], n) }

// A Redact is a range that is left out on purpose. It looks like Free.
type Redact Record

func (r *Redact) Record() *Record { return (*Record)(r) }
func (r *Redact) Object() uint64  { return le.Uint64(r[8:]) }
func (r *Redact) Offset() uint64  { return le.Uint64(r[16:]) }
func (r *Redact) Length() uint64  { return le.Uint64(r[24:]) }

// An End ends a substream or a package's header. One of nothing but zeros ends a package.
//
//	 8  checksum 4 x u64: the state of Fletcher-4 before this record
//	40  toguid u64
type End Record

func (e *End) Record() *Record           { return (*Record)(e) }
func (e *End) ToGUID() uint64            { return le.Uint64(e[40:]) }
func (e *End) StreamChecksum() Fletcher4 { return sumAt(e[8:]) }

// endsPackage says whether e is all zeros but for its type.
func (e *End) endsPackage() bool { return *e == End{atType: byte(TypeEnd)} }
