package vmfstest

import "path"

// entryAt is where an entry of a directory is in the volume, and on VMFS6 its block and slot.
func (e *edit) entryAt(name string) (at int64, p place) {
	dir, n := e.node(path.Dir(path.Clean("/"+name))), e.node(name)
	i := 0
	for _, c := range e.b.entries(dir) {
		if c.name == n.name {
			break
		}
		i++
	}
	off := int64(i+2) * entrySize
	if e.b.six() {
		slots := int(e.b.slotsOf(blockOfEntries))
		p = place{1 + i/slots, i % slots}
		off = dirHeader + int64(p.block)*e.b.spec.Alignment + blockHeader + int64(p.slot)*entry6Size
	}
	return e.inDirectory(dir, off), p
}

// inDirectory is where an offset of a directory's data is in the volume.
func (e *edit) inDirectory(dir *node, off int64) int64 {
	if dir.at == nil {
		return e.b.descriptorAt(dir.number)
	}
	return dir.at(off)
}

// revive makes an entry of a deleted file lead to a descriptor again, and be found.
func (e *edit) revive(name string, kind Type, to *node) {
	at, p := e.entryAt(name)
	e.set(at, uint32(kind))
	e.set(at+4, uint32(e.b.address(toFile, to.number)))
	e.set(at+8, to.generation)
	if e.b.six() {
		dir := e.node(path.Dir(path.Clean("/" + name)))
		block := e.inDirectory(dir, dirHeader+int64(p.block)*e.b.spec.Alignment)
		e.patch(block+8+int64(p.slot/8), 1, func(r record) { r[0] &^= 1 << (p.slot % 8) })
		e.add(block+6, 2, -1)
		e.add(e.inDirectory(dir, 4), 4, 1)
		e.hash(name, p.location(blockOfEntries))
	}
}

// remove takes an entry away.
func (e *edit) remove(name string) {
	at, p := e.entryAt(name)
	if !e.b.six() {
		e.set(at+4, 0)
		return
	}
	dir := e.node(path.Dir(path.Clean("/" + name)))
	block := e.inDirectory(dir, dirHeader+int64(p.block)*e.b.spec.Alignment)
	e.patch(block+8+int64(p.slot/8), 1, func(r record) { r[0] |= 1 << (p.slot % 8) })
	e.add(block+6, 2, 1)
	e.add(e.inDirectory(dir, 4), 4, -1)
	e.hash(name, 0)
}

// rename gives an entry another name, where it is.
func (e *edit) rename(name, to string) {
	at, p := e.entryAt(name)
	if !e.b.six() {
		e.patch(at+12, 128, func(r record) { clear(r); copy(r, to) })
		return
	}
	dir := path.Dir(path.Clean("/" + name))
	e.hash(name, 0)
	e.patch(at+0x18, 256, func(r record) { clear(r); copy(r, to) })
	hash, index := nameHash(to, dir == "/")
	e.patch(at+0x0C, 4, func(r record) { r.u16(0, uint16(index)); r.u16(2, hash) })
	e.set(e.inDirectory(e.node(dir), hashTable+int64(index)*4), p.location(blockOfEntries))
}

// hash sets what the hash table of VMFS6 has for a name.
func (e *edit) hash(name string, location uint32) {
	dir := path.Dir(path.Clean("/" + name))
	_, index := nameHash(path.Base(name), dir == "/")
	e.set(e.inDirectory(e.node(dir), hashTable+int64(index)*4), location)
}
