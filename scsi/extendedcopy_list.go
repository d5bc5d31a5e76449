package scsi

import (
	"encoding/binary"

	"github.com/lunarsan/lunar/sbd"
)

// A copyList is the parameter list of EXTENDED COPY(LID1) (SPC-5):
//
//	0      LIST IDENTIFIER
//	1      STR, LIST ID USAGE (bits 4, 3), PRIORITY
//	2, 3   CSCD DESCRIPTOR LIST LENGTH
//	8..11  SEGMENT DESCRIPTOR LIST LENGTH
//	12..15 INLINE DATA LENGTH
//	16..   CSCD descriptors, then segment descriptors
type copyList struct {
	id       byte
	unnamed  bool // no list identifier: nobody will ask about the copy
	cscds    []*cscd
	segments []copySegment
}

const (
	copyHeaderLen = 16
	listIDUsage   = 0x18
	usageReserved = 0x08
	usageNone     = 0x18
)

// key is what RECEIVE COPY STATUS asks for; nil: nothing.
func (l *copyList) key() *listKey {
	if l.unnamed {
		return nil
	}
	return &listKey{lid1, uint32(l.id)}
}

// parseCopyList checks a parameter list and returns it. No data at all, and a list without
// segments, ask for nothing: nil.
func parseCopyList(p []byte) (*copyList, error) {
	if len(p) == 0 {
		return nil, nil
	}
	if len(p) < copyHeaderLen {
		return nil, ParameterListLength
	}
	l := &copyList{id: p[0], unnamed: p[1]&listIDUsage == usageNone}
	cscds := int64(binary.BigEndian.Uint16(p[2:]))
	segments := int64(binary.BigEndian.Uint32(p[8:]))
	inline := binary.BigEndian.Uint32(p[12:])
	descriptors := p[copyHeaderLen:]
	switch {
	case p[1]&listIDUsage == usageReserved:
		return nil, InvalidFieldInParameters.AtBit(1, 4)
	case l.unnamed && l.id != 0:
		return nil, InvalidFieldInParameters.At(0)
	case cscds+segments > maxCopyList:
		return nil, ParameterListLength
	case inline > 0:
		return nil, InlineDataTooLong.At(12)
	case cscds+segments > int64(len(descriptors)):
		return nil, ParameterListLength
	case cscds%cscdLen != 0:
		return nil, InvalidFieldInParameters.At(2)
	case cscds > maxCSCDs*cscdLen:
		return nil, TooManyCSCDs.At(2)
	}
	for i := int64(0); i < cscds; i += cscdLen {
		d := (*cscd)(descriptors[i : i+cscdLen])
		if d[0] != identificationCSCD {
			return nil, UnsupportedCSCD.At(int(copyHeaderLen + i))
		}
		l.cscds = append(l.cscds, d)
	}
	for rest := descriptors[cscds : cscds+segments]; len(rest) > 0; rest = rest[len(l.segments[len(l.segments)-1]):] {
		at := len(p) - len(descriptors) + int(cscds+segments) - len(rest)
		if len(l.segments) == maxSegments {
			return nil, TooManySegments.At(8)
		}
		s, err := parseCopySegment(rest, at)
		if err != nil {
			return nil, err
		}
		l.segments = append(l.segments, s)
	}
	if len(l.segments) == 0 {
		return nil, nil
	}
	return l, nil
}

// A cscd is an Identification Descriptor CSCD descriptor (SPC-5), which names a unit by a
// designator of its Device Identification VPD page:
//
//	0      type code E4h
//	1      peripheral device type
//	4..7   code set, association and designator type, DESIGNATOR LENGTH, as in the page
//	8..27  DESIGNATOR
//	29..31 DISK BLOCK LENGTH; 0: the unit's
type cscd [cscdLen]byte

const (
	cscdLen            = 32
	cscdBlockLength    = 29
	identificationCSCD = 0xE4

	// thisUnit is the CSCD descriptor ID of the unit that has received the command.
	thisUnit = 0xFFFF
)

func (d *cscd) deviceType() byte    { return d[1] & 0x1F }
func (d *cscd) blockLength() uint32 { return binary.BigEndian.Uint32(d[28:]) & 0xFFFFFF }

// naa returns the NAA identifier, 16 bytes, by which d names a unit. ok: it does.
func (d *cscd) naa() (guid sbd.GUID, ok bool) {
	const code, associationAndType = 0x0F, 0x3F
	ok = d[4]&code == binarySet && d[5]&associationAndType == ofUnit|typeNAA && int(d[7]) == len(guid)
	copy(guid[:], d[8:])
	return guid, ok
}

// A copySegment is a segment descriptor that copies from blocks to blocks (SPC-5), of type 02h
// or, with offsets in bytes and a longer count, of type 0Ah:
//
//	0      type code
//	1      DC (bit 1): the count is in the destination's blocks; CAT (bit 0)
//	2, 3   DESCRIPTOR LENGTH: of what follows
//	4, 5   SOURCE CSCD DESCRIPTOR ID
//	6, 7   DESTINATION CSCD DESCRIPTOR ID
//	10, 11 BLOCK DEVICE NUMBER OF BLOCKS           (0Ah: 8..11, NUMBER OF BYTES)
//	12..19 SOURCE BLOCK DEVICE LOGICAL BLOCK ADDRESS
//	20..27 DESTINATION BLOCK DEVICE LOGICAL BLOCK ADDRESS
//	28, 29                                         (0Ah: SOURCE BLOCK DEVICE BYTE OFFSET)
//	30, 31                                         (0Ah: DESTINATION BLOCK DEVICE BYTE OFFSET)
type copySegment []byte

const (
	blockSegment     = 0x02
	blockSegmentLen  = 28
	offsetSegment    = 0x0A
	offsetSegmentLen = 32

	segmentSource         = 4
	segmentDestination    = 6
	segmentCount          = 8
	segmentSourceLBA      = 12
	segmentDestinationLBA = 20
)

// parseCopySegment takes the first segment off p, which is at a byte of the parameter list.
func parseCopySegment(p []byte, at int) (copySegment, error) {
	want := blockSegmentLen
	switch p[0] {
	case blockSegment:
	case offsetSegment:
		want = offsetSegmentLen
	default:
		return nil, UnsupportedSegment.At(at)
	}
	switch {
	case len(p) < want:
		return nil, ParameterListLength
	case int(binary.BigEndian.Uint16(p[2:])) != want-4:
		return nil, InvalidFieldInParameters.At(at + 2)
	}
	return copySegment(p[:want]), nil
}

func (s copySegment) source() uint16      { return binary.BigEndian.Uint16(s[segmentSource:]) }
func (s copySegment) destination() uint16 { return binary.BigEndian.Uint16(s[segmentDestination:]) }
func (s copySegment) sourceLBA() uint64   { return binary.BigEndian.Uint64(s[segmentSourceLBA:]) }
func (s copySegment) destinationLBA() uint64 {
	return binary.BigEndian.Uint64(s[segmentDestinationLBA:])
}

// exact reports whether s counts bytes: then it need not end with a block.
func (s copySegment) exact() bool { return s[0] == offsetSegment }

// bytes returns how many bytes s copies between units with blocks of these lengths.
func (s copySegment) bytes(from, into int64) int64 {
	const inDestination = 0x02 // DC
	switch {
	case s.exact():
		return int64(binary.BigEndian.Uint32(s[8:]))
	case s[1]&inDestination != 0:
		from = into
	}
	return int64(binary.BigEndian.Uint16(s[10:])) * from
}

func (s copySegment) sourceByte() int64      { return s.byteAt(28) }
func (s copySegment) destinationByte() int64 { return s.byteAt(30) }

func (s copySegment) byteAt(field int) int64 {
	if !s.exact() {
		return 0
	}
	return int64(binary.BigEndian.Uint16(s[field:]))
}
