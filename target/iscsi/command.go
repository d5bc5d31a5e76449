package iscsi

import (
	"encoding/binary"

	"github.com/lunarsan/lunar/scsi"
)

// SCSICommand is a SCSI Command (RFC 7143 §11.3).
//
//	 1  F R W .. ATTR(3)
//	20  Expected Data Transfer Length(4)
//	32  CDB(16); the rest of a longer one is in an additional header segment
type SCSICommand BHS

// SCSICommand views b as a SCSI Command.
func (b *BHS) SCSICommand() *SCSICommand { return (*SCSICommand)(b) }

// Attribute is a task attribute on the wire (RFC 7143 §11.3.1).
type Attribute uint8

const (
	Untagged    Attribute = 0
	Simple      Attribute = 1
	Ordered     Attribute = 2
	HeadOfQueue Attribute = 3
	ACA         Attribute = 4
)

var attributeNames = []string{"untagged", "simple", "ordered", "head of queue", "ACA"}

func (a Attribute) String() string { return named(attributeNames, uint8(a), "attribute") }

// SCSI returns what the device server calls a; ok is false for reserved values. An untagged
// task is a simple one (SAM-5).
func (a Attribute) SCSI() (attr scsi.Attribute, ok bool) {
	switch a {
	case Untagged, Simple:
		return scsi.Simple, true
	case Ordered:
		return scsi.Ordered, true
	case HeadOfQueue:
		return scsi.HeadOfQueue, true
	case ACA:
		return scsi.ACA, true
	}
	return scsi.Simple, false
}

func (c *SCSICommand) Read() bool           { return c[1]&0x40 != 0 }
func (c *SCSICommand) Write() bool          { return c[1]&0x20 != 0 }
func (c *SCSICommand) Attribute() Attribute { return Attribute(c[1] & 0x07) }

// Expected returns the Expected Data Transfer Length, in bytes. It is the initiator's word:
// nothing may be allocated by it alone.
func (c *SCSICommand) Expected() uint32 { return (*BHS)(c).u32(20) }

// CDB returns the first 16 bytes of the CDB, in place.
func (c *SCSICommand) CDB() *[16]byte { return (*[16]byte)(c[32:48]) }

func (c *SCSICommand) SetRead()                 { c[1] |= 0x40 }
func (c *SCSICommand) SetWrite()                { c[1] |= 0x20 }
func (c *SCSICommand) SetAttribute(a Attribute) { c[1] = c[1]&^0x07 | byte(a)&0x07 }
func (c *SCSICommand) SetExpected(n uint32)     { (*BHS)(c).put32(20, n) }

// SCSIResponse is a SCSI Response (RFC 7143 §11.4). Its data segment holds SenseLength(2)
// and sense data, or nothing.
//
//	 1  1 .. o u O U .
//	 2  Response
//	 3  Status
//	20  SNACK Tag(4)
//	36  ExpDataSN(4)
//	40  Bidirectional Read Residual Count(4)
//	44  Residual Count(4)
type SCSIResponse BHS

// SCSIResponse views b as a SCSI Response.
func (b *BHS) SCSIResponse() *SCSIResponse { return (*SCSIResponse)(b) }

// iSCSI service responses (RFC 7143 §11.4.3).
const (
	CommandCompleted uint8 = 0x00 // at the target; Status is valid
	TargetFailure    uint8 = 0x01
)

func (r *SCSIResponse) Response() uint8         { return r[2] }
func (r *SCSIResponse) SetResponse(c uint8)     { r[2] = c }
func (r *SCSIResponse) Status() scsi.Status     { return scsi.Status(r[3]) }
func (r *SCSIResponse) SetStatus(s scsi.Status) { r[3] = byte(s) }
func (r *SCSIResponse) ExpDataSN() SN           { return SN((*BHS)(r).u32(36)) }
func (r *SCSIResponse) SetExpDataSN(n SN)       { (*BHS)(r).put32(36, uint32(n)) }

// SetResidual says by how many bytes the transfer missed the Expected Data Transfer Length:
// over for what did not fit (O), under for what was not moved (U), 0 and 0 for an exact one.
func (r *SCSIResponse) SetResidual(over, under uint32) { setResidual((*BHS)(r), over, under) }

// Residual returns what SetResidual set.
func (r *SCSIResponse) Residual() (over, under uint32) { return residual((*BHS)(r)) }

const (
	overflowBit  = 0x04 // O, byte 1 of SCSI Response and Data-In
	underflowBit = 0x02 // U
)

func setResidual(b *BHS, over, under uint32) {
	b.setFlag(1, overflowBit, over > 0)
	b.setFlag(1, underflowBit, over == 0 && under > 0)
	if over == 0 {
		over = under
	}
	b.put32(44, over)
}

func residual(b *BHS) (over, under uint32) {
	switch {
	case b[1]&overflowBit != 0:
		return b.u32(44), 0
	case b[1]&underflowBit != 0:
		return 0, b.u32(44)
	}
	return 0, 0
}

// AppendSense appends the data segment that carries sense data to p: a length of two bytes,
// then the data. No sense data makes no data segment.
func AppendSense(p, sense []byte) []byte {
	if len(sense) == 0 {
		return p
	}
	p = binary.BigEndian.AppendUint16(p, uint16(len(sense)))
	return append(p, sense...)
}
