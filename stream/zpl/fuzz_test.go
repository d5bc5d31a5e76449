package zpl

import (
	"bytes"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// FuzzExtract damages the payloads of a small file system, which then has right checksums, and
// sees to it that nothing outside the destination changes.
func FuzzExtract(f *testing.F) {
	f.Add([]byte{0, 64, 1})
	f.Add([]byte{0, 200, '/', 1, 0, 255})
	f.Fuzz(func(t *testing.T, changes []byte) {
		if len(changes) > 300 {
			return
		}
		seen := 0
		stream := smallFS(t, binary.LittleEndian, func(p []byte) {
			for c := changes; len(c) >= 3; c = c[3:] {
				if at := int(binary.BigEndian.Uint16(c)) - seen; at >= 0 && at < len(p) {
					p[at] = c[2]
				}
			}
			seen += len(p)
		})
		out := t.TempDir()
		dir := filepath.Join(out, "in")
		if err := errors.Join(os.Mkdir(dir, 0o700), os.WriteFile(filepath.Join(out, "canary"), []byte("alive"), 0o600)); err != nil {
			t.Fatal(err)
		}
		_, _, _ = extract(t, dir, Options{}, stream) // damaged, or not: only the traces count
		left, err := os.ReadDir(out)
		if err != nil || len(left) != 2 {
			t.Fatalf("outside there is %v, %v", left, err)
		}
		if p, err := os.ReadFile(filepath.Join(out, "canary")); err != nil || string(p) != "alive" {
			t.Fatalf("the canary says %q, %v", p, err)
		}
	})
}

// FuzzEntries: no block of a ZAP does harm.
func FuzzEntries(f *testing.F) {
	s := newSample(f, binary.LittleEndian, 0, 1)
	f.Add(s.microZAP(named{"a", 1}, named{"b", 2}), uint16(512))
	f.Add(s.fatZAP(4096, 8, map[string][]uint64{"a long name, which takes several chunks": {1, 2, 3, 4}}), uint16(4096))
	f.Fuzz(func(t *testing.T, block []byte, size uint16) {
		for e, err := range entries(bytes.NewReader(block), int64(len(block)), int(size), binary.LittleEndian) {
			if err != nil && e.name != "" {
				t.Fatalf("%q with %v", e.name, err)
			}
			if len(e.name) > maxEntryName || len(e.value) > maxEntryValues {
				t.Fatalf("%d bytes of name, %d of value", len(e.name), len(e.value))
			}
			e.number()
			e.shorts()
		}
	})
}

// FuzzAttributes: no bonus does harm.
func FuzzAttributes(f *testing.F) {
	s := newSample(f, binary.LittleEndian, 0, 1)
	f.Add(s.bonus(meta{mode: modeSymlink, symlink: "there"}))
	f.Add(s.xattrSpill(map[string]string{"user.a": "b"}))
	c := &catalogue{attributes: map[uint16]attribute{}, layouts: map[uint16][]uint16{2: sampleLayout["2"], 3: sampleLayout["3"], 4: sampleLayout["4"]}}
	for i, a := range registered {
		c.attributes[uint16(i)] = a
	}
	f.Fuzz(func(t *testing.T, bonus []byte) {
		var a attributes
		if err := a.read(bonus, c, binary.LittleEndian); err == nil && !a.known {
			t.Fatal("nothing was read, and nothing said")
		}
		_ = new(attributes).readZnode(bonus, binary.LittleEndian) // must not panic
	})
}

// TestFatZAP: entries whose names and values take several chunks.
func TestFatZAP(t *testing.T) {
	for _, order := range []binary.ByteOrder{binary.LittleEndian, binary.BigEndian} {
		s := newSample(t, order, 0, 1)
		long := string(bytes.Repeat([]byte("name "), 40))
		zap := s.fatZAP(16<<10, 8, map[string][]uint64{"size": {7}, long: {1 << 60, 2, 3, 4, 5}})
		got := map[string]uint64{}
		for e, err := range entries(bytes.NewReader(zap), int64(len(zap)), 16<<10, order) {
			if err != nil {
				t.Fatal(err)
			}
			got[e.name] = e.number()
		}
		if len(got) != 2 || got["size"] != 7 || got[long] != 1<<60 {
			t.Errorf("%v", got)
		}
	}
}

// TestZnode: the attributes of file systems older than version 5.
func TestZnode(t *testing.T) {
	p := make([]byte, znodeSize)
	for i, v := range []uint64{5, 6, 7, 8} { // atime, mtime
		binary.LittleEndian.PutUint64(p[8*i:], v)
	}
	for i, v := range []uint64{1, modeSymlink | 0o777, 5, 3, 1, 9, 0, 0, 1000, 1001} {
		binary.LittleEndian.PutUint64(p[64+8*i:], v)
	}
	var a attributes
	err := a.readZnode(append(p, "there and padding"...), binary.LittleEndian)
	want := attributes{mode: modeSymlink | 0o777, size: 5, links: 1, uid: 1000, gid: 1001, xattr: 9, atime: [2]uint64{5, 6}, mtime: [2]uint64{7, 8}, symlink: "there", known: true}
	if err != nil || a.symlink != want.symlink || a.mode != want.mode || a.mtime != want.mtime || a.gid != want.gid || a.xattr != want.xattr || a.links != 1 {
		t.Errorf("%+v, %v", a, err)
	}
	if err := a.readZnode(p[:200], binary.LittleEndian); !errors.Is(err, errAttributes) {
		t.Error(err)
	}
}
