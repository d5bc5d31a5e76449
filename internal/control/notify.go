package control

import (
	"fmt"
	"net"
	"os"
	"strconv"
	"syscall"
	"time"
)

// notify tells the service manager how the daemon is (sd_notify(3)): READY=1, STOPPING=1,
// WATCHDOG=1. Descriptors go along. Without one it does nothing; a service manager that has gone
// is not our problem.
func notify(state string, descriptors ...int) {
	socket := os.Getenv("NOTIFY_SOCKET")
	if socket == "" {
		return
	}
	if socket[0] == '@' { // Linux's abstract names
		socket = "\x00" + socket[1:]
	}
	c, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: socket, Net: "unixgram"})
	if err != nil {
		return
	}
	if raw, err := c.SyscallConn(); err == nil {
		var rights []byte
		if len(descriptors) > 0 {
			rights = syscall.UnixRights(descriptors...)
		}
		_ = raw.Write(func(fd uintptr) (done bool) {
			return syscall.Sendmsg(int(fd), []byte(state), rights, nil, 0) != syscall.EAGAIN
		})
	}
	_ = c.Close()
}

// watchdogInterval is how often the service manager wants to hear that the daemon lives, or
// 0 (sd_watchdog_enabled(3)): half of its patience.
func watchdogInterval() time.Duration {
	usec, err := strconv.ParseInt(os.Getenv("WATCHDOG_USEC"), 10, 64)
	if err != nil || usec <= 0 {
		return 0
	}
	if pid := os.Getenv("WATCHDOG_PID"); pid != "" && pid != strconv.Itoa(os.Getpid()) {
		return 0
	}
	return time.Duration(usec) * time.Microsecond / 2
}

// pingWatchdog tells the service manager that the daemon lives, for as long as it does: a
// daemon that cannot take its own locks any more says nothing and is started again.
func (d *Daemon) pingWatchdog() {
	interval := watchdogInterval()
	if interval == 0 {
		return
	}
	for d.opts.wait(d.background, interval) == nil {
		d.mu.RLock()
		units := len(d.units)
		d.mu.RUnlock()
		sessions := d.countSessions("")
		notify(fmt.Sprintf("WATCHDOG=1\nSTATUS=%d %s, %d %s", units, plural(units, "unit"), sessions, plural(sessions, "session")))
	}
}
