package vmfstest

import "fmt"

// mapper puts the addresses of a file's blocks where they belong: into the descriptor, or into
// pages of pointers that it allocates and writes. Indexes have to go up.
type mapper struct {
	b       *builder
	d       *descriptor
	above   *mapper // nil: this is the descriptor's own array
	kind    addressKind
	index   int64 // which page this is, -1 for none yet
	entries []uint64
}

// newMapper makes one for so many levels of pages of a kind.
func (b *builder) newMapper(d *descriptor, levels int, kind addressKind) *mapper {
	m := &mapper{b: b, d: d}
	for range levels {
		m = &mapper{b: b, d: d, above: m, kind: kind, index: -1, entries: make([]uint64, b.perPage())}
	}
	return m
}

// set gives the ith block an address.
func (m *mapper) set(i int64, address uint64) {
	if m.above == nil {
		if i >= m.b.inDescriptor() {
			m.b.fail(fmt.Errorf("block %d of a file: a descriptor has %d addresses; choose another layout", i, m.b.inDescriptor()))
			return
		}
		for int64(len(m.d.addresses)) <= i {
			m.d.addresses = append(m.d.addresses, 0)
		}
		m.d.addresses[i] = address
		return
	}
	if page := i / int64(len(m.entries)); page != m.index {
		m.flush()
		m.index = page
	}
	m.entries[i%int64(len(m.entries))] = address
}

// close writes the pages that are not written yet.
func (m *mapper) close() {
	if m.above != nil {
		m.flush()
		m.above.close()
	}
}

// flush writes the page, and tells the level above where.
func (m *mapper) flush() {
	if m.index < 0 || m.b.err != nil {
		return
	}
	r := m.b.of[m.kind]
	n, err := r.take()
	if err != nil {
		m.b.fail(err)
		return
	}
	m.d.own(m.kind, n)
	m.d.pages++
	m.b.writeSystem(r.file, r.at(n), m.b.encode(m.entries))
	m.above.set(m.index, m.b.address(m.kind, n))
	clear(m.entries)
}

// own notes a resource, if it is to be freed later.
func (d *descriptor) own(kind addressKind, n int64) {
	if d.owned != nil {
		d.owned = append(d.owned, owned{kind, n})
	}
}

// pointerKind is what pointer blocks are: VMFS6 has them in sub-blocks.
func (b *builder) pointerKind() addressKind {
	if b.six() {
		return toSubBlock
	}
	return toPointers
}

// pageSize is that of a pointer block, in bytes.
func (b *builder) pageSize() int64 {
	if b.six() {
		return 64 << 10
	}
	return 4 << 10
}

// perPage is how many addresses a pointer block has.
func (b *builder) perPage() int64 { return b.pageSize() / b.addressSize() }
