//go:build unix && !linux

package sbd

// SystemStart is not known here.
func SystemStart() string { return "" }
