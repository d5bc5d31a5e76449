package control

import (
	"net"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
)

// A keeper is the service manager, as the one who keeps the listening sockets open while the
// daemon restarts (systemd's file descriptor store; sd_pid_notify_with_fds(3)). Who connects
// meanwhile waits for the next daemon instead of being refused, after a crash too: Linux tries
// again three seconds after it was refused.
type keeper struct {
	works bool

	mu   sync.Mutex
	kept map[netip.AddrPort]net.Listener // for the daemon before, and not taken yet
}

// newKeeper takes what was kept. The service manager says by $FDSTORE that it keeps sockets.
func newKeeper(files []*os.File) *keeper {
	room, _ := strconv.Atoi(os.Getenv("FDSTORE"))
	k := &keeper{works: room > 0, kept: make(map[netip.AddrPort]net.Listener)}
	for _, f := range files {
		l, err := net.FileListener(f)
		_ = f.Close() // l has its own
		if err != nil {
			continue // something else, which is not ours
		}
		a, err := netip.ParseAddrPort(l.Addr().String())
		if err != nil || k.kept[a] != nil {
			_ = l.Close()
			continue
		}
		k.kept[a] = l
	}
	return k
}

// keptFiles are the files that the service manager has handed over (sd_listen_fds(3)). They are
// there once.
func keptFiles() []*os.File {
	const first = 3
	n, _ := strconv.Atoi(os.Getenv("LISTEN_FDS"))
	if pid, _ := strconv.Atoi(os.Getenv("LISTEN_PID")); pid != os.Getpid() {
		return nil
	}
	_ = os.Unsetenv("LISTEN_PID") // a name that can be unset
	var files []*os.File
	for fd := first; fd < first+n; fd++ {
		syscall.CloseOnExec(fd)
		files = append(files, os.NewFile(uintptr(fd), "kept socket"))
	}
	return files
}

// take returns the listener on a that was kept, or nil.
func (k *keeper) take(a netip.AddrPort) net.Listener {
	k.mu.Lock()
	defer k.mu.Unlock()
	l := k.kept[a]
	delete(k.kept, a)
	return l
}

// keep has the listener on a kept.
func (k *keeper) keep(a netip.AddrPort, l net.Listener) {
	socket, ok := l.(syscall.Conn)
	if !ok || !k.works || a.Port() == 0 {
		return
	}
	raw, err := socket.SyscallConn()
	if err != nil {
		return
	}
	_ = raw.Control(func(fd uintptr) { // a listener that has gone is not worth keeping
		notify("FDSTORE=1\nFDNAME="+keptName(a), int(fd))
	})
}

// forget has the listener on a kept no more.
func (k *keeper) forget(a netip.AddrPort) {
	if k.works {
		notify("FDSTOREREMOVE=1\nFDNAME=" + keptName(a))
	}
}

// release closes what was kept and nobody wants any more.
func (k *keeper) release(wanted func(netip.AddrPort) bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for a, l := range k.kept {
		if !wanted(a) {
			_ = l.Close()
			delete(k.kept, a)
			k.forget(a)
		}
	}
}

// keptName names a socket, a portal's or the remote API's; names have no colon.
func keptName(a netip.AddrPort) string { return "portal-" + strings.ReplaceAll(a.String(), ":", "_") }
