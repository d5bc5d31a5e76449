package vmdk

import (
	"encoding/binary"
	"fmt"
)

// Grains are how changes are kept: a directory of tables, tables of grains, and the grains,
// which are pieces of the disk of one length. What is in neither is in the parent.
type grains struct {
	file      File
	grain     int64 // bytes
	perTable  int64 // grains
	width     int64 // of an entry, bytes: 4 or 8
	directory int64 // offset in the file

	// table is where the table of a directory's entry is; 0 for none.
	table func(entry uint64) (at int64, err error)
	// place is where the grain of a table's entry is.
	place func(entry uint64) (kind, int64, error)
}

// atOnce is how many entries of a table are looked at together.
const atOnce = 256

func (g *grains) span(off, n int64) (span, error) {
	i := off / g.grain
	dir, err := g.entry(g.directory + i/g.perTable*g.width)
	if err != nil {
		return span{}, err
	}
	table, err := g.table(dir)
	if err != nil {
		return span{}, err
	}
	if table == 0 {
		return span{kind: inParent, length: min(n, (i/g.perTable+1)*g.perTable*g.grain-off)}, nil
	}
	var buf [atOnce * 8]byte
	count := min(atOnce, g.perTable-i%g.perTable, (off%g.grain+n+g.grain-1)/g.grain)
	b := buf[:count*g.width]
	if err := g.read(b, table+i%g.perTable*g.width); err != nil {
		return span{}, err
	}
	in := off % g.grain
	k, at, err := g.place(g.decode(b))
	if err != nil {
		return span{}, err
	}
	s := span{k, g.file, at + in, g.grain - in}
	for j := int64(1); j < count && s.length < n; j++ {
		next, nextAt, err := g.place(g.decode(b[j*g.width:]))
		if err != nil || next != k || k == inFile && nextAt != at+j*g.grain {
			break // told when it is asked for
		}
		s.length += g.grain
	}
	s.length = min(s.length, n)
	if k == inFile && s.at > g.file.Size()-s.length {
		return span{}, fmt.Errorf("the grain of sector %d is at %d of a file of %d bytes", off/sector, s.at, g.file.Size())
	}
	return s, nil
}

// entry reads one entry.
func (g *grains) entry(at int64) (uint64, error) {
	var b [8]byte
	if err := g.read(b[:g.width], at); err != nil {
		return 0, err
	}
	return g.decode(b[:]), nil
}

func (g *grains) decode(b []byte) uint64 {
	if g.width == 4 {
		return uint64(binary.LittleEndian.Uint32(b))
	}
	return binary.LittleEndian.Uint64(b)
}

func (g *grains) read(b []byte, at int64) error { return readFull(g.file, b, at) }

// readFull reads all of b at an offset of f.
func readFull(f File, b []byte, at int64) error {
	if at < 0 || at > f.Size()-int64(len(b)) {
		return fmt.Errorf("%d bytes at %d are not in a file of %d", len(b), at, f.Size())
	}
	if n, err := f.ReadAt(b, at); n < len(b) {
		return err
	}
	return nil
}
