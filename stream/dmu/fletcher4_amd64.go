package dmu

import "golang.org/x/sys/cpu"

// addAVX2 is lanes.addPlain with the processor's help.
//
//go:noescape
func addAVX2(l *lanes, p []byte)

// add carries l on over p, which is a multiple of 16 long.
func (l *lanes) add(p []byte) {
	if cpu.X86.HasAVX2 {
		addAVX2(l, p)
		return
	}
	l.addPlain(p)
}
