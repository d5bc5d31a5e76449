package layer

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/lunarsan/lunar/sbd"
)

// A write that was answered is in the system's memory, and outlives us, though maybe not the
// system. The map that tells of it is written only when it is synced. So that a process that is
// killed loses no more than it would without layers, the map's bits are noted in a file beside it
// at once, with which start of the system that was. Notes of an earlier start are worth nothing:
// they may have come to the disk before what they tell of.
//
//	   0 the system's start, in text, and zeros behind it
//	4096 the words of the map, without anything in between
const notesHead = 4096

func notesLength(blocks int64) int64 { return notesHead + ((blocks-1)/perSector+1)*sectorWords*8 }

// note writes the words that have the blocks from b up to end to the notes.
func (m *blockMap) note(b, end int64) error {
	m.mu.Lock() // the later of two has the bits of the earlier one
	defer m.mu.Unlock()
	for b < end {
		i := b / perSector
		s := m.sector(int(i))
		stop := min(end, (i+1)*perSector)
		var p [sectorWords * 8]byte
		first, n := b%perSector/64, 0
		for w := first; w <= (stop-1)%perSector/64; w++ {
			binary.LittleEndian.PutUint64(p[n:], s.words[w].Load())
			n += 8
		}
		if _, err := m.notes.WriteAt(p[:n], notesHead+(i*sectorWords+first)*8); err != nil {
			return fmt.Errorf("noting which blocks a layer has: %w", err)
		}
		b = stop
	}
	return nil
}

// readNotes takes in what was noted since this start of the system, if anything was.
func (m *blockMap) readNotes(s sbd.Store, start string) error {
	head := make([]byte, notesHead)
	if s.Size() < notesHead {
		return nil
	}
	if _, err := s.ReadAt(head, 0); err != nil {
		return err
	}
	if [notesHead]byte(head) != notesOf(start) {
		return nil
	}
	all := *m.sectors.Load()
	p := make([]byte, sectorWords*8)
	for i := range all {
		if off := notesHead + int64(i)*int64(len(p)); off+int64(len(p)) > s.Size() {
			return nil
		} else if _, err := s.ReadAt(p, off); err != nil {
			return err
		}
		if [sectorWords * 8]byte(p) == [sectorWords * 8]byte{} {
			continue
		}
		one := m.sector(i)
		for w := range one.words {
			one.words[w].Or(binary.LittleEndian.Uint64(p[w*8:]))
		}
		m.soil(i, one)
	}
	return nil
}

// beginNotes makes s the file that is noted in, from nothing.
func (m *blockMap) beginNotes(s sbd.Store, start string) error {
	head := notesOf(start)
	m.notes = s
	_, err := s.WriteAt(head[:], 0)
	return err
}

// endNotes ends them, when all is kept and nobody marks blocks any more.
func (m *blockMap) endNotes() error {
	if m.notes == nil {
		return nil
	}
	s := m.notes
	m.notes = nil
	return s.Close()
}

func notesOf(start string) (head [notesHead]byte) {
	copy(head[:], start)
	return head
}

// close gives back the files that the map is kept in.
func (m *blockMap) close() error {
	var err error
	for _, s := range []sbd.Store{m.store, m.notes} {
		if s != nil {
			err = errors.Join(err, s.Close())
		}
	}
	return err
}
