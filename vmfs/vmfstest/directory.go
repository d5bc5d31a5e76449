package vmfstest

// entry is an entry of a directory.
type entry struct {
	kind       Type
	number     int64
	generation uint32
	name       string
	remains    Remains // Alive, or what is left of it
}

// writeDirectories writes all directories.
func (b *builder) writeDirectories() {
	if b.spec.Version > 3 {
		b.writeSDD()
	}
	for _, n := range b.nodes {
		if n.file.Type != Directory || b.err != nil {
			continue
		}
		b.writeFile(n, b.directoryData(n, b.entries(n)))
	}
}

// writeSDD writes the system directory .sdd.sf, with nothing in it.
func (b *builder) writeSDD() {
	n := &node{file: &File{Path: "/.sdd.sf", Type: Directory, Mode: 0o40755}, parent: b.root, number: slotSDD, generation: 1}
	data := b.directoryData(n, nil)
	n.file.Type = system
	n.file.Layout = b.layoutOf(&File{Type: Directory}, int64(len(data)))
	b.writeFile(n, data)
}

// entries lists what is in a directory, without itself and its parent.
func (b *builder) entries(n *node) (list []entry) {
	if n == b.root {
		for _, f := range b.systemFiles() {
			list = append(list, entry{kind: system, number: f.slot, generation: 1, name: f.name})
		}
		if b.spec.Version > 3 {
			list = append(list, entry{kind: system, number: slotSDD, generation: 1, name: ".sdd.sf"})
		}
	}
	for _, c := range n.children {
		list = append(list, entry{kind: c.file.Type, number: c.number, generation: c.generation, name: c.name, remains: c.file.Deleted.Name})
	}
	return list
}

// directoryLength is the length of a directory of so many entries at most.
func (b *builder) directoryLength(entries int64) int64 {
	if b.six() {
		slots := b.slotsOf(blockOfEntries)
		return dirHeader + (2*(entries/slots+1)+entries/(2*b.spec.Alignment)+2)*b.spec.Alignment
	}
	return (entries + 2) * entrySize
}

// directoryData makes the contents of a directory.
func (b *builder) directoryData(n *node, list []entry) []byte {
	if b.six() {
		return b.directory6(n, list)
	}
	return b.directory3(n, list)
}

// entrySize is that of an entry on VMFS3 and 5 (bytes).
const entrySize = 140

// directory3 is the flat array of VMFS3 and 5.
func (b *builder) directory3(n *node, list []entry) []byte {
	list = append([]entry{
		{kind: n.file.Type, number: n.number, generation: n.generation, name: "."},
		{kind: Directory, number: n.parent.number, generation: n.parent.generation, name: ".."},
	}, list...)
	var data record
	for _, e := range list {
		data = append(data, b.entry3(e)...)
	}
	end := len(data)
	for i := 0; i < end/entrySize; i++ {
		switch slot := data[i*entrySize : (i+1)*entrySize]; list[i].remains {
		case Kept:
			slot.u32(4, 0)
		case Wiped:
			clear(slot)
		case Cleared:
			// The last entry is moved over it, and stays behind the end.
			end -= entrySize
			copy(slot, data[end:])
			list[i] = list[end/entrySize]
			i--
		}
	}
	n.slack = data[end:]
	return data[:end]
}

// entry3 is an entry of VMFS3 and 5.
func (b *builder) entry3(e entry) record {
	r := make(record, entrySize)
	r.u32(0, uint32(e.kind))
	r.u32(4, uint32(b.address(toFile, e.number)))
	r.u32(8, e.generation)
	r.text(12, 128, e.name)
	return r
}
