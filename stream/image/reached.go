//go:build unix

package image

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io/fs"
	"os"

	"github.com/lunarsan/lunar/sbd"
	"github.com/lunarsan/lunar/stream/dmu"
)

// What was written is in the system's memory, and outlives a process that is killed. So that a
// stream need not be sent again from the place that was made durable last, the place up to which
// everything is written is noted beside the chain each time it moves, without syncing anything,
// with which start of the system that was and which durable place it goes on from. Who opens the
// store next syncs it, and then has the chain say that place. A note of an earlier start, of another
// durable place, or of a store that cannot be synced is worth nothing, and the durable place holds.

// A reached is such a note, as it is kept in CHAIN.reached; numbers are little-endian.
//
//	 0  CRC32C (4)   of what follows
//	 4  zeros (4)
//	 8  the snapshot's GUID (8), and that of the one it goes on from (8)
//	24  the durable place: the byte of the volume (8), the bytes of the stream (8)
//	40  the place up to which all is written: the same (16)
//	56  zeros (8)
//	64  the system's start (64), in text, and zeros behind it
type reached [128]byte

const (
	reachedDurable = 24
	reachedWritten = 40
	reachedStart   = 64
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func (r *reached) place(at int) dmu.Cursor {
	return dmu.Cursor{Offset: binary.LittleEndian.Uint64(r[at:]), Bytes: binary.LittleEndian.Uint64(r[at+8:])}
}

func (r *reached) setPlace(at int, c dmu.Cursor) {
	binary.LittleEndian.PutUint64(r[at:], c.Offset)
	binary.LittleEndian.PutUint64(r[at+8:], c.Bytes)
}

func (r *reached) written() dmu.Cursor { return r.place(reachedWritten) }

// about makes r a note about what is received, without places.
func (r *reached) about(l *dmu.Link, start string) {
	*r = reached{}
	binary.LittleEndian.PutUint64(r[8:], l.GUID)
	binary.LittleEndian.PutUint64(r[16:], l.From)
	copy(r[reachedStart:], start)
}

func (r *reached) seal() { binary.LittleEndian.PutUint32(r[:], r.sum()) }

func (r *reached) sum() uint32 { return crc32.Checksum(r[4:], castagnoli) }

// holds says whether r is a note of this start of the system that goes on from what c says.
func (r *reached) holds(c *dmu.Receiving, start string) bool {
	var want reached
	want.about(&c.Link, start)
	want.setPlace(reachedDurable, c.Cursor)
	want.setPlace(reachedWritten, r.written())
	want.seal()
	return start != "" && *r == want
}

// A noting keeps the note of a store that is written to.
type noting struct {
	f     *os.File // nil: there is none yet
	start string   // of the system; empty: nothing is noted
	last  reached
}

// Reached notes the place up to which everything is written, but not made durable. It is for a
// dmu.Applier to call, whose chain is the store's, between two calls of Save. That it cannot be
// noted does no harm.
func (s *Store) Reached(c dmu.Cursor) {
	n := &s.noting
	if n.f == nil {
		if n.start = sbd.SystemStart(); n.start == "" || len(n.start) > len(n.last)-reachedStart {
			return
		}
		var err error
		if n.f, err = os.OpenFile(reachedBeside(s.beside), os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600); err != nil {
			n.f = nil
			return
		}
	}
	r := &n.last
	r.about(&s.chain.Receiving.Link, n.start)
	r.setPlace(reachedDurable, s.chain.Receiving.Cursor)
	r.setPlace(reachedWritten, c)
	r.seal()
	_, _ = n.f.WriteAt(r[:], 0)
}

// reachedBeside is where the note is of a store whose chain is at path.
func reachedBeside(path string) string { return path + ".reached" }

// end ends the note, when all that it tells of is in the chain, or given up.
func (n *noting) end(path string) {
	if n.f != nil {
		_ = n.f.Close() // it is of no use any more
		n.f = nil
		_ = os.Remove(reachedBeside(path))
	}
}

// recall has the chain say what a process that was killed has noted. If that cannot be, the chain
// says what it said.
func (s *Store) recall() {
	path := reachedBeside(s.beside)
	p, err := os.ReadFile(path)
	if err != nil {
		return
	}
	if c := s.chain.Receiving; c != nil && len(p) == len(reached{}) {
		r := reached(p)
		if was := c.Cursor; r.holds(c, sbd.SystemStart()) && r.written().Offset > was.Offset && s.Store.Sync() == nil {
			c.Cursor = r.written()
			if s.Save(s.chain) != nil {
				c.Cursor = was
			}
		}
	}
	_ = os.Remove(path) // it has been looked at
}

// Recall has the chain of the file at path say how far a process had come that was receiving into
// it, and was killed. Where that is not known, or while somebody has the file open, it does nothing.
func Recall(path string) error {
	if !Exists(reachedBeside(ChainBeside(path))) {
		return nil
	}
	s, err := Open(path, Options{})
	if errors.Is(err, ErrInUse) || errors.Is(err, fs.ErrNotExist) {
		return nil
	} else if err != nil {
		return err
	}
	return s.Close()
}
