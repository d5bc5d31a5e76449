package vmfstest

// Slots of the system files in the first cluster of descriptors.
const (
	slotRoot = iota
	slotFBB
	slotFDC
	slotPBC
	slotSBC
	slotVH
	slotPB2
	slotSDD
	slotJBC
	systemSlots
)

// systemFile is a file that holds a resource, or the headers.
type systemFile struct {
	name   string
	slot   int64
	length int64
	blocks []int64 // file blocks, in order
}

// logical is where an offset of the file is in the volume.
func (f *systemFile) logical(off, blockSize int64) int64 {
	return f.blocks[off/blockSize]*blockSize + off%blockSize
}

// writeSystem writes at an offset of a system file, through its blocks.
func (b *builder) writeSystem(f *systemFile, off int64, p []byte) {
	for len(p) > 0 {
		n := min(int64(len(p)), b.blockSize-off%b.blockSize)
		b.write(f.logical(off, b.blockSize), p[:n])
		p, off = p[n:], off+n
	}
}

// layOut gives the system files their blocks: the headers, the descriptors from where they are
// looked for, then the others.
func (b *builder) layOut() {
	base := b.descriptorBase() / b.blockSize
	for n := range base {
		b.of[toBlock].mark(n)
		b.vh.blocks = append(b.vh.blocks, n)
	}
	b.vh.length = base * b.blockSize
	for _, r := range b.resources {
		if r.parentSize == 0 { // a file of its own
			r.file.length = r.length()
		}
	}
	if lfb := b.of[toLarge]; lfb != nil {
		lfb.file.length = max(lfb.length(), lfb.child.length())
	}
	next := base
	for _, f := range b.systemFiles() {
		if f == b.vh {
			continue
		}
		for n := int64(0); n*b.blockSize < f.length; n++ {
			// The first descriptors are found by their place, so the first blocks are adjacent.
			block := b.takeBlock(next)
			f.blocks = append(f.blocks, block)
			next = block + 1
			if b.spec.Scatter && (f.slot != slotFDC || n >= 1) {
				next++
			}
		}
	}
}

// takeBlock takes the first free file block from n on.
func (b *builder) takeBlock(n int64) int64 {
	r := b.of[toBlock]
	block, err := r.free(max(n, r.next))
	if err != nil {
		b.fail(err)
		return 0
	}
	r.mark(block)
	return block
}

// systemFiles lists them in the order in which they are laid out.
func (b *builder) systemFiles() []*systemFile {
	files := []*systemFile{b.vh, b.of[toFile].file, b.of[toBlock].file, b.of[toPointers].file, b.of[toSubBlock].file}
	for _, kind := range []addressKind{toSecondary, toJournal} {
		if r := b.of[kind]; r != nil {
			files = append(files, r.file)
		}
	}
	return files
}

// descriptorBase is where .fdc.sf begins in the volume.
func (b *builder) descriptorBase() int64 {
	if b.six() {
		return (b.spec.Alignment<<10 + 0x3FFFFF) &^ 0xFFFFF
	}
	return b.blockSize * ((b.blockSize + 0x3FFFFF) / b.blockSize)
}

// writeSystemDescriptors writes the descriptors of the system files.
func (b *builder) writeSystemDescriptors() {
	for _, f := range b.systemFiles() {
		d := &descriptor{
			number: f.slot, generation: 1, links: 1, kind: system, length: f.length,
			blockSize: b.blockSize, mode: 0o400, zla: zlaBlocks, parent: b.address(toFile, slotRoot),
		}
		pages := toPointers
		switch {
		case int64(len(f.blocks)) <= b.inDescriptor():
		case f.slot == slotSBC && b.six():
			// The file of the pointer blocks cannot be found through itself.
			d.zla, pages = zlaSecondary, toSecondary
		default:
			d.zla, pages = zlaPointers, b.pointerKind()
		}
		m := b.newMapper(d, levelsOf(d.zla), pages)
		for i, block := range f.blocks {
			m.set(int64(i), b.address(toBlock, block))
		}
		d.blocks = int64(len(f.blocks))
		m.close()
		b.writeDescriptor(d)
	}
}
