package comstar

import (
	"encoding/binary"
	"sync/atomic"
	"time"

	"github.com/lunarsan/lunar/sbd"
)

// A Generator makes GUIDs of the form that COMSTAR's have:
//
//	00  60 01 44 F0   the nibble 6, Sun's company identifier 00144Fh, a nibble 0
//	04  host          6 bytes: a MAC address, or 4 of a host identifier and 2 of zeros
//	0A  time          4 bytes: seconds since 1970
//	0E  counter       2 bytes
//
// COMSTAR counted from 1 after each start, and could repeat itself when the host started twice in
// a second. Here the counter is what the time leaves, in steps of 15 microseconds, and each GUID
// is later than the one before: two are alike only if the clock was set back in between, over a
// restart. A Generator may be used by several goroutines.
type Generator struct {
	Host [6]byte
	Now  func() time.Time // nil: time.Now

	last atomic.Uint64 // time and counter of the last one
}

// GUID returns a GUID that it has not returned before.
func (g *Generator) GUID() sbd.GUID {
	now := time.Now
	if g.Now != nil {
		now = g.Now
	}
	t := now()
	next := uint64(t.Unix())<<16 | uint64(t.Nanosecond())<<16/uint64(time.Second)
	for {
		last := g.last.Load()
		next = max(next, last+1)
		if g.last.CompareAndSwap(last, next) {
			break
		}
	}
	guid := sbd.GUID{0x60, 0x01, 0x44, 0xf0}
	copy(guid[4:10], g.Host[:])
	binary.BigEndian.PutUint32(guid[10:], uint32(next>>16))
	binary.BigEndian.PutUint16(guid[14:], uint16(next))
	return guid
}
