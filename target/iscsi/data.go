package iscsi

import "github.com/lunarsan/lunar/scsi"

// DataOut is a SCSI Data-Out (RFC 7143 §11.7). Its Target Transfer Tag is NoTag for
// unsolicited data.
//
//	 1  F
//	36  DataSN(4)
//	40  Buffer Offset(4)
type DataOut BHS

// DataOut views b as a SCSI Data-Out.
func (b *BHS) DataOut() *DataOut { return (*DataOut)(b) }

func (d *DataOut) DataSN() SN         { return SN((*BHS)(d).u32(36)) }
func (d *DataOut) SetDataSN(n SN)     { (*BHS)(d).put32(36, uint32(n)) }
func (d *DataOut) Offset() uint32     { return (*BHS)(d).u32(40) }
func (d *DataOut) SetOffset(n uint32) { (*BHS)(d).put32(40, n) }

// DataIn is a SCSI Data-In (RFC 7143 §11.7). With the S bit it carries the status of the
// command as well; StatSN, Status and Residual Count mean something only then.
//
//	 1  F A ... O U S
//	 3  Status
//	36  DataSN(4)
//	40  Buffer Offset(4)
//	44  Residual Count(4)
type DataIn BHS

// DataIn views b as a SCSI Data-In.
func (b *BHS) DataIn() *DataIn { return (*DataIn)(b) }

const statusBit = 0x01 // S, byte 1

// HasStatus reports whether the S bit is set.
func (d *DataIn) HasStatus() bool     { return d[1]&statusBit != 0 }
func (d *DataIn) Status() scsi.Status { return scsi.Status(d[3]) }

// SetStatus ends the command with status s, which must be GOOD or CONDITION MET: it sets S,
// and F with it.
func (d *DataIn) SetStatus(s scsi.Status) {
	d[1] |= finalBit | statusBit
	d[3] = byte(s)
}

func (d *DataIn) DataSN() SN         { return SN((*BHS)(d).u32(36)) }
func (d *DataIn) SetDataSN(n SN)     { (*BHS)(d).put32(36, uint32(n)) }
func (d *DataIn) Offset() uint32     { return (*BHS)(d).u32(40) }
func (d *DataIn) SetOffset(n uint32) { (*BHS)(d).put32(40, n) }

// SetResidual is SCSIResponse.SetResidual, for a PDU with status.
func (d *DataIn) SetResidual(over, under uint32) { setResidual((*BHS)(d), over, under) }

// Residual returns what SetResidual set.
func (d *DataIn) Residual() (over, under uint32) { return residual((*BHS)(d)) }
