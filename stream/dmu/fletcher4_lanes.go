package dmu

// lanes are the sums a, b, c and d of four lanes each, which take every fourth word: the
// additions of one do not wait for those of another. They carry on over parts that are a multiple
// of 16 long.
type lanes [4][4]uint64

// addPlain carries l on over p, which is a multiple of 16 long.
func (l *lanes) addPlain(p []byte) {
	a0, a1, a2, a3 := l[0][0], l[0][1], l[0][2], l[0][3]
	b0, b1, b2, b3 := l[1][0], l[1][1], l[1][2], l[1][3]
	c0, c1, c2, c3 := l[2][0], l[2][1], l[2][2], l[2][3]
	d0, d1, d2, d3 := l[3][0], l[3][1], l[3][2], l[3][3]
	for ; len(p) >= 16; p = p[16:] {
		lo, hi := le.Uint64(p), le.Uint64(p[8:16])
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
	*l = lanes{{a0, a1, a2, a3}, {b0, b1, b2, b3}, {c0, c1, c2, c3}, {d0, d1, d2, d3}}
}

// fold makes one state of four lanes.
func (l *lanes) fold() Fletcher4 {
	a, b, c, d := &l[0], &l[1], &l[2], &l[3]
	return Fletcher4{
		a[0] + a[1] + a[2] + a[3],
		4*(b[0]+b[1]+b[2]+b[3]) - a[1] - 2*a[2] - 3*a[3],
		16*(c[0]+c[1]+c[2]+c[3]) - 6*b[0] - 10*b[1] - 14*b[2] - 18*b[3] + a[2] + 3*a[3],
		64*(d[0]+d[1]+d[2]+d[3]) - 48*c[0] - 64*c[1] - 80*c[2] - 96*c[3] + 4*b[0] + 10*b[1] + 20*b[2] + 34*b[3] - a[3],
	}
}
