//go:build !linux

package iscsi

import "net"

// setUserTimeout does nothing: there is no such option. The watch notices stalled writes.
func setUserTimeout(*net.TCPConn, int) error { return nil }
