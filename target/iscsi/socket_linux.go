package iscsi

import (
	"net"

	"golang.org/x/sys/unix"
)

// setUserTimeout ends the connection when sent bytes stay unacknowledged for so long.
func setUserTimeout(nc *net.TCPConn, milliseconds int) error {
	raw, err := nc.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	err = raw.Control(func(fd uintptr) {
		failed = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, milliseconds)
	})
	if err != nil {
		return err
	}
	return failed
}
