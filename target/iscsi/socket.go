package iscsi

import (
	"errors"
	"io"
	"net"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// tune prepares a socket for PDUs. The lengths of the socket buffers are left to the kernel:
// setting them would switch its tuning off.
func tune(nc net.Conn, writeTimeout time.Duration) error {
	tcp, ok := nc.(*net.TCPConn)
	if !ok {
		return nil
	}
	if err := tcp.SetNoDelay(true); err != nil {
		return err
	}
	err := tcp.SetKeepAliveConfig(net.KeepAliveConfig{Enable: true, Idle: 30 * time.Second, Interval: 10 * time.Second, Count: 3})
	if err != nil {
		return err
	}
	return setUserTimeout(tcp, int(writeTimeout.Milliseconds()))
}

// A lateReader reads from a connection, and has the buffer only when there is something to
// read: thousands of connections may wait without one.
type lateReader struct {
	raw     syscall.RawConn
	attempt func(fd uintptr) bool // try, made once

	x   *rx // of the read under way
	n   int
	err error
}

// newLateReader returns the late reader of nc; nil: nc is no socket.
func newLateReader(nc net.Conn) *lateReader {
	socket, ok := nc.(syscall.Conn)
	if !ok {
		return nil
	}
	raw, err := socket.SyscallConn()
	if err != nil {
		return nil
	}
	r := &lateReader{raw: raw}
	r.attempt = r.try
	return r
}

func (r *lateReader) read(x *rx) (int, error) {
	r.x, r.n, r.err = x, 0, nil
	switch err := r.raw.Read(r.attempt); {
	case err != nil:
		return 0, err
	case r.err != nil:
		return 0, os.NewSyscallError("read", r.err)
	case r.n == 0:
		return 0, io.EOF
	}
	return r.n, nil
}

// try reads once; false: there is nothing yet.
func (r *lateReader) try(fd uintptr) bool {
	for {
		r.n, r.err = unix.Read(int(fd), r.x.room())
		switch {
		case errors.Is(r.err, unix.EINTR):
			continue
		case errors.Is(r.err, unix.EAGAIN):
			r.x.giveBack()
			return false
		}
		return true
	}
}
