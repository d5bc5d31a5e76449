package iscsi

import (
	"errors"
	"io"
	"net"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// An inlet reads from a connection's socket for its receiver. A read that has to wait holds no
// buffer, so that thousands of connections may wait without one; where waiting busily has paid
// off lately, it does that for a moment first (see spinner).
type inlet struct {
	raw     syscall.RawConn
	attempt func(fd uintptr) bool // try, made once
	look    func(fd uintptr)      // peer, made once
	ready   [1]unix.PollFd        // what peer sees
	spinner spinner
	alone   bool // nothing but what comes in here can give the receiver work

	// The read under way: into p, or into the room that x has once there is something to read.
	p   []byte
	x   *rx
	n   int
	err error
}

// newInlet returns the inlet of nc, one of the receivers that take turns; nil: nc is no socket.
func newInlet(nc net.Conn, turns *turns) *inlet {
	socket, ok := nc.(syscall.Conn)
	if !ok {
		return nil
	}
	raw, err := socket.SyscallConn()
	if err != nil {
		return nil
	}
	in := &inlet{raw: raw, spinner: spinner{turns: turns}}
	in.attempt, in.look = in.try, in.peer
	return in
}

// read reads into p.
func (in *inlet) read(p []byte) (int, error) {
	in.p, in.x = p, nil
	return in.wait()
}

// readLate reads into the room of x, which is empty.
func (in *inlet) readLate(x *rx) (int, error) {
	in.x = x
	return in.wait()
}

func (in *inlet) wait() (int, error) {
	in.n, in.err = 0, nil
	switch err := in.raw.Read(in.attempt); {
	case err != nil:
		return 0, err
	case in.err != nil:
		return 0, os.NewSyscallError("read", in.err)
	case in.n == 0:
		return 0, io.EOF
	}
	return in.n, nil
}

// try reads what is there, or comes in a moment; false: nothing does.
func (in *inlet) try(fd uintptr) bool {
	if in.readNow(fd) {
		return true
	}
	if in.alone && in.spinner.begin() {
		for in.spinner.on() {
			if in.readNow(fd) {
				in.spinner.habit.learn(true)
				return true
			}
		}
		in.spinner.habit.learn(false)
	}
	if in.x != nil {
		in.x.giveBack()
	}
	return false
}

// readNow reads once; false: there is nothing yet.
func (in *inlet) readNow(fd uintptr) bool {
	p := in.p
	if in.x != nil {
		p = in.x.room()
	}
	for {
		switch in.n, in.err = unix.Read(int(fd), p); {
		case errors.Is(in.err, unix.EINTR):
			continue
		case errors.Is(in.err, unix.EAGAIN):
			return false
		}
		return true
	}
}

// waiting reports whether there is something to read.
func (in *inlet) waiting() bool {
	in.ready[0].Revents = 0
	return in.raw.Control(in.look) == nil && in.ready[0].Revents != 0
}

// peer looks whether a read would return at once.
func (in *inlet) peer(fd uintptr) {
	in.ready[0] = unix.PollFd{Fd: int32(fd), Events: unix.POLLIN}
	_, _ = unix.Poll(in.ready[:], 0)
}
