package wire

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// What take does within a server, processes that ssh runs do among each other: the one that
// receives into a volume listens on a socket in their folder that is named after it, and another
// that is to connects to it. Either the receive ends, or its client is there; then the first
// closes the connection, and nothing else is ever said on it.

// claimTime is how long a process is waited for (it answers within takeoverTime, and what it
// receives has to end). It may be stopped.
const claimTime = 5 * takeoverTime

// claim has other processes ask us before they receive into a volume, after we have asked the one
// that does. Without a folder there are none. Whether the volume is in use, it says itself. The
// caller calls free before the receive counts as ended.
func (v *Server) claim(ctx context.Context, t *taking, volume string) (free func(), err error) {
	if v.folder == "" {
		return func() {}, nil
	}
	path := volumeSocket(v.folder, volume)
	ln, err := net.Listen("unix", path)
	if errors.Is(err, syscall.EADDRINUSE) {
		if err := askAside(ctx, path); err != nil {
			return nil, fmt.Errorf("claiming %s: %w", volume, err)
		}
		ln, err = net.Listen("unix", path)
	}
	switch {
	case errors.Is(err, syscall.EADDRINUSE): // as it was, or a third was quicker
		return func() {}, nil
	case err != nil:
		return nil, fmt.Errorf("claiming %s: %w", volume, err)
	}
	go v.asked(ln, t)
	return func() { _ = ln.Close() }, nil // and the socket is gone
}

// volumeSocket is where the process listens that receives into a volume. Paths of sockets are short.
func volumeSocket(folder, volume string) string {
	name := sha256.Sum256([]byte(volume))
	return filepath.Join(folder, hex.EncodeToString(name[:16])+".volume")
}

// asked answers those who want to receive where we do.
func (v *Server) asked(ln net.Listener, t *taking) {
	for {
		conn, err := ln.Accept()
		if err != nil {
			return
		}
		go func() {
			v.yield(context.Background(), t)
			_ = conn.Close() // that is the answer
		}()
	}
}

// askAside waits until a process has ended its receive, or has said that it does not.
func askAside(ctx context.Context, path string) error {
	conn, err := net.Dial("unix", path)
	if err != nil {
		if errors.Is(err, syscall.ECONNREFUSED) {
			_ = os.Remove(path) // of a process that was killed
		}
		return nil // it has gone
	}
	defer conn.Close()
	if err := conn.SetReadDeadline(time.Now().Add(claimTime)); err != nil {
		return err
	}
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	_, _ = io.Copy(io.Discard, conn)
	return context.Cause(ctx)
}
