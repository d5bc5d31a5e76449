package comstar

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"

	"github.com/lunarsan/lunar/sbd"
)

// ErrNoMeta is that of stores that do not begin with metadata. COMSTAR has none there for zvols,
// but in its first releases, since they are in a property of the zvol; nor where it was told to
// keep them in a file of their own.
var ErrNoMeta = errors.New("there is no metadata of COMSTAR in it")

// A Meta is what COMSTAR's metadata say of a unit.
type Meta struct {
	Version    string // 1.0 or 1.1
	GUID       sbd.GUID
	Size       int64 // of the unit, in bytes
	Offset     int64 // where its bytes begin in the store
	BlockSize  int
	DataPath   string // where the store is, when these metadata are a file of their own; Offset is 0
	Alias      string // empty where it was the path, as it was unless somebody chose one
	Serial     string // of VPD page 80h; empty where COMSTAR showed four spaces
	Vendor     string // as INQUIRY had them, without trailing spaces
	Product    string
	Revision   string
	URL        string // of its management
	ReadOnly   bool
	WriteCache bool // writes were answered before they were durable
}

// What COMSTAR tells initiators where metadata say nothing.
const (
	Vendor   = "SUN"
	Product  = "COMSTAR"
	Revision = "1.0"
	Version  = 5 // of INQUIRY
)

// Company begins the GUIDs that COMSTAR makes.
const Company = "600144f0"

// Metadata have the first 64 KiB of a store, and begin 4 KiB into them:
//
//	00  magic          8 bytes, "SUNSBDLU": its order is that of this header
//	08  size           8 bytes, of metadata altogether: 65,536
//	10  used           8 bytes, up to where sections go
//	28  version        2 bytes major, 2 bytes minor, 2 bytes below that
//	2F  checksum       1 byte, the sum of all before it
//
// Sections follow each other from 30h bytes behind that on:
//
//	00  offset         8 bytes, of itself, from the beginning of the store
//	08  size           4 bytes, this header included
//	0C  kind           2 bytes
//	0E  order          1 byte, 00h or FFh: of this header and, in the unit's, of what follows too
//	0F  checksum       1 byte, the sum of all others of the section
const (
	metaRegion = 64 << 10
	metaOffset = 4096
	metaMagic  = "SUNSBDLU"
	metaMagic0 = "SUNMICRO" // of version 0

	startSize   = 0x30
	sectionSize = 0x10

	kindUnit10 uint16 = 0
	kindUnit11 uint16 = 1
)

// ReadMeta reads the metadata at the beginning of a store, or of a file that has nothing else.
// Without any it returns ErrNoMeta. The store may be shorter than the unit: COMSTAR reads zeros
// where a file ends, and has it grow with what is written.
func ReadMeta(r io.ReaderAt) (*Meta, error) {
	region := make([]byte, metaRegion)
	n, err := r.ReadAt(region, 0)
	if err != nil && err != io.EOF {
		return nil, fmt.Errorf("reading COMSTAR's metadata: %w", err)
	}
	region = region[:n]
	if len(region) < metaOffset+startSize {
		return nil, ErrNoMeta
	}
	start := region[metaOffset:]
	var order binary.ByteOrder
	switch string(start[:8]) {
	case metaMagic:
		order = binary.BigEndian
	case reversed(metaMagic):
		order = binary.LittleEndian
	case metaMagic0, reversed(metaMagic0):
		return nil, errors.New("COMSTAR's metadata in it are of version 0, and 1.0 and 1.1 are known")
	default:
		return nil, ErrNoMeta
	}
	if sum(start[:startSize-1]) != start[startSize-1] {
		return nil, damaged("the checksum of their header is wrong")
	}
	if major := order.Uint16(start[0x28:]); major != 1 {
		return nil, fmt.Errorf("COMSTAR's metadata in it are of version %d.%d, and 1.0 and 1.1 are known", major, order.Uint16(start[0x2a:]))
	}
	used := order.Uint64(start[0x10:])
	if used > uint64(len(region)) {
		return nil, damaged("they are %d bytes long, of which %d are there", used, len(region))
	}
	m, err := readUnitSection(region[:used])
	if err != nil {
		return nil, err
	}
	if err := m.check(); err != nil {
		return nil, err
	}
	return m, nil
}

// damaged tells what is wrong with metadata that are there.
func damaged(format string, args ...any) error {
	return fmt.Errorf("COMSTAR's metadata in it are damaged: "+format, args...)
}

func reversed(s string) string {
	b := []byte(s)
	for i, j := 0, len(b)-1; i < j; i, j = i+1, j-1 {
		b[i], b[j] = b[j], b[i]
	}
	return string(b)
}

func sum(p []byte) (s byte) {
	for _, b := range p {
		s += b
	}
	return s
}

// readUnitSection finds the section that describes the unit. Version 1.1's counts, where COMSTAR
// has added one to 1.0's.
func readUnitSection(region []byte) (m *Meta, err error) {
	var old []byte
	for at := metaOffset + startSize; at < len(region); {
		if len(region)-at < sectionSize {
			return nil, damaged("the last section is cut off")
		}
		h := region[at:]
		order := orderOf(h[0x0e])
		if order == nil || order.Uint64(h) != uint64(at) {
			return nil, damaged("there is no section at %d", at)
		}
		size := order.Uint32(h[8:])
		if size < sectionSize || uint64(size) > uint64(len(h)) {
			return nil, damaged("the section at %d has %d bytes", at, size)
		}
		section := h[:size]
		switch order.Uint16(h[0x0c:]) {
		case kindUnit11:
			if err := checkSection(section, at); err != nil {
				return nil, err
			}
			return readUnit11(section)
		case kindUnit10:
			if err := checkSection(section, at); err != nil {
				return nil, err
			}
			old = section
		}
		at += int(size)
	}
	if old != nil {
		return readUnit10(old)
	}
	return nil, errors.New("COMSTAR's metadata in it describe no unit")
}

func orderOf(flag byte) binary.ByteOrder {
	switch flag {
	case 0x00:
		return binary.BigEndian
	case 0xff:
		return binary.LittleEndian
	}
	return nil
}

func checkSection(section []byte, at int) error {
	if sum(section)-section[0x0f] != section[0x0f] {
		return damaged("the checksum of the section at %d is wrong", at)
	}
	return nil
}

// A unit in version 1.0:
//
//	10  size of the store           8 bytes
//	18  size of the metadata        8 bytes
//	20  offset of data              8 bytes
//	28  size of data                8 bytes
//	30  flags                       4 bytes
//	34  length of blocks            2 bytes
//	36  order of these fields       1 byte
//	38  designation descriptor      20 bytes, the GUID from 3Ch on
//
// COMSTAR itself takes the first field alone: data begin behind 64 KiB, in blocks of 512 bytes.
const unit10Size = 0x50

func readUnit10(p []byte) (*Meta, error) {
	if len(p) < unit10Size {
		return nil, damaged("a unit of version 1.0 in %d bytes", len(p))
	}
	order := orderOf(p[0x36])
	if order == nil {
		return nil, damaged("nobody knows in which order bytes are")
	}
	store := order.Uint64(p[0x10:])
	if store < metaRegion || store > math.MaxInt64 {
		return nil, damaged("the store is said to have %d bytes", store)
	}
	return &Meta{
		Version:   "1.0",
		GUID:      sbd.GUID(p[0x3c:]),
		Size:      int64(store) - metaRegion,
		Offset:    metaRegion,
		BlockSize: 512,
		Vendor:    Vendor,
		Product:   Product,
		Revision:  Revision,
	}, nil
}

// A unit in version 1.1:
//
//	10  flags                       4 bytes
//	14  revision                    4 bytes
//	18  vendor                      8 bytes
//	20  product                     16 bytes
//	30  size                        8 bytes
//	38  offset of the zvol's name   8 bytes; offsets are from 170h
//	40  offset of the store's path  8 bytes
//	48  offset of the serial        8 bytes
//	50  offset of the alias         8 bytes
//	58  length of blocks            1 byte, as a power of two
//	59  order of these fields       1 byte
//	5A  length of the serial        1 byte
//	5C  designation descriptor      20 bytes, the GUID from 60h on
//	70  offset of the URL           8 bytes
//	170 texts, each with a zero behind it, and the serial without
const (
	unit11Texts = 0x170
	unit11Size  = unit11Texts + 8
)

// The flags of version 1.1.
const (
	metaSeparate  uint32 = 0x0001 // these metadata are a file of their own
	metaReadOnly  uint32 = 0x0002
	metaVendor    uint32 = 0x0004
	metaProduct   uint32 = 0x0008
	metaRevision  uint32 = 0x0010
	metaDataPath  uint32 = 0x0040
	metaSerial    uint32 = 0x0080
	metaAlias     uint32 = 0x0100
	metaNoCache   uint32 = 0x0200
	metaOfZvol    uint32 = 0x0400 // these metadata are a zvol's property
	metaHasURL    uint32 = 0x0800
	metaElsewhere        = metaSeparate | metaOfZvol
)

func readUnit11(p []byte) (*Meta, error) {
	if len(p) < unit11Size {
		return nil, damaged("a unit of version 1.1 in %d bytes", len(p))
	}
	order := orderOf(p[0x59])
	if order == nil {
		return nil, damaged("nobody knows in which order bytes are")
	}
	flags := order.Uint32(p[0x10:])
	size := order.Uint64(p[0x30:])
	shift := p[0x58]
	if size > math.MaxInt64-metaRegion || shift > 15 {
		return nil, damaged("%d bytes in blocks of 2^%d", size, shift)
	}
	m := &Meta{
		Version:    "1.1",
		GUID:       sbd.GUID(p[0x60:]),
		Size:       int64(size),
		BlockSize:  1 << shift,
		Vendor:     Vendor,
		Product:    Product,
		Revision:   Revision,
		ReadOnly:   flags&metaReadOnly != 0,
		WriteCache: flags&metaNoCache == 0,
	}
	if flags&metaElsewhere == 0 {
		m.Offset = metaRegion
	}
	for _, f := range []struct {
		flag uint32
		from []byte
		into *string
	}{
		{metaVendor, p[0x18:0x20], &m.Vendor},
		{metaProduct, p[0x20:0x30], &m.Product},
		{metaRevision, p[0x14:0x18], &m.Revision},
	} {
		if flags&f.flag != 0 {
			*f.into = strings.TrimRight(string(f.from), " \x00")
		}
	}
	texts := p[unit11Texts:]
	for _, f := range []struct {
		flag   uint32
		offset int
		into   *string
	}{
		{metaDataPath, 0x40, &m.DataPath},
		{metaAlias, 0x50, &m.Alias},
		{metaHasURL, 0x70, &m.URL},
	} {
		if flags&f.flag == 0 {
			continue
		}
		at := order.Uint64(p[f.offset:])
		if at > uint64(len(texts)) {
			return nil, damaged("a text at %d of %d bytes", at, len(texts))
		}
		text, _, _ := bytes.Cut(texts[at:], []byte{0})
		*f.into = string(text)
	}
	if strings.HasPrefix(m.Alias, "/") {
		m.Alias = ""
	}
	if flags&metaSerial != 0 {
		at, n := order.Uint64(p[0x48:]), uint64(p[0x5a])
		if at > uint64(len(texts)) || n > uint64(len(texts))-at {
			return nil, damaged("a serial of %d bytes at %d of %d", n, at, len(texts))
		}
		m.Serial = string(texts[at : at+n])
	}
	return m, nil
}

func (m *Meta) check() error {
	switch {
	case m.GUID[0]>>4 != 6:
		return damaged("%s is no GUID", m.GUID)
	case m.Size <= 0 || m.Size%int64(m.BlockSize) != 0:
		return damaged("%d bytes is no number of blocks of %d bytes", m.Size, m.BlockSize)
	}
	return nil
}
