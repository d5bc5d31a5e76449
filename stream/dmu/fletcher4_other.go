//go:build !amd64

package dmu

// add carries l on over p, which is a multiple of laneStep long.
func (l *lanes) add(p []byte) { l.addPlain(p) }
