package bench

import (
	"encoding/binary"

	"github.com/lunarsan/lunar/target/iscsi/initiator"
)

// A Pattern says which commands a load has.
type Pattern int

const (
	Read            Pattern = iota // at random places, but for qemu-img, which goes from start to end
	Write                          // the same; no durability asked for
	Mixed                          // 70 % reads, 30 % writes
	SequentialRead                 //
	SequentialWrite                //
	CompareAndWrite                // a heartbeat: one block of the session's own, against what it wrote last
	WriteSame                      // zeros that keep their space
	Unmap                          // of space that a WRITE SAME has just filled
	Copy                           // EXTENDED COPY from one half of the places to the other
	Ping                           // NOP-Out
	Idle                           // sessions that read once and then do nothing
)

// patterns has the name of each, and what makes its next command; nil where there is none.
var patterns = [...]struct {
	name string
	next func(*session, *slot)
}{
	Read:            {"read", func(s *session, c *slot) { s.read(c, s.anywhere()) }},
	Write:           {"write", func(s *session, c *slot) { s.write(c, s.anywhere()) }},
	Mixed:           {"mixed", (*session).mixed},
	SequentialRead:  {"sequential read", func(s *session, c *slot) { s.read(c, s.count%s.places) }},
	SequentialWrite: {"sequential write", func(s *session, c *slot) { s.write(c, s.count%s.places) }},
	CompareAndWrite: {"compare and write", (*session).heartbeat},
	WriteSame:       {"write same", func(s *session, c *slot) { s.same(c, s.count%s.places, 0) }},
	Unmap:           {"unmap", (*session).unmap},
	Copy:            {"copy", (*session).copy},
	Ping:            {"NOP", nil},
	Idle:            {"idle", nil},
}

func (p Pattern) String() string { return patterns[p].name }

// blocks is the number of logical blocks that a command of the load has.
func (s *session) blocks() int { return s.load.Block / 512 }

// lba is where a place begins.
func (s *session) lba(place int64) uint64 { return uint64(s.first + place*int64(s.blocks())) }

func (s *session) read(c *slot, place int64) {
	c.CDB, c.In = c.cdb.Read10(uint32(s.lba(place)), uint16(s.blocks())), c.data
}

func (s *session) write(c *slot, place int64) {
	c.CDB, c.Out = c.cdb.Write10(uint32(s.lba(place)), uint16(s.blocks())), c.data
}

// anywhere is a random place. On a cold medium it is none that was there before: in steps that
// meet each place once, and that no read-ahead guesses.
func (s *session) anywhere() int64 {
	if s.load.Medium != Cold {
		return s.random.Int64N(s.places)
	}
	return s.count % s.places * stride(s.places) % s.places
}

// stride is about the golden part of n, and has no factor in common with it.
func stride(n int64) int64 {
	step := max(1, int64(float64(n)*0.618))
	for gcd(step, n) != 1 {
		step++
	}
	return step
}

func gcd(a, b int64) int64 {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

func (s *session) mixed(c *slot) {
	if s.random.IntN(10) < 3 {
		s.write(c, s.anywhere())
	} else {
		s.read(c, s.anywhere())
	}
}

// heartbeat first writes its block, and from then on replaces what it last wrote.
func (s *session) heartbeat(c *slot) {
	was, is := c.data[:512], c.data[512:1024]
	copy(was, is)
	binary.BigEndian.PutUint64(is, uint64(s.count))
	if c.CDB, c.Out = c.cdb.CompareAndWrite(s.lba(s.own), 1), c.data[:1024]; s.count == 0 {
		c.CDB, c.Out = c.cdb.Write10(uint32(s.lba(s.own)), 1), is
	}
}

func (s *session) same(c *slot, place int64, with byte) {
	for i := range c.data[:512] {
		c.data[i] = with
	}
	c.CDB, c.Out = c.cdb.WriteSame16(s.lba(place), uint32(s.blocks())), c.data[:512]
}

// unmap fills a place, and frees it when the answer to that may be long in.
func (s *session) unmap(c *slot) {
	round, step := s.count/int64(2*s.load.Depth), s.count%int64(2*s.load.Depth)
	place := (round*int64(s.load.Depth) + step%int64(s.load.Depth)) % s.places
	if step < int64(s.load.Depth) {
		s.same(c, place, 0x5a)
		return
	}
	c.Out = initiator.AppendUnmap(c.data[:0], s.lba(place), uint32(s.blocks()))
	c.CDB = c.cdb.Unmap(uint16(len(c.Out)))
}

func (s *session) copy(c *slot) {
	half := s.places / 2
	from := s.count % half
	c.Out = initiator.AppendCopy(c.data[:0], s.naa, s.lba(from), s.lba(half+from), uint16(s.blocks()))
	c.CDB = c.cdb.ExtendedCopy(uint32(len(c.Out)))
}
