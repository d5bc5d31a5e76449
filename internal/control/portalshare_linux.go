package control

import (
	"net"
	"syscall"

	"golang.org/x/sys/unix"
)

// Linux lets two sockets listen on overlapping addresses if both say SO_REUSEPORT (socket(7)) while
// the second is bound.

// shareControl has a socket that is about to be bound share its address.
func shareControl(_, _ string, c syscall.RawConn) error { return setReusePort(c, 1) }

// share has a listener share its address with sockets that are bound from now on, or not.
func share(l net.Listener, on bool) error {
	socket, ok := l.(syscall.Conn)
	if !ok {
		return nil
	}
	c, err := socket.SyscallConn()
	if err != nil {
		return err
	}
	value := 0
	if on {
		value = 1
	}
	return setReusePort(c, value)
}

func setReusePort(c syscall.RawConn, value int) error {
	var failed error
	if err := c.Control(func(fd uintptr) { failed = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEPORT, value) }); err != nil {
		return err
	}
	return failed
}
