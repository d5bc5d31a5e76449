package sbd

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"
)

// A GUID is a unit's NAA identifier: 16 bytes, IEEE registered extended (SPC-5, NAA IEEE
// Registered Extended designator format): the nibble 6, a 24-bit company identifier, a
// 36-bit vendor-specific identifier and its 64-bit extension.
type GUID [16]byte

// company is the identifier that NewGUID puts where an OUI goes. It is nobody's: its U/L bit
// (02h of the first octet) says that it was chosen here, so that no company assigned by the
// IEEE can have it. The 100 random bits behind it tell units apart.
const company = 0x024c53

// NewGUID returns a GUID that no unit has.
func NewGUID() GUID {
	var g GUID
	rand.Read(g[:]) // never fails
	g[0] = 0x60 | company>>20
	g[1] = company >> 12 & 0xff
	g[2] = company >> 4 & 0xff
	g[3] = company<<4&0xf0 | g[3]&0x0f
	return g
}

// ParseGUID reads 32 hexadecimal digits in either case, the first a 6, with or without the
// prefix "naa.".
func ParseGUID(s string) (GUID, error) {
	var g GUID
	digits := strings.ToLower(s)
	digits = strings.TrimPrefix(digits, "naa.")
	if n, err := hex.Decode(g[:], []byte(digits[:min(len(digits), 2*len(g))])); err != nil || n != len(g) || len(digits) != 2*len(g) {
		return GUID{}, fmt.Errorf("GUID %q: want 32 hexadecimal digits, as in 6024c530000000000000000000000001", s)
	}
	if g[0]>>4 != 6 {
		return GUID{}, fmt.Errorf("GUID %q: want a first digit of 6 (NAA IEEE registered extended)", s)
	}
	return g, nil
}

// String returns the 32 digits in lower case.
func (g GUID) String() string { return hex.EncodeToString(g[:]) }

// MarshalText is String.
func (g GUID) MarshalText() ([]byte, error) { return []byte(g.String()), nil }

// UnmarshalText is ParseGUID.
func (g *GUID) UnmarshalText(text []byte) (err error) {
	*g, err = ParseGUID(string(text))
	return err
}

// Identity is what an initiator stores about a unit to know it again. It is set once, saved,
// and carried bit for bit between sites; to change it is to make another unit of it.
type Identity struct {
	GUID       GUID
	Serial     string // unit serial number, VPD page 80h
	Vendor     string // up to 8 characters
	Product    string // up to 16 characters
	Revision   string // up to 4 characters
	Version    byte   // INQUIRY VERSION: 3 SPC, 4 SPC-2, 5 SPC-3, 6 SPC-4, 7 SPC-5
	DeviceType byte   // peripheral device type, 0 for a disk
	BlockSize  int    // logical block length in bytes, 512 or 4096
}

// Check reports everything that an initiator could not be told.
func (id Identity) Check() error {
	var errs []error
	if id.GUID[0]>>4 != 6 {
		errs = append(errs, fmt.Errorf("GUID %s: want a first digit of 6", id.GUID))
	}
	if id.BlockSize != 512 && id.BlockSize != 4096 {
		errs = append(errs, fmt.Errorf("block size %d: want 512 or 4096", id.BlockSize))
	}
	if id.Version < 3 || id.Version > 7 {
		errs = append(errs, fmt.Errorf("version %d: want 3 to 7, the INQUIRY VERSION of SPC to SPC-5", id.Version))
	}
	for _, f := range []struct {
		name, value string
		most        int
	}{
		{"serial", id.Serial, 252}, // a VPD page of 256 bytes
		{"vendor", id.Vendor, 8},
		{"product", id.Product, 16},
		{"revision", id.Revision, 4},
	} {
		if len(f.value) > f.most {
			errs = append(errs, fmt.Errorf("%s %q: want at most %d characters", f.name, f.value, f.most))
		}
		if strings.ContainsFunc(f.value, func(r rune) bool { return r < ' ' || r > '~' }) {
			errs = append(errs, fmt.Errorf("%s %q: want printable ASCII", f.name, f.value))
		}
	}
	return errors.Join(errs...)
}

// Config is what an operator may choose about a unit, beside its identity.
type Config struct {
	Path       string // the store
	Size       int64  // bytes; 0 stands for all that the store holds
	Offset     int64  // where the unit's bytes begin in the store, in bytes; never changes
	Alias      string
	Thin       bool // give space back on UNMAP and tell initiators so
	ReadOnly   bool
	WriteCache bool // answer writes before they are durable (WCE=1)
	Created    time.Time
}
