package vmfstest

// plan makes the resource files, each as large as what the files need.
func (b *builder) plan() {
	need := b.count()
	b.vh = &systemFile{name: ".vh.sf", slot: slotVH}
	file := func(name string, slot int64) *systemFile { return &systemFile{name: name, slot: slot} }
	fd := &resource{file: file(".fdc.sf", slotFDC), lock: 0x10C00005, size: b.descriptorSize()}
	fb := &resource{file: file(".fbb.sf", slotFBB), lock: 0x10C00002}
	pb := &resource{file: file(".pbc.sf", slotPBC), lock: 0x10C00004, size: b.pageSize()}
	sb := &resource{file: file(".sbc.sf", slotSBC), lock: 0x10C00003, size: b.subBlock}
	pb2 := &resource{file: file(".pb2.sf", slotPB2), lock: 0x10C00006, size: b.pageSize()}
	b.of = map[addressKind]*resource{toFile: fd, toBlock: fb, toPointers: pb, toSubBlock: sb}
	b.resources = []*resource{fb, fd, pb, sb}
	if b.spec.Version > 3 {
		b.of[toSecondary] = pb2
		b.resources = append(b.resources, pb2)
	}
	switch b.spec.Version {
	case 3:
		fd.shape(32, 32)
		fb.shape(200, 32)
		pb.shape(16, 32)
		sb.shape(16, 32)
	case 5:
		fd.shape(64, 4)
		fb.shape(200, 32)
		pb.shape(16, 4)
		sb.shape(16, 4)
		pb2.shape(16, 4)
		if b.spec.Dense {
			sb.shape(64, 4)
		}
	case 6:
		fd.shape(64, 4)
		pb.shape(16, 4)
		sb.shape(64, 4)
		pb2.shape(16, 4)
		jb := &resource{file: file(".jbc.sf", slotJBC), lock: 0x10C00007, size: journalBlock}
		jb.shape(4, 4)
		b.of[toJournal] = jb
		b.planLarge(fb)
		b.resources = append(b.resources, jb, b.of[toLarge])
		jb.setTotal(need[toJournal]+b.spec.JournalBlocks, false)
	}
	for _, r := range b.resources {
		setDefault(&r.offset, 0x10000)
		r.header = 1024
		if b.six() {
			r.header = 2 * b.spec.Alignment
		}
	}
	if large := b.of[toLarge]; large != nil {
		fb.parentHeaders = large.perGroup * large.header
		fb.parentSize = large.groupSize()
	}
	fb.setTotal(b.vol.size/b.blockSize, true)
	fd.setTotal(max(need[toFile]+systemSlots+8, b.spec.Descriptors), false)
	sb.setTotal(max(need[toSubBlock]+8, b.spec.SubBlocks), false)
	if b.spec.Version > 3 {
		pb2.setTotal(max(need[toSecondary]+8, b.spec.SecondaryBlocks), false)
	}
	if !b.six() {
		pb.setTotal(max(need[toPointers]+8, b.spec.PointerBlocks), false)
	}
	for n := range map[int]int64{3: slotPB2, 5: slotJBC, 6: systemSlots}[b.spec.Version] {
		fd.mark(n)
	}
	fd.next = systemSlots
}

// journalBlock is the size of VMFS6's journal blocks (bytes).
const journalBlock = 2 << 20

// shape says how many resources a cluster and how many clusters a group have.
func (r *resource) shape(perCluster, perGroup int64) { r.perCluster, r.perGroup = perCluster, perGroup }

// planLarge puts the small blocks' clusters, one for each large block, inside the groups of the
// large blocks' bitmap.
func (b *builder) planLarge(small *resource) {
	large := &resource{file: small.file, lock: 0x10C00002, child: small}
	large.shape(64, 4)
	small.shape(LargeBlock/b.blockSize, 32)
	small.inParent = large.perCluster * large.perGroup / small.perGroup
	small.meta = b.spec.Alignment
	large.offset = max(0x10000, 2*b.spec.Alignment)
	small.offset = large.offset
	large.setTotal((b.vol.size+LargeBlock-1)/LargeBlock, true)
	b.of[toLarge] = large
}

// countLarge marks the large blocks that have small ones in use.
func (b *builder) countLarge() {
	large := b.of[toLarge]
	if large == nil {
		return
	}
	for n := range large.total {
		for i := range min(large.child.perCluster, large.child.total-n*large.child.perCluster) {
			if large.child.taken(n*large.child.perCluster + i) {
				large.mark(n)
				break
			}
		}
	}
}

// count is how many resources of each kind the files need at most.
func (b *builder) count() map[addressKind]int64 {
	need := make(map[addressKind]int64)
	for _, n := range b.nodes {
		need[toFile]++
		if n.file.Type == Directory {
			need[toSubBlock]++ // in case it is shorter than its entries may make it
		}
		if n.file.Type == RawDevice {
			continue
		}
		length := b.lengthOf(n)
		layout := b.layoutOf(n.file, length)
		blocks := (length + b.unitOf(n.file) - 1) / b.unitOf(n.file)
		pages := (blocks + b.perPage() - 1) / b.perPage()
		switch layout {
		case SubBlock:
			need[toSubBlock] += (length + b.subBlock - 1) / b.subBlock
		case Indirect:
			need[b.pointerKind()] += pages
		case SecondaryBlocks:
			need[toSecondary] += pages
		case Double:
			need[b.pointerKind()] += min(pages, mapped(n.file, b.unitOf(n.file))+1) + 8
		}
	}
	// The files of the resources may themselves need some.
	need[b.pointerKind()] += 8
	need[toSecondary] += 8
	for _, h := range b.spec.Heartbeats {
		if h.Journal {
			need[toJournal]++
		}
	}
	need[toJournal] += 4
	return need
}

// mapped is how many pages of pointers the pieces of a file touch at most.
func mapped(f *File, unit int64) (pages int64) {
	if len(f.Map) == 0 {
		return f.Size / unit
	}
	for _, p := range f.Map {
		if p.Kind != Hole {
			pages += p.Length/unit/1024 + 2
		}
	}
	return pages
}
