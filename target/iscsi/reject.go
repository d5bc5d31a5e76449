package iscsi

import "fmt"

// Reject is a Reject (RFC 7143 §11.17). Its Initiator Task Tag is NoTag and its data
// segment is a copy of the header that was refused.
//
//	 2  Reason
//	36  DataSN(4), or R2TSN
type Reject BHS

// Reject views b as a Reject.
func (b *BHS) Reject() *Reject { return (*Reject)(b) }

// RejectReason tells why a PDU was refused (RFC 7143 §11.17.1).
type RejectReason uint8

const (
	RejectDataDigest       RejectReason = 0x02
	RejectSNACK            RejectReason = 0x03
	RejectProtocolError    RejectReason = 0x04
	RejectNotSupported     RejectReason = 0x05
	RejectTooManyImmediate RejectReason = 0x06
	RejectTaskInProgress   RejectReason = 0x07
	RejectInvalidDataACK   RejectReason = 0x08
	RejectInvalidField     RejectReason = 0x09
	RejectOutOfResources   RejectReason = 0x0a
	RejectWaitForLogout    RejectReason = 0x0c
)

var rejectNames = []string{
	0x02: "data digest error", 0x03: "SNACK reject", 0x04: "protocol error", 0x05: "command not supported",
	0x06: "too many immediate commands", 0x07: "task in progress", 0x08: "invalid data ack",
	0x09: "invalid PDU field", 0x0a: "out of resources", 0x0c: "waiting for logout",
}

func (r RejectReason) String() string { return named(rejectNames, uint8(r), "reason") }

func (r *Reject) Reason() RejectReason     { return RejectReason(r[2]) }
func (r *Reject) SetReason(c RejectReason) { r[2] = byte(c) }

// A rejection is the error of a PDU that is answered with a Reject.
type rejection struct {
	reason RejectReason
	cause  error
}

func (r *rejection) Error() string {
	return fmt.Sprintf("%v (%02Xh): %v", r.reason, uint8(r.reason), r.cause)
}
func (r *rejection) Unwrap() error { return r.cause }

func reject(reason RejectReason, format string, args ...any) error {
	return &rejection{reason, fmt.Errorf(format, args...)}
}
