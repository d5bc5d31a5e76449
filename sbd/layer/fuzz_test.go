//go:build unix

package layer

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/lunarsan/lunar/sbd"
)

// FuzzStack: a stack that is taken is one that would be written, and comes out as it went in.
func FuzzStack(f *testing.F) {
	st := newStack(1 << 20)
	for range 3 {
		p, err := st.encode()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(p)
		st.top().Name = string(rune('a' + len(st.Layers)))
		st.Layers[0].Clones = []string{"c"}
		st.push()
	}
	f.Add([]byte(`{"format":1,"block":16384,"next":2,"parent":1,"layers":[{"id":1,"file":1,"key":"1","size":1,"shows":1}]}`))
	f.Add([]byte(`{"format":2}`))
	f.Fuzz(func(t *testing.T, p []byte) {
		s, err := parseStack(p)
		if err != nil {
			return
		}
		if len(s.Layers) == 0 || s.Block == 0 {
			t.Fatal("a stack of nothing was taken")
		}
		again, err := s.encode()
		if err != nil {
			t.Fatal(err)
		}
		back, err := parseStack(again)
		if err != nil {
			t.Fatalf("it is not taken again: %v", err)
		}
		if more, err := back.encode(); err != nil || !bytes.Equal(more, again) {
			t.Fatalf("it changes:\n%s\n%s", again, more)
		}
		// What could be done to it leaves one that would be taken too.
		name := "fuzzed"
		if back.index(name) < 0 && len(back.Layers) < mostLayers && back.Next < 1<<62 {
			back.top().Name = name
			back.push()
			if err := back.check(); err != nil {
				t.Fatalf("a layer more: %v", err)
			}
		}
	})
}

// FuzzMap: a map that is taken has the bits that its sectors have, and is kept as it was.
func FuzzMap(f *testing.F) {
	const blocks, block, key = 2*perSector + 5, leastBlock, 7
	kept := sbd.NewMem(mapLength(blocks))
	if _, err := kept.WriteAt(mapHeader(key, block), 0); err != nil {
		f.Fatal(err)
	}
	m, err := loadMap(kept, key, blocks, block)
	if err != nil {
		f.Fatal(err)
	}
	for _, run := range [][2]int64{{0, 1}, {63, 65}, {perSector - 1, perSector + 1}, {blocks - 1, blocks}} {
		if err := m.mark(run[0], run[1]); err != nil {
			f.Fatal(err)
		}
		if err := m.gather().keep(); err != nil {
			f.Fatal(err)
		}
		p := make([]byte, kept.Size())
		if _, err := kept.ReadAt(p, 0); err != nil {
			f.Fatal(err)
		}
		f.Add(p)
	}
	f.Fuzz(func(t *testing.T, p []byte) {
		if len(p) == 0 || len(p) > 1<<20 {
			return
		}
		s := sbd.NewMem(int64(len(p)))
		if _, err := s.WriteAt(p, 0); err != nil {
			t.Fatal(err)
		}
		m, err := loadMap(s, key, blocks, block)
		if err != nil {
			return
		}
		n := int64(0)
		for b := m.next(0, blocks, true); b < blocks; b = m.next(b+1, blocks, true) {
			if !m.has(b) {
				t.Fatalf("block %d is there and is not", b)
			}
			n++
		}
		if m.count(blocks) != n {
			t.Fatalf("%d blocks, and %d by counting", n, m.count(blocks))
		}
	})
}

// FuzzNotes: notes of any kind only ever add blocks, and only those of this start.
func FuzzNotes(f *testing.F) {
	const blocks = perSector + 5
	head := notesOf("this start")
	f.Add(head[:], []byte{1, 2, 3})
	f.Add([]byte("another start"), []byte{1})
	f.Fuzz(func(t *testing.T, first, words []byte) {
		s := sbd.NewMem(notesHead + int64(len(words)) + 1)
		if len(first) > notesHead {
			first = first[:notesHead]
		}
		for off, p := range map[int64][]byte{0: first, notesHead: words} {
			if _, err := s.WriteAt(p, off); err != nil {
				t.Fatal(err)
			}
		}
		m := newMap(blocks)
		if err := m.readNotes(s, "this start"); err != nil {
			t.Fatal(err)
		}
		if m.count(blocks) > 0 && !bytes.HasPrefix(first, []byte("this start")) {
			t.Fatal("notes of another start were believed")
		}
	})
}

// TestSizes: maps stay within their bounds, whatever the volume's size.
func TestSizes(t *testing.T) {
	const tib = int64(1) << 40
	for _, size := range []int64{1, 1 << 20, tib, tib + 1, 4 * tib, 16 * tib, 64 * tib, 1 << 50, 1 << 62} {
		st := newStack(size)
		if err := st.check(); err != nil && size < 1<<58 {
			t.Errorf("%d bytes: %v", size, err)
		}
		if n := mapLength(blocksOf(size, st.Block)); n > 40<<20 {
			t.Errorf("the map of %d bytes has %d", size, n)
		}
		p, err := st.encode()
		if err != nil || !json.Valid(p) {
			t.Errorf("%s: %v", p, err)
		}
	}
	// A volume of 16 TiB, of which each sector of the map has a block: in memory as on the disk.
	const blocks = 16 * tib / usualBlock
	m := newMap(blocks)
	allocated := testing.AllocsPerRun(1, func() {
		for b := int64(0); b < blocks; b += perSector {
			m.set(b, b+1)
		}
	})
	if n := len(*m.sectors.Load()); int64(n) > blocks/perSector+1 || allocated > float64(2*n) {
		t.Errorf("%d sectors took %v allocations", n, allocated)
	}
}
