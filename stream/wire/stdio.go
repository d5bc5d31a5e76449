package wire

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"sync"
	"syscall"
)

// ServeStdio serves a connection that is standard input and output, as ssh makes it: each one is
// a process of its own. The process that a session began with has it until it ends: it listens
// on a socket in folder, named after the session, and those that are run when the client comes
// back hand their connection over to it.
//
// It returns when the session is over, or when its client has not come back for the server's
// patience; where the session is another process's, when the connection ends. folder must be
// nobody else's to look into.
func (v *Server) ServeStdio(ctx context.Context, conn io.ReadWriteCloser, folder string, host Host) error {
	defer func() { _ = conn.Close() }()                         // a second time does nothing
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })() // which ends what waits for it
	if err := ownFolder(folder); err != nil {
		return err
	}
	var first bytes.Buffer
	g, err := hello(conn, io.TeeReader(conn, &first))
	if err != nil {
		return fmt.Errorf("greeting a client: %w", err)
	}
	path := filepath.Join(folder, g.Session.String()+".sock")
	if keeper, err := net.Dial("unix", path); err == nil {
		return splice(ctx, &replay{conn, &first}, keeper.(*net.UnixConn))
	}
	if !g.New { // and nobody has it
		return fmt.Errorf("greeting a client: %w", refuse(conn, g, errForgotten))
	}
	ln, err := net.Listen("unix", path)
	if err != nil {
		return fmt.Errorf("keeping a session: %w", err)
	}
	v.folder = folder
	h, err := v.enter(g, stdioClient, host)
	if err != nil {
		return errors.Join(refuse(conn, g, err), ln.Close())
	}
	return v.keep(ctx, h, conn, g, ln, host)
}

// ownFolder makes the folder where there is none, and makes sure that it is ours alone: who else may
// write to it could take connections that are handed over.
func ownFolder(path string) error {
	if err := os.MkdirAll(path, 0o700); err != nil {
		return fmt.Errorf("keeping sessions: %w", err)
	}
	info, err := os.Lstat(path)
	if err != nil {
		return fmt.Errorf("keeping sessions: %w", err)
	}
	if s, ok := info.Sys().(*syscall.Stat_t); !ok || !info.IsDir() || int(s.Uid) != os.Geteuid() || info.Mode().Perm()&0o077 != 0 {
		return fmt.Errorf("keeping sessions: %s is not a folder of ours alone: remove it, or set XDG_RUNTIME_DIR", path)
	}
	return nil
}

// stdioClient is who clients are that ssh has let in: to the folder, all are one.
const stdioClient = "the client"

// keep has a session that its first connection has entered go over that, and those that are handed
// over, until it is over.
func (v *Server) keep(ctx context.Context, h *hosted, first io.ReadWriteCloser, g *greeting, ln net.Listener, host Host) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var all sync.WaitGroup
	var failed error
	all.Go(func() { failed = v.carry(h, first, g) })
	all.Go(func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			all.Go(func() { _ = v.Serve(ctx, conn, stdioClient, host) }) // another may come
		}
	})
	select {
	case <-h.ctx.Done():
	case <-ctx.Done():
	}
	cancel()
	_ = first.Close() // it may be greeted yet
	err := ln.Close()
	all.Wait()
	if !errors.Is(failed, errFrame) {
		failed = nil // cuts are what this is for
	}
	return errors.Join(failed, err)
}

// splice passes bytes both ways until one side ends.
func splice(ctx context.Context, a io.ReadWriteCloser, b *net.UnixConn) error {
	var both sync.WaitGroup
	var once sync.Once
	end := func() { once.Do(func() { _ = a.Close(); _ = b.Close() }) } // either says no more
	defer context.AfterFunc(ctx, end)()
	both.Go(func() { defer end(); _, _ = io.Copy(b, a) })
	both.Go(func() { defer end(); _, _ = io.Copy(a, b) })
	both.Wait()
	return nil
}

// A replay is a connection whose beginning was read already.
type replay struct {
	io.ReadWriteCloser
	first *bytes.Buffer
}

func (r *replay) Read(p []byte) (int, error) {
	if r.first.Len() > 0 {
		return r.first.Read(p)
	}
	return r.ReadWriteCloser.Read(p)
}

// Stdio is standard input and output as a connection. Closing it ends a Read that waits, which is
// why both are taken from package os for good.
func Stdio() (io.ReadWriteCloser, error) {
	signal.Ignore(syscall.SIGPIPE, syscall.SIGHUP)
	for _, fd := range []int{syscall.Stdin, syscall.Stdout} {
		if err := syscall.SetNonblock(fd, true); err != nil {
			return nil, fmt.Errorf("preparing standard input and output: %w", err)
		}
	}
	return &stdio{os.NewFile(uintptr(syscall.Stdin), "standard input"), os.NewFile(uintptr(syscall.Stdout), "standard output")}, nil
}

type stdio struct{ in, out *os.File }

func (s *stdio) Read(p []byte) (int, error)  { return s.in.Read(p) }
func (s *stdio) Write(p []byte) (int, error) { return s.out.Write(p) }
func (s *stdio) Close() error                { return errors.Join(s.in.Close(), s.out.Close()) }
