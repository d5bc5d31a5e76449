//go:build !linux

package control

// limitFiles makes the victim's disk full, on Linux.
func limitFiles() {}
