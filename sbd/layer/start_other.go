//go:build unix && !linux

package layer

// systemStart is not known here: what a process that is killed has not synced is lost.
func systemStart() string { return "" }
