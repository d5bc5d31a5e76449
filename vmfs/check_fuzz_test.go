package vmfs_test

import (
	"encoding/binary"
	"io"
	"slices"
	"testing"

	"github.com/lunarsan/lunar/vmfs"
	"github.com/lunarsan/lunar/vmfs/vmfstest"
)

// FuzzCheck damages a volume in any way, then checks it and reads what there is of it: no
// damage panics, or keeps either from an end. Of the input, the first byte chooses the version,
// and each eight bytes are a page of those that were written, an offset in it, and four bytes
// for there.
func FuzzCheck(f *testing.F) {
	versions := []int{3, 5, 6}
	var disks [3]*vmfstest.Disk
	var pages [3][]int64
	for i, version := range versions {
		written, img, err := vmfstest.Everything(version).Disks()
		if err != nil {
			f.Fatal(err)
		}
		disks[i], pages[i] = written[0], written[0].Pages()
		for _, m := range vmfstest.Mutations() {
			fork := written[0].Fork()
			if m.Apply(img, fork) == nil {
				f.Add(append([]byte{byte(i)}, difference(written[0], fork, pages[i])...))
			}
		}
	}
	f.Fuzz(func(t *testing.T, input []byte) {
		if len(input) == 0 {
			return
		}
		i := int(input[0]) % len(versions)
		disk := disks[i].Fork()
		for p := input[1:]; len(p) >= 8; p = p[8:] {
			at := pages[i][int(binary.LittleEndian.Uint16(p))%len(pages[i])] + int64(binary.LittleEndian.Uint16(p[2:]))%4093
			if _, err := disk.WriteAt(p[4:8], at); err != nil {
				t.Fatal(err)
			}
		}
		v, err := vmfs.Open(vmfs.Device{Name: "disk", ReaderAt: disk, Size: disk.Size})
		if err != nil {
			return
		}
		if r, err := v.Check(t.Context(), nil); err == nil && r == nil {
			t.Error("neither a report nor an error")
		}
		readAll(v)
	})
}

// difference is what was written to a fork, as the input of FuzzCheck.
func difference(d, fork *vmfstest.Disk, pages []int64) (input []byte) {
	before, after := make([]byte, 4096), make([]byte, 4096)
	for _, at := range fork.Pages() {
		n, ok := slices.BinarySearch(pages, at)
		if !ok {
			continue // a page that was never written before
		}
		if _, err := d.ReadAt(before, at); err != nil {
			panic(err)
		}
		if _, err := fork.ReadAt(after, at); err != nil {
			panic(err)
		}
		for off := 0; off < len(after); off += 4 {
			if string(before[off:off+4]) != string(after[off:off+4]) {
				input = binary.LittleEndian.AppendUint16(input, uint16(n))
				input = binary.LittleEndian.AppendUint16(input, uint16(off))
				input = append(input, after[off:off+4]...)
			}
		}
	}
	return input
}

// readAll lists everything, and reads the beginning of each file.
func readAll(v *vmfs.Volume) {
	root, err := v.Root()
	if err != nil {
		return
	}
	p := make([]byte, 4096)
	for n, err := range root.Walk() {
		if err != nil {
			continue
		}
		if f, err := n.File(); err == nil {
			if _, err := f.ReadAt(p, 0); err != nil && err != io.EOF {
				continue
			}
		}
	}
}
