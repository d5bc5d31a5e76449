package dmu

// lanes are the sums a, b, c and d of eight lanes each, which take every eighth word: the
// additions of one do not wait for those of another. They carry on over parts that are a multiple
// of laneStep long.
type lanes [4][8]uint64

// laneStep has a word for each lane (bytes).
const laneStep = 32

// addPlain carries l on over p, which is a multiple of laneStep long: the first half of the lanes,
// then the other, as processors have registers for no more.
func (l *lanes) addPlain(p []byte) {
	l.addHalf(p, 0)
	l.addHalf(p, 4)
}

// addHalf carries the four lanes from first on over p.
func (l *lanes) addHalf(p []byte, first int) {
	a, b, c, d := (*[4]uint64)(l[0][first:]), (*[4]uint64)(l[1][first:]), (*[4]uint64)(l[2][first:]), (*[4]uint64)(l[3][first:])
	a0, a1, a2, a3 := a[0], a[1], a[2], a[3]
	b0, b1, b2, b3 := b[0], b[1], b[2], b[3]
	c0, c1, c2, c3 := c[0], c[1], c[2], c[3]
	d0, d1, d2, d3 := d[0], d[1], d[2], d[3]
	for i := 4 * first; i+16 <= len(p); i += laneStep {
		four := p[i : i+16]
		lo, hi := le.Uint64(four), le.Uint64(four[8:])
		a0 += lo & 0xffffffff
		a1 += lo >> 32
		a2 += hi & 0xffffffff
		a3 += hi >> 32
		b0 += a0
		b1 += a1
		b2 += a2
		b3 += a3
		c0 += b0
		c1 += b1
		c2 += b2
		c3 += b3
		d0 += c0
		d1 += c1
		d2 += c2
		d3 += c3
	}
	*a, *b, *c, *d = [4]uint64{a0, a1, a2, a3}, [4]uint64{b0, b1, b2, b3}, [4]uint64{c0, c1, c2, c3}, [4]uint64{d0, d1, d2, d3}
}

// fold makes one state of the lanes. A word of lane i that has u words of its lane from itself on
// has 8u-i of the stream, and counts in a state's sums 1, 8u-i, choose2(8u-i+1) and
// choose3(8u-i+2) times; in its lane's 1, u, choose2(u+1) and choose3(u+2) times.
func (l *lanes) fold() (f Fletcher4) {
	for i, a := range l[0] {
		b, c, d, n := l[1][i], l[2][i], l[3][i], uint64(i)
		f[0] += a
		f[1] += 8*b - n*a
		f[2] += 64*c - (28+8*n)*b + n*(n-1)/2*a
		f[3] += 512*d - (448+64*n)*c + (56+24*n+4*n*n)*b - n*(n-1)*(n-2)/6*a
	}
	return f
}
