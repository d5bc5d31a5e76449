package iscsi

// SN is a serial number that wraps, compared by RFC 1982 with 32 bits (RFC 7143 §4.2.2.1):
// CmdSN, StatSN, DataSN and R2TSN. It is never compared with <.
type SN uint32

// Less reports whether a comes before b.
func (a SN) Less(b SN) bool { return int32(a-b) < 0 }

// In reports whether a lies in the window from first to last, both included. The window is
// empty when last comes before first.
func (a SN) In(first, last SN) bool { return !a.Less(first) && !last.Less(a) }
