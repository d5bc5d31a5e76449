package vmfstest

// delete deletes what is to be deleted when all files are there.
func (b *builder) delete() {
	for _, n := range b.nodes {
		if f := n.file; f.Deleted.Descriptor != Alive && !f.Deleted.Early {
			b.deleteFile(n)
		}
	}
}

// deleteFile frees what a file has, and leaves of its descriptor what is to be left.
func (b *builder) deleteFile(n *node) {
	for _, o := range n.descriptor.owned {
		if o.kind != toLarge {
			b.of[o.kind].release(o.n)
			continue
		}
		small := b.of[toBlock]
		for i := range small.perCluster {
			small.release(o.n*small.perCluster + i)
		}
		b.nextLarge = min(b.nextLarge, o.n)
	}
	b.of[toFile].release(n.number)
	b.left[n.number] = true
	d := *n.descriptor
	d.links = 0
	at := b.descriptorAt(n.number)
	switch n.file.Deleted.Descriptor {
	case Kept:
		b.writeDescriptor(&d)
	case Cleared:
		d.addresses, d.resident = nil, nil
		d.length, d.blocks, d.tbz, d.pages, d.large = 0, 0, 0, 0, 0
		b.write(at+b.residentAt(), make([]byte, b.residentSize()))
		b.writeDescriptor(&d)
	case Wiped:
		b.write(at, make([]byte, b.descriptorSize()))
	}
}
