package sbd

import "time"

// A GUID is a unit's NAA identifier: 16 bytes, IEEE registered extended (first nibble 6).
type GUID [16]byte

// Identity is what an initiator stores about a unit to know it again. It is set once, saved,
// and carried bit for bit between sites.
type Identity struct {
	GUID       GUID
	Serial     string // unit serial number, VPD page 80h
	Vendor     string // up to 8 characters
	Product    string // up to 16 characters
	Revision   string // up to 4 characters
	Version    byte   // INQUIRY VERSION: 5 SPC-3, 6 SPC-4, 7 SPC-5
	DeviceType byte   // peripheral device type, 0 for a disk
	BlockSize  int    // logical block length in bytes, 512 or 4096
}

// Config is what an operator may choose about a unit, beside its identity.
type Config struct {
	Path       string // the store
	Size       int64  // bytes
	Alias      string
	Thin       bool // give space back on UNMAP and tell initiators so
	ReadOnly   bool
	WriteCache bool // answer writes before they are durable (WCE=1)
	Created    time.Time
}
