package vmfstest

// layoutOf is how a file's data is found: as told, or as ESXi chooses.
func (b *builder) layoutOf(f *File, length int64) Layout {
	blocks := (length + b.unitOf(f) - 1) / b.unitOf(f)
	switch {
	case f.Layout != Auto:
		return f.Layout
	case f.Type == Directory && b.six(), f.Path == "/", len(f.Map) > 0, f.BlockSize != 0:
	case b.spec.Version > 3 && length <= b.residentSize() && f.Type != Directory:
		return Resident
	case length <= b.subBlock:
		return SubBlock
	}
	switch {
	case blocks <= b.inDescriptor():
		return Direct
	case blocks <= b.inDescriptor()*b.perPage():
		return Indirect
	}
	return Double
}

// unitOf is what one address stands for, in bytes.
func (b *builder) unitOf(f *File) int64 {
	if f.BlockSize != 0 {
		return f.BlockSize
	}
	return b.blockSize
}

// writeFiles writes all files but the directories, in the order of the description.
func (b *builder) writeFiles() {
	for i, n := range b.nodes {
		var err error
		if n != b.root {
			if n.number, err = b.of[toFile].take(); err != nil {
				b.fail(err)
			}
			n.generation = uint32(i)
			b.of[toFile].lastGeneration = max(b.of[toFile].lastGeneration, n.generation)
		}
		if b.err != nil {
			return
		}
		if n.file.Type == Directory {
			continue
		}
		b.writeFile(n, n.file.stored())
		if n.file.Deleted.Descriptor != Alive && n.file.Deleted.Early {
			b.deleteFile(n)
		}
	}
}

// writeFile writes a file's data and its descriptor. The data is given, or by the file's seed.
func (b *builder) writeFile(n *node, data []byte) {
	f := n.file
	d := &descriptor{
		number: n.number, generation: n.generation, links: n.links(b.spec.Version), kind: f.Type,
		length: b.lengthOf(n), blockSize: b.unitOf(f), mode: f.Mode, uid: f.UID, gid: f.GID,
		parent: b.address(toFile, n.parent.number), lock: f.Lock,
	}
	if data != nil {
		d.length = int64(len(data))
	}
	if f.Deleted.Descriptor != Alive {
		d.owned = []owned{}
		n.descriptor = d
	}
	w := &writer{b: b, n: n, d: d, data: data}
	switch layout := b.layoutOf(f, d.length); {
	case f.Type == RawDevice:
		disk := make(record, diskIDSize)
		id := f.Disk.withDefaults(b.spec.Seed, 100+int(n.number))
		id.put(disk)
		d.resident, d.zla = disk, zlaBlocks
	case layout == Resident:
		d.zla, d.resident = zlaResident, make([]byte, d.length)
		w.fill(0, d.resident)
	case layout == SubBlock:
		d.zla, d.blockSize = zlaSubBlocks, b.subBlock
		w.subBlocks()
	case layout == Indirect:
		d.zla = zlaPointers
		w.blocks(b.pointerKind())
	case layout == SecondaryBlocks:
		d.zla = zlaSecondary
		w.blocks(toSecondary)
	case layout == Double:
		d.zla = zlaDouble
		w.blocks(b.pointerKind())
	default:
		d.zla = zlaBlocks
		w.blocks(0)
	}
	if b.left[d.number] {
		b.write(b.descriptorAt(d.number), make([]byte, b.descriptorSize()))
	}
	b.writeDescriptor(d)
}
