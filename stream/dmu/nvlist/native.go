package nvlist

// placeholder is the length of a nested list in its pair: version, flags, and what only the
// memory of the sender gave meaning (bytes).
const placeholder = 24

// nativePairs takes pairs until their end into l.
func (c *cursor) nativePairs(l *List, depth int) {
	if depth == 0 {
		c.fail("lists nest too deep")
	}
	for c.err == nil {
		size := c.uint32()
		if size == 0 {
			return
		}
		if size < 24 || size%8 != 0 || uint64(size)-4 > uint64(len(c.rest)) {
			c.fail("a pair of %d bytes", size)
			return
		}
		in := &cursor{rest: c.take(int(size) - 4), size: c.size - len(c.rest), order: c.order}
		p, n := in.nativeHead()
		nested := in.nativeValue(&p, n)
		if in.err == nil && len(in.rest) >= 8 {
			in.fail("%d bytes behind a value", len(in.rest))
		}
		if in.err != nil {
			c.err = in.err
			return
		}
		for _, inner := range nested {
			c.nativePairs(inner, depth-1)
		}
		l.Pairs = append(l.Pairs, p)
	}
}

// nativeHead takes what goes before a value, and returns the number of elements too.
func (c *cursor) nativeHead() (p Pair, elements uint32) {
	nameLen := int(c.number(2))
	c.take(2)
	elements = c.uint32()
	p.Type = Type(c.uint32())
	name := &cursor{rest: c.take(nameLen), size: c.size - len(c.rest), order: c.order, err: c.err}
	p.Name = name.terminated()
	if c.err == nil {
		c.err = name.err
	}
	c.padded(nameLen, 8)
	return p, elements
}

// nativeValue takes a value, without its padding, and returns the lists whose pairs follow.
func (c *cursor) nativeValue(p *Pair, elements uint32) (nested []*List) {
	switch width := 0; p.Type.shape() {
	case empty:
	case number:
		p.Value = p.Type.narrow(c.number(types[p.Type].width))
	case numbers:
		width = types[p.Type].width
		v := make([]uint64, c.count(elements, width))
		for i := range v {
			v[i] = p.Type.narrow(c.number(width))
		}
		p.Value = v
	case octets:
		p.Value = append([]byte{}, c.take(c.count(elements, 1))...)
	case text:
		p.Value = c.terminated()
	case texts:
		v := make([]string, c.count(elements, 9))
		c.take(8 * len(v))
		for i := range v {
			v[i] = c.terminated()
		}
		p.Value = v
	case list:
		nested = []*List{c.nativePlaceholder()}
		p.Value = nested[0]
	case lists:
		nested = make([]*List, c.count(elements, 8+placeholder))
		c.take(8 * len(nested))
		for i := range nested {
			nested[i] = c.nativePlaceholder()
		}
		p.Value = nested
	default:
		c.fail("%v of %q is not known", p.Type, p.Name)
	}
	return nested
}

func (c *cursor) nativePlaceholder() *List {
	l := &List{Version: int32(c.uint32()), Flags: c.uint32()}
	c.take(placeholder - 8)
	return l
}

// nativePairs appends the pairs of l and their end.
func (w *packer) nativePairs(l *List) {
	for _, p := range l.Pairs {
		if !w.check(p) {
			return
		}
		start := len(w.out)
		w.uint32(0) // the size, when it is known
		w.number(uint64(len(p.Name)+1), 2)
		w.zeros(2)
		w.uint32(uint32(p.elements()))
		w.uint32(uint32(p.Type))
		w.out = append(append(w.out, p.Name...), 0)
		w.pad(start, 8)
		nested := w.nativeValue(p)
		w.pad(start, 8)
		w.order.PutUint32(w.out[start:], uint32(len(w.out)-start))
		for _, inner := range nested {
			w.nativePairs(inner)
		}
	}
	w.uint32(0)
}

// nativeValue appends a value, and returns the lists whose pairs follow.
func (w *packer) nativeValue(p Pair) (nested []*List) {
	switch v := p.Value.(type) {
	case uint64:
		w.number(v, types[p.Type].width)
	case []uint64:
		for _, n := range v {
			w.number(n, types[p.Type].width)
		}
	case []byte:
		w.out = append(w.out, v...)
	case string:
		w.out = append(append(w.out, v...), 0)
	case []string:
		w.zeros(8 * len(v))
		for _, s := range v {
			w.out = append(append(w.out, s...), 0)
		}
	case *List:
		nested = []*List{v}
	case []*List:
		w.zeros(8 * len(v))
		nested = v
	}
	for _, inner := range nested {
		w.uint32(uint32(inner.Version))
		w.uint32(inner.Flags)
		w.zeros(placeholder - 8)
	}
	return nested
}
