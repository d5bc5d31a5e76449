//go:build !amd64

package dmu

// add carries l on over p, which is a multiple of 16 long.
func (l *lanes) add(p []byte) { l.addPlain(p) }
