//go:build !peers

package wire

// serveSink is for the tests against other programs.
func serveSink() {}
