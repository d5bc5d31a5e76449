package zpl

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// The attributes of a file are in its bonus and, what has no room there, in its spill block. Each
// begins with a header; the layout that it names says which attributes follow, in order, each
// padded to 8:
//
//	0  magic 0x2F505A u32
//	4  bits 0-9 the layout, 10-15 the length of the header in units of 8
//	6  lengths u16 of the attributes that have no fixed one
//
// Layouts and attributes are numbers; two ZAPs of the file system say what they are. In the
// registry, an attribute's name has its number in bits 0 to 15 and its length in 24 to 39, 0 for
// one that varies. In the layouts, the number of a layout in decimal has the attributes' numbers.
//
// A file system older than version 5 has a znode instead, of fixed offsets:
//
//	  0  atime, mtime, ctime, crtime: s u64, ns u64 each
//	 64  gen, mode, size, parent, links, xattr, rdev, flags, uid, gid, zap u64 each
//	152  pad [24]
//	176  access control list [88]
//	264  the target of a symbolic link
const (
	saMagic    uint32 = 0x2F505A
	saHeader          = 8
	znodeSize         = 264
	bonusZnode uint32 = 17
	bonusSA    uint32 = 44
)

var errAttributes = errors.New("damaged attributes")

// An attribute is a row of the registry.
type attribute struct {
	name   string
	length int // bytes; 0: it varies
}

// A catalogue is the registry and the layouts of a file system.
type catalogue struct {
	attributes map[uint16]attribute
	layouts    map[uint16][]uint16
}

// Attributes are what is known of a file beside its data.
type attributes struct {
	mode     uint64 // as in stat(2)
	size     uint64
	links    uint64
	uid, gid uint64
	mtime    [2]uint64 // s, ns
	atime    [2]uint64
	xattr    uint64 // directory of extended attributes, or 0
	xattrs   []byte // a packed nvlist of them, or nothing
	symlink  string
	known    bool
}

// read takes over what an SA header and the attributes behind it say.
func (a *attributes) read(p []byte, c *catalogue, order binary.ByteOrder) error {
	if len(p) < saHeader || order.Uint32(p) != saMagic {
		return fmt.Errorf("%w: there is no header", errAttributes)
	}
	info := order.Uint16(p[4:])
	header := int(info>>10) * 8
	layout, ok := c.layouts[info&0x3ff]
	if !ok || header < saHeader || header > len(p) {
		return fmt.Errorf("%w: layout %d with a header of %d bytes", errAttributes, info&0x3ff, header)
	}
	lengths, rest := p[6:header], p[header:]
	for _, number := range layout {
		attr, ok := c.attributes[number]
		if !ok {
			return fmt.Errorf("%w: attribute %d is not registered", errAttributes, number)
		}
		n := attr.length
		if n == 0 {
			if len(lengths) < 2 {
				return fmt.Errorf("%w: %s has no length", errAttributes, attr.name)
			}
			n = int(order.Uint16(lengths))
			lengths = lengths[2:]
		}
		if n > len(rest) {
			return fmt.Errorf("%w: %s has %d bytes, and there are %d", errAttributes, attr.name, n, len(rest))
		}
		a.set(attr.name, rest[:n], order)
		rest = rest[min((n+7)&^7, len(rest)):]
	}
	a.known = true
	return nil
}

// set takes over one attribute. Those that there is no place for outside ZFS are left.
func (a *attributes) set(name string, p []byte, order binary.ByteOrder) {
	switch name {
	case "ZPL_SYMLINK":
		a.symlink = string(p)
		return
	case "ZPL_DXATTR":
		a.xattrs = append([]byte(nil), p...)
		return
	}
	if len(p) < 8 {
		return
	}
	v := order.Uint64(p)
	switch name {
	case "ZPL_MODE":
		a.mode = v
	case "ZPL_SIZE":
		a.size = v
	case "ZPL_LINKS":
		a.links = v
	case "ZPL_UID":
		a.uid = v
	case "ZPL_GID":
		a.gid = v
	case "ZPL_XATTR":
		a.xattr = v
	case "ZPL_MTIME":
		a.mtime = moment(p, order)
	case "ZPL_ATIME":
		a.atime = moment(p, order)
	}
}

func moment(p []byte, order binary.ByteOrder) (t [2]uint64) {
	if len(p) >= 16 {
		t = [2]uint64{order.Uint64(p), order.Uint64(p[8:])}
	}
	return t
}

// readZnode takes over what a znode says.
func (a *attributes) readZnode(p []byte, order binary.ByteOrder) error {
	if len(p) < znodeSize {
		return fmt.Errorf("%w: a znode of %d bytes", errAttributes, len(p))
	}
	a.atime, a.mtime = moment(p, order), moment(p[16:], order)
	field := func(i int) uint64 { return order.Uint64(p[64+8*i:]) }
	a.mode, a.size, a.links, a.xattr, a.uid, a.gid = field(1), field(2), field(4), field(5), field(8), field(9)
	if rest := p[znodeSize:]; a.mode&modeType == modeSymlink && a.size <= uint64(len(rest)) {
		a.symlink = string(rest[:a.size])
	}
	a.known = true
	return nil
}
