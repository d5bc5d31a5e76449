package iscsi

import (
	"encoding/binary"

	"github.com/lunarsan/lunar/scsi"
)

// BHS is a basic header segment (RFC 7143 §11.2.1). The accessors here read the fields that
// stand at one place in every PDU that has them; the rest belongs to a view per PDU, such as
// SCSICommand, which is the same 48 bytes under another type.
//
//	 0  .I opcode(6)
//	 1  F, flags of the opcode
//	 2  of the opcode
//	 4  TotalAHSLength, in words of four bytes
//	 5  DataSegmentLength(3), in bytes, without padding
//	 8  LUN(8), or of the opcode
//	16  Initiator Task Tag(4)
//	20  Target Transfer Tag(4), or of the opcode
//	24  CmdSN(4) from an initiator, StatSN(4) from a target
//	28  ExpStatSN(4) from an initiator, ExpCmdSN(4) from a target
//	32  MaxCmdSN(4) from a target, or of the opcode
//	36  of the opcode
type BHS [48]byte

// NoTag is the reserved value of Initiator Task Tags and Target Transfer Tags.
const NoTag uint32 = 0xffffffff

const (
	immediateBit = 0x40 // byte 0
	opcodeMask   = 0x3f // byte 0
	finalBit     = 0x80 // byte 1
	continueBit  = 0x40 // byte 1 of Login and Text: the text goes on in the next PDU
)

// Start clears b and begins a PDU of opcode op. The F bit is set where the opcode fixes it
// at one.
func (b *BHS) Start(op Opcode) {
	*b = BHS{0: byte(op & opcodeMask)}
	if opcodes[op&opcodeMask].final {
		b[1] = finalBit
	}
}

func (b *BHS) Opcode() Opcode  { return Opcode(b[0] & opcodeMask) }
func (b *BHS) Immediate() bool { return b[0]&immediateBit != 0 }
func (b *BHS) Final() bool     { return b[1]&finalBit != 0 }

func (b *BHS) SetImmediate()    { b[0] |= immediateBit }
func (b *BHS) SetFinal(on bool) { b.setFlag(1, finalBit, on) }

// TotalAHSLen returns the length of all additional header segments, in bytes: at most 1020.
func (b *BHS) TotalAHSLen() int { return int(b[4]) * 4 }

// DataSegmentLen returns the length of the data segment, in bytes, without its padding.
func (b *BHS) DataSegmentLen() int { return int(b[5])<<16 | int(b[6])<<8 | int(b[7]) }

// SetDataSegmentLen sets the length of the data segment, 0 to 2^24-1 bytes. It leaves byte
// 4, TotalAHSLength, alone.
func (b *BHS) SetDataSegmentLen(n int) { b[5], b[6], b[7] = byte(n>>16), byte(n>>8), byte(n) }

func (b *BHS) LUN() scsi.LUN     { return scsi.LUN(binary.BigEndian.Uint64(b[8:])) }
func (b *BHS) SetLUN(l scsi.LUN) { binary.BigEndian.PutUint64(b[8:], uint64(l)) }

func (b *BHS) ITT() uint32     { return b.u32(16) }
func (b *BHS) SetITT(t uint32) { b.put32(16, t) }
func (b *BHS) TTT() uint32     { return b.u32(20) }
func (b *BHS) SetTTT(t uint32) { b.put32(20, t) }

// Serial numbers of requests (RFC 7143 §4.2.2).

func (b *BHS) CmdSN() SN         { return SN(b.u32(24)) }
func (b *BHS) SetCmdSN(n SN)     { b.put32(24, uint32(n)) }
func (b *BHS) ExpStatSN() SN     { return SN(b.u32(28)) }
func (b *BHS) SetExpStatSN(n SN) { b.put32(28, uint32(n)) }

// Serial numbers of responses (RFC 7143 §4.2.2).

func (b *BHS) StatSN() SN       { return SN(b.u32(24)) }
func (b *BHS) SetStatSN(n SN)   { b.put32(24, uint32(n)) }
func (b *BHS) ExpCmdSN() SN     { return SN(b.u32(28)) }
func (b *BHS) SetExpCmdSN(n SN) { b.put32(28, uint32(n)) }
func (b *BHS) MaxCmdSN() SN     { return SN(b.u32(32)) }
func (b *BHS) SetMaxCmdSN(n SN) { b.put32(32, uint32(n)) }

// Padded returns n rounded up to the four bytes that segments end on (RFC 7143 §11.2.3).
func Padded(n int) int { return (n + 3) &^ 3 }

func (b *BHS) u16(at int) uint16      { return binary.BigEndian.Uint16(b[at:]) }
func (b *BHS) u32(at int) uint32      { return binary.BigEndian.Uint32(b[at:]) }
func (b *BHS) put16(at int, v uint16) { binary.BigEndian.PutUint16(b[at:], v) }
func (b *BHS) put32(at int, v uint32) { binary.BigEndian.PutUint32(b[at:], v) }

func (b *BHS) setFlag(at int, bit byte, on bool) {
	if on {
		b[at] |= bit
	} else {
		b[at] &^= bit
	}
}
