//go:build !amd64

package dmu

// sumLanes is the state over p from zero, p being a multiple of 16 long.
func sumLanes(p []byte) Fletcher4 { return sumLanesPlain(p) }
