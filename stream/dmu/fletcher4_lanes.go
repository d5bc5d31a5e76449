package dmu

// sumLanesPlain is the state over p from zero, p being a multiple of 16 long. Four lanes take
// every fourth word each: the additions of one do not wait for those of another.
func sumLanesPlain(p []byte) Fletcher4 {
	var a0, a1, a2, a3, b0, b1, b2, b3, c0, c1, c2, c3, d0, d1, d2, d3 uint64
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
	return foldLanes([4]uint64{a0, a1, a2, a3}, [4]uint64{b0, b1, b2, b3}, [4]uint64{c0, c1, c2, c3}, [4]uint64{d0, d1, d2, d3})
}

// foldLanes makes one state of four lanes.
func foldLanes(a, b, c, d [4]uint64) Fletcher4 {
	return Fletcher4{
		a[0] + a[1] + a[2] + a[3],
		4*(b[0]+b[1]+b[2]+b[3]) - a[1] - 2*a[2] - 3*a[3],
		16*(c[0]+c[1]+c[2]+c[3]) - 6*b[0] - 10*b[1] - 14*b[2] - 18*b[3] + a[2] + 3*a[3],
		64*(d[0]+d[1]+d[2]+d[3]) - 48*c[0] - 64*c[1] - 80*c[2] - 96*c[3] + 4*b[0] + 10*b[1] + 20*b[2] + 34*b[3] - a[3],
	}
}
