package dmu

// DMU types of objects that the rules of this package know (dmu_object_type).
const (
	ObjectFile     uint32 = 19 // what is in a file
	ObjectZvol     uint32 = 23 // the data of a volume, object 1
	ObjectZvolProp uint32 = 24 // the properties of a volume, object 2: a ZAP
)

// The objects of a volume.
const (
	ZvolData  uint64 = 1
	ZvolProps uint64 = 2
)

// Flags of OBJECT, OBJECT_RANGE, WRITE, WRITE_BYREF and SPILL.
const (
	FlagDedup     uint8 = 1 << 0 // the checksum is good enough for dedup
	FlagByteSwap  uint8 = 1 << 1 // raw: the payload is in the other byte order
	FlagHasSpill  uint8 = 1 << 2 // OBJECT: it has a spill block
	FlagUnchanged uint8 = 1 << 2 // SPILL: it is as it was
)

// An Object says what an object is, before its blocks. Its payload is its bonus.
//
//	 8  object u64
//	16  type u32, bonustype u32, blksz u32, bonuslen u32
//	32  checksumtype u8, compress u8, dn_slots u8, flags u8
//	36  raw_bonuslen u32
//	40  toguid u64
//	48  indblkshift u8, nlevels u8, nblkptr u8, pad [5]
//	56  maxblkid u64
//
// raw_bonuslen and what is from 48 on are for raw streams alone.
type Object Record

func (o *Object) Record() *Record { return (*Record)(o) }

func (o *Object) Object() uint64        { return le.Uint64(o[8:]) }
func (o *Object) SetObject(n uint64)    { le.PutUint64(o[8:], n) }
func (o *Object) DMUType() uint32       { return le.Uint32(o[16:]) }
func (o *Object) SetDMUType(t uint32)   { le.PutUint32(o[16:], t) }
func (o *Object) BonusType() uint32     { return le.Uint32(o[20:]) }
func (o *Object) SetBonusType(t uint32) { le.PutUint32(o[20:], t) }

// BlockSize is the length of the object's blocks (bytes).
func (o *Object) BlockSize() uint32     { return le.Uint32(o[24:]) }
func (o *Object) SetBlockSize(n uint32) { le.PutUint32(o[24:], n) }

// BonusLen is the length of the bonus, whose payload is rounded up to 8 (bytes).
func (o *Object) BonusLen() uint32     { return le.Uint32(o[28:]) }
func (o *Object) SetBonusLen(n uint32) { le.PutUint32(o[28:], n) }

// ChecksumType and Compression are what the object has instead of its dataset's, 0 being none.
func (o *Object) ChecksumType() uint8          { return o[32] }
func (o *Object) SetChecksumType(t uint8)      { o[32] = t }
func (o *Object) Compression() Compression     { return Compression(o[33]) }
func (o *Object) SetCompression(c Compression) { o[33] = uint8(c) }

// DnodeSlots is how many slots of 512 bytes the object's dnode takes; 0 means 1.
func (o *Object) DnodeSlots() uint8     { return o[34] }
func (o *Object) SetDnodeSlots(n uint8) { o[34] = n }
func (o *Object) Flags() uint8          { return o[35] }
func (o *Object) SetFlags(f uint8)      { o[35] = f }
func (o *Object) RawBonusLen() uint32   { return le.Uint32(o[36:]) }
func (o *Object) ToGUID() uint64        { return le.Uint64(o[40:]) }
func (o *Object) IndirectShift() uint8  { return o[48] }
func (o *Object) Levels() uint8         { return o[49] }
func (o *Object) BlockPointers() uint8  { return o[50] }
func (o *Object) MaxBlockID() uint64    { return le.Uint64(o[56:]) }

func (o *Object) payloadLen() uint64 {
	if n := o.RawBonusLen(); n != 0 {
		return uint64(n)
	}
	return roundUp8(uint64(o.BonusLen()))
}

// A FreeObjects says that objects are not there.
//
//	8  firstobj u64, numobjs u64, toguid u64
type FreeObjects Record

func (f *FreeObjects) Record() *Record   { return (*Record)(f) }
func (f *FreeObjects) First() uint64     { return le.Uint64(f[8:]) }
func (f *FreeObjects) SetFirst(n uint64) { le.PutUint64(f[8:], n) }
func (f *FreeObjects) Count() uint64     { return le.Uint64(f[16:]) }
func (f *FreeObjects) SetCount(n uint64) { le.PutUint64(f[16:], n) }

// An ObjectRange goes before each group of 32 dnodes of a raw stream: what their block of the
// metadnode is encrypted with.
//
//	 8  firstobj u64, numslots u64, toguid u64
//	32  salt [8], iv [12], mac [16], flags u8
type ObjectRange Record

func (o *ObjectRange) Record() *Record { return (*Record)(o) }
func (o *ObjectRange) First() uint64   { return le.Uint64(o[8:]) }
func (o *ObjectRange) Slots() uint64   { return le.Uint64(o[16:]) }
func (o *ObjectRange) Salt() []byte    { return o[32:40] }
func (o *ObjectRange) IV() []byte      { return o[40:52] }
func (o *ObjectRange) MAC() []byte     { return o[52:68] }
func (o *ObjectRange) Flags() uint8    { return o[68] }

// A Spill is the spill block of an object, with the attributes that its bonus had no room for.
//
//	 8  object u64, length u64, toguid u64
//	32  flags u8, compressiontype u8, pad [6]
//	40  compressed_size u64
//	48  salt [8], iv [12], mac [16]
//	84  type u32
type Spill Record

func (s *Spill) Record() *Record          { return (*Record)(s) }
func (s *Spill) Object() uint64           { return le.Uint64(s[8:]) }
func (s *Spill) SetObject(n uint64)       { le.PutUint64(s[8:], n) }
func (s *Spill) Length() uint64           { return le.Uint64(s[16:]) }
func (s *Spill) SetLength(n uint64)       { le.PutUint64(s[16:], n) }
func (s *Spill) Flags() uint8             { return s[32] }
func (s *Spill) Compression() Compression { return Compression(s[33]) }
func (s *Spill) CompressedSize() uint64   { return le.Uint64(s[40:]) }
func (s *Spill) Salt() []byte             { return s[48:56] }
func (s *Spill) IV() []byte               { return s[56:68] }
func (s *Spill) MAC() []byte              { return s[68:84] }
func (s *Spill) DMUType() uint32          { return le.Uint32(s[84:]) }

func (s *Spill) payloadLen() uint64 {
	if n := s.CompressedSize(); n != 0 {
		return n
	}
	return s.Length()
}
