package control

import (
	"net"
	"os/user"
	"strconv"

	"golang.org/x/sys/unix"
)

// peerUser is the user that opened the other end of c, as the kernel tells; empty: unknown.
func peerUser(c *net.UnixConn) (who string) {
	raw, err := c.SyscallConn()
	if err != nil {
		return ""
	}
	_ = raw.Control(func(fd uintptr) { // where it fails, nobody is known
		peer, err := unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED)
		if err != nil {
			return
		}
		uid := strconv.FormatUint(uint64(peer.Uid), 10)
		who = "uid " + uid
		if u, err := user.LookupId(uid); err == nil {
			who = u.Username
		}
	})
	return who
}
