package vmfstest

import "fmt"

// Shapes are volumes with everything on them, in all the shapes that a volume can have, by what
// is special in each.
func Shapes() map[string]Spec {
	shapes := map[string]Spec{
		"VMFS3": Everything(3),
		"VMFS5": Everything(5),
		"VMFS6": Everything(6),
	}
	add := func(name string, version int, change func(*Spec)) {
		s := Everything(version)
		change(&s)
		shapes[name] = s
	}
	add("VMFS3 with blocks of 2 MiB", 3, func(s *Spec) { s.BlockSize = 2 * mib })
	add("VMFS3 with blocks of 4 MiB", 3, func(s *Spec) { s.BlockSize = 4 * mib })
	add("VMFS3 with blocks of 8 MiB", 3, func(s *Spec) { s.BlockSize = 8 * mib })
	add("VMFS3 scattered", 3, func(s *Spec) { s.Scatter, s.SubBlocks = true, 100 })
	add("VMFS5 scattered", 5, func(s *Spec) { s.Scatter, s.SubBlocks = true, 500 })
	add("VMFS6 scattered", 6, func(s *Spec) { s.Scatter, s.Descriptors = true, 500 })
	add("VMFS5 with dense sub-blocks", 5, func(s *Spec) { s.Dense = true })
	add("VMFS6 with metadata of 8 KiB", 6, func(s *Spec) { s.Alignment = 8 * kib })
	add("VMFS6 with metadata of 64 KiB", 6, func(s *Spec) { s.Alignment = 64 * kib })
	add("VMFS3 in an MBR", 3, func(s *Spec) { s.Devices = []Device{{Table: MBR, Extents: []Run{{0, 8}}}} })
	add("VMFS5 in an MBR", 5, func(s *Spec) { s.Devices = []Device{{Table: MBR, Extents: []Run{{0, 8}}}} })
	add("VMFS5 in a GPT", 5, func(s *Spec) { s.Devices = []Device{{Table: GPT, Extents: []Run{{0, 8}}}} })
	add("VMFS6 in a GPT", 6, func(s *Spec) { s.Devices = []Device{{Table: GPT, Extents: []Run{{0, 16}}}} })
	add("VMFS5 with its table lost", 5, func(s *Spec) { s.Devices = []Device{{Table: Lost, Extents: []Run{{0, 8}}}} })
	add("VMFS6 somewhere on a disk", 6, func(s *Spec) { s.Devices = []Device{{Table: GPT, Start: 123_456, Extents: []Run{{0, 16}}}} })
	add("VMFS3 on two devices", 3, func(s *Spec) { s.Devices = []Device{{Extents: []Run{{0, 1}}}, {Extents: []Run{{1, 7}}}} })
	add("VMFS5 on three devices", 5, func(s *Spec) {
		s.Devices = []Device{{Extents: []Run{{0, 1}}}, {Table: GPT, Extents: []Run{{1, 3}}}, {Table: MBR, Extents: []Run{{4, 4}}}}
	})
	add("VMFS5 grown on both devices", 5, func(s *Spec) {
		s.Devices = []Device{{Extents: []Run{{0, 1}, {2, 3}, {6, 2}}}, {Extents: []Run{{1, 1}, {5, 1}}}}
	})
	add("VMFS6 on two devices", 6, func(s *Spec) { s.Devices = []Device{{Extents: []Run{{0, 5}}}, {Extents: []Run{{5, 11}}}} })
	add("VMFS6 grown in long extents", 6, func(s *Spec) {
		s.LongExtents = true
		s.Devices = []Device{{Extents: []Run{{0, 5}, {8, 8}}}, {Extents: []Run{{5, 3}}}}
	})
	return shapes
}

// Many describes a volume of 2 TiB with so many files in directories of a thousand: in each the
// first is a disk, and the others are small. Nothing is written but metadata.
func Many(version, count int) Spec {
	s := Spec{Version: version, Label: "many", Size: 2048 * gib}
	for i := range count {
		f := File{Path: fmt.Sprintf("/dir-%03d/file-%06d", i/1000, i), Size: int64(i % 1000)}
		if i%1000 == 0 {
			f.Size = 5*gib + int64(i)
		} else if i%7 == 0 {
			f.Size = 3 * mib
		}
		s.Files = append(s.Files, f)
	}
	return s
}
