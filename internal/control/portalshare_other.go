//go:build !linux

package control

import (
	"net"
	"syscall"
)

// Elsewhere SO_REUSEADDR is enough, which package net sets on all listeners.

func shareControl(_, _ string, _ syscall.RawConn) error { return nil }

func share(net.Listener, bool) error { return nil }
