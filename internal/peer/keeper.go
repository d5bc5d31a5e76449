package peer

import (
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
)

// A Keeper keeps the sockets of a daemon while it restarts, as systemd does: the daemon sends
// them to $NOTIFY_SOCKET (sd_pid_notify_with_fds(3)), and the next one finds them from
// descriptor 3 on (sd_listen_fds(3)).
type Keeper struct {
	path string
	conn *net.UnixConn

	mu    sync.Mutex
	files map[string]*os.File // by name
}

// NewKeeper starts to listen in dir.
func NewKeeper(dir string) (*Keeper, error) {
	k := &Keeper{path: filepath.Join(dir, "notify"), files: make(map[string]*os.File)}
	var err error
	if k.conn, err = net.ListenUnixgram("unixgram", &net.UnixAddr{Name: k.path, Net: "unixgram"}); err != nil {
		return nil, err
	}
	go k.listen()
	return k, nil
}

// Close gives all sockets up.
func (k *Keeper) Close() error {
	err := k.conn.Close()
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, f := range k.files {
		err = errors.Join(err, f.Close())
	}
	clear(k.files)
	return err
}

func (k *Keeper) listen() {
	text, rights := make([]byte, 4096), make([]byte, 4096)
	for {
		n, m, _, _, err := k.conn.ReadMsgUnix(text, rights)
		if err != nil {
			return
		}
		verb, name, _ := strings.Cut(string(text[:n]), "\nFDNAME=")
		k.mu.Lock()
		switch old := k.files[name]; verb {
		case "FDSTORE=1":
			if f := received(rights[:m], name); f != nil {
				if old != nil {
					_ = old.Close()
				}
				k.files[name] = f
			}
		case "FDSTOREREMOVE=1":
			if old != nil {
				_ = old.Close()
			}
			delete(k.files, name)
		}
		k.mu.Unlock()
	}
}

// received is the descriptor that came with a message, or nil.
func received(rights []byte, name string) *os.File {
	messages, err := syscall.ParseSocketControlMessage(rights)
	if err != nil || len(messages) == 0 {
		return nil
	}
	fds, err := syscall.ParseUnixRights(&messages[0])
	if err != nil || len(fds) == 0 {
		return nil
	}
	return os.NewFile(uintptr(fds[0]), name)
}

// Hand prepares cmd, which has yet to start, to be the next daemon. LISTEN_PID can only be
// told by the process itself.
func (k *Keeper) Hand(cmd *exec.Cmd) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, f := range k.files {
		cmd.ExtraFiles = append(cmd.ExtraFiles, f)
	}
	cmd.Args = append([]string{"sh", "-c", `LISTEN_PID=$$ exec "$0" "$@"`, cmd.Path}, cmd.Args[1:]...)
	cmd.Path = "/bin/sh"
	cmd.Env = append(os.Environ(), "NOTIFY_SOCKET="+k.path, "FDSTORE=16", "LISTEN_FDS="+strconv.Itoa(len(k.files)))
}
