package nvlist

// xdrPairs takes pairs until their end into l.
func (c *cursor) xdrPairs(l *List, depth int) {
	if depth == 0 {
		c.fail("lists nest too deep")
	}
	for c.err == nil {
		c.uint32() // its size, which receivers do not look at either
		if c.uint32() == 0 {
			return
		}
		p := Pair{Name: c.xdrString(), Type: Type(c.uint32())}
		elements := c.uint32()
		c.xdrValue(&p, elements, depth)
		l.Pairs = append(l.Pairs, p)
	}
}

func (c *cursor) xdrString() string {
	n := c.count(c.uint32(), 1)
	s := string(c.take(n))
	c.padded(n, 4)
	return s
}

// xdrNumber takes an integer, which has a unit of 4 bytes to itself, or two.
func (c *cursor) xdrNumber(t Type) uint64 { return t.narrow(c.number(max(4, types[t].width))) }

func (c *cursor) xdrValue(p *Pair, elements uint32, depth int) {
	switch p.Type.shape() {
	case empty:
	case number:
		p.Value = c.xdrNumber(p.Type)
	case numbers:
		if elements > 0 && c.uint32() != elements {
			c.fail("%q says two numbers of elements", p.Name)
		}
		v := make([]uint64, c.count(elements, max(4, types[p.Type].width)))
		for i := range v {
			v[i] = c.xdrNumber(p.Type)
		}
		p.Value = v
	case octets:
		n := c.count(elements, 1)
		p.Value = append([]byte{}, c.take(n)...)
		c.padded(n, 4)
	case text:
		p.Value = c.xdrString()
	case texts:
		v := make([]string, c.count(elements, 4))
		for i := range v {
			v[i] = c.xdrString()
		}
		p.Value = v
	case list:
		p.Value = c.xdrList(depth)
	case lists:
		v := make([]*List, c.count(elements, 16))
		for i := range v {
			v[i] = c.xdrList(depth)
		}
		p.Value = v
	default:
		c.fail("%v of %q is not known", p.Type, p.Name)
	}
}

func (c *cursor) xdrList(depth int) *List {
	l := &List{Version: int32(c.uint32()), Flags: c.uint32()}
	c.xdrPairs(l, depth-1)
	return l
}

// xdrPairs appends the pairs of l and their end.
func (w *packer) xdrPairs(l *List) {
	for _, p := range l.Pairs {
		if !w.check(p) {
			return
		}
		start := len(w.out)
		w.uint32(0) // the size, when it is known
		w.uint32(uint32(p.nativeSize()))
		w.xdrString(p.Name)
		w.uint32(uint32(p.Type))
		w.uint32(uint32(p.elements()))
		w.xdrValue(p)
		size := len(w.out) - start
		if p.Type.shape() == numbers && p.elements() == 0 {
			size += 4 // libnvpair counts a number of elements that it does not write
		}
		w.order.PutUint32(w.out[start:], uint32(size))
	}
	w.zeros(8)
}

func (w *packer) xdrString(s string) {
	w.uint32(uint32(len(s)))
	start := len(w.out)
	w.out = append(w.out, s...)
	w.pad(start, 4)
}

func (w *packer) xdrValue(p Pair) {
	width := max(4, types[p.Type].width)
	switch v := p.Value.(type) {
	case uint64:
		w.number(p.Type.narrow(v), width)
	case []uint64:
		if len(v) > 0 {
			w.uint32(uint32(len(v)))
		}
		for _, n := range v {
			w.number(p.Type.narrow(n), width)
		}
	case []byte:
		start := len(w.out)
		w.out = append(w.out, v...)
		w.pad(start, 4)
	case string:
		w.xdrString(v)
	case []string:
		for _, s := range v {
			w.xdrString(s)
		}
	case *List:
		w.xdrList(v)
	case []*List:
		for _, l := range v {
			w.xdrList(l)
		}
	}
}

func (w *packer) xdrList(l *List) {
	w.uint32(uint32(l.Version))
	w.uint32(l.Flags)
	w.xdrPairs(l)
}

// nativeSize is how long the pair is in native encoding, without the pairs of nested lists: the
// receiver of XDR makes that much room for it.
func (p Pair) nativeSize() int {
	size := 0
	switch v := p.Value.(type) {
	case uint64:
		size = types[p.Type].width
	case []uint64:
		size = len(v) * types[p.Type].width
	case []byte:
		size = len(v)
	case string:
		size = len(v) + 1
	case []string:
		size = 8 * len(v)
		for _, s := range v {
			size += len(s) + 1
		}
	case *List:
		size = placeholder
	case []*List:
		size = len(v) * (8 + placeholder)
	}
	return align(16+len(p.Name)+1, 8) + align(size, 8)
}
