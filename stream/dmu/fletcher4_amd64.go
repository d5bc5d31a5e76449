package dmu

import "golang.org/x/sys/cpu"

// lanesAVX2 is sumLanes before its folding: the sums a, b, c and d of four lanes each. p is a
// multiple of 16 long.
//
//go:noescape
func lanesAVX2(p []byte, lanes *[4][4]uint64)

// sumLanes is the state over p from zero, p being a multiple of 16 long.
func sumLanes(p []byte) Fletcher4 {
	if !cpu.X86.HasAVX2 {
		return sumLanesPlain(p)
	}
	var l [4][4]uint64
	lanesAVX2(p, &l)
	return foldLanes(l[0], l[1], l[2], l[3])
}
