package dmu

import "golang.org/x/sys/cpu"

// addAVX2 and addAVX512 are lanes.addPlain with the processor's help.
//
//go:noescape
func addAVX2(l *lanes, p []byte)

//go:noescape
func addAVX512(l *lanes, p []byte)

// add carries l on over p, which is a multiple of laneStep long. The first processors with
// AVX-512 slow down for it, those with VBMI2 do not.
func (l *lanes) add(p []byte) {
	switch {
	case cpu.X86.HasAVX512F && cpu.X86.HasAVX512VBMI2:
		addAVX512(l, p)
	case cpu.X86.HasAVX2:
		addAVX2(l, p)
	default:
		l.addPlain(p)
	}
}
