package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/lunarsan/lunar/internal/control"
	"github.com/lunarsan/lunar/stream/retain"
	"github.com/lunarsan/lunar/stream/wire"
)

// A receiving is this machine taking streams from others, and making them for others.
type receiving struct {
	listen   string
	stdio    bool
	key      string
	allow    []string
	policy   wire.Policy
	minAge   string
	compress string
	limit    string
	keep     time.Duration

	c     *cli
	known []wire.Fingerprint
}

// receive lets other machines send to this one.
func (c *cli) receive() *cobra.Command {
	r := receiving{c: c}
	cmd := c.verb("receive", "Let other machines send to volumes of this one, or from them", func(cmd *cobra.Command, _ []string) error {
		switch {
		case r.stdio == (r.listen != ""):
			return misuse(cmd, "either --listen says where others connect to, or --stdio that ssh has")
		case !r.stdio && len(r.allow) == 0:
			return misuse(cmd, "name those who may connect with --allow FINGERPRINT")
		case !r.stdio && len(r.policy.Roots) == 0:
			return misuse(cmd, "say with --root which datasets and folders others may use")
		}
		return r.run(cmd.Context())
	})
	cmd.Long = `Let other machines send to volumes of this one, or from them, with lunar send.

With --listen it waits for them, until it is interrupted. Both sides prove their keys, and nobody
connects whose key was not named: lunar key show prints a machine's fingerprint.

    site-b$ lunar receive --listen :3261 --allow lunar1-... --root pool/replica --append-only
    site-a$ lunar send tank/vm1 lunar://site-b/pool/replica/vm1 --fingerprint lunar1-...

With --stdio it is what ssh runs: lunar send tank/vm1 ssh://backup@site-b/pool/replica/vm1. A
forced command in ~/.ssh/authorized_keys of the account holds a key to it:

    command="lunar receive --stdio --root pool/replica --append-only",restrict ssh-ed25519 AAAA...

Without --root, who comes through ssh may use whatever the account may.`
	f := cmd.Flags()
	f.StringVar(&r.listen, "listen", "", "wait at `ADDR:PORT`; the port is otherwise 3261")
	f.BoolVar(&r.stdio, "stdio", false, "talk over standard input and output")
	f.StringVar(&r.key, "key", "", "our key is in `FILE`, which is made if there is none (otherwise that of the daemon's state)")
	f.StringArrayVar(&r.allow, "allow", nil, "let the machine with this `FINGERPRINT` connect; may be repeated")
	f.StringArrayVar(&r.policy.Roots, "root", nil, "let it use this `DATASET-OR-FOLDER`, and what is below; may be repeated")
	f.BoolVar(&r.policy.AppendOnly, "append-only", false, "let snapshots be added, and nothing be destroyed, rolled back or overwritten")
	f.BoolVar(&r.policy.ReadOnly, "read-only", false, "let snapshots be read, and nothing be changed")
	f.StringVar(&r.minAge, "min-age", "", "let no snapshot be destroyed that is younger than `AGE`, such as 14d")
	f.StringVar(&r.compress, "compress", "auto", "compress what is sent from here: auto, none, lz4, zstd or zstd-LEVEL")
	f.StringVar(&r.limit, "limit", "", "send so many bytes a second from here: `RATE` is 20M, or \"08:00-18:00 20M, else 0\"")
	f.DurationVar(&r.keep, "patience", 15*time.Minute, "keep what is under way for a machine that has gone for `TIME`")
	return cmd
}

func (r *receiving) run(ctx context.Context) error {
	if r.minAge != "" {
		span, err := retain.ParseSpan(r.minAge)
		if err != nil {
			return &usageError{err.Error(), "Write it like 14d, or 36h."}
		}
		r.policy.MinAge = time.Duration(span)
	}
	for _, text := range r.allow {
		f, err := wire.ParseFingerprint(text)
		if err != nil {
			return &usageError{err.Error(), "lunar key show prints it on the other machine."}
		}
		r.known = append(r.known, f)
	}
	o := wire.Options{Patience: r.keep, Log: slog.New(slog.NewTextHandler(r.c.stderr, nil))}
	var err error
	if o.Compress, err = wire.ParseCompression(r.compress); err != nil {
		return &usageError{err.Error(), "auto finds out what is best, again and again."}
	}
	if o.Limit, err = limiter(r.limit); err != nil {
		return err
	}
	for i, root := range r.policy.Roots {
		if root == "" || root[0] == '.' {
			return &usageError{fmt.Sprintf("%q is no root", root), "Name a dataset, or a folder with all of its path."}
		}
		r.policy.Roots[i] = filepath.Clean(root)
	}
	if r.stdio {
		return r.serveStdio(ctx, o)
	}
	return r.serve(ctx, o)
}

// host has the volumes that others may use.
func (r *receiving) host() wire.Host {
	h := &receiveHost{c: r.c, roots: r.policy.Roots}
	if r.stdio && len(r.policy.Roots) == 0 {
		p := r.policy
		p.Roots = []string{wire.Everywhere}
		return p.Restrict(h, time.Now)
	}
	return r.policy.Restrict(h, time.Now)
}

// serveStdio serves the client that ssh has at its other end.
func (r *receiving) serveStdio(ctx context.Context, o wire.Options) error {
	o.Log = nil // standard error is the client's to see
	conn, err := wire.Stdio()
	if err != nil {
		return err
	}
	server := wire.NewServer(o)
	err = server.ServeStdio(ctx, conn, sessionFolder(r.c), r.host())
	return errors.Join(err, server.Close())
}

// sessionFolder is where the processes that ssh runs find each other.
func sessionFolder(c *cli) string {
	if run := c.getenv("XDG_RUNTIME_DIR"); filepath.IsAbs(run) {
		return filepath.Join(run, "lunar")
	}
	return filepath.Join(os.TempDir(), fmt.Sprintf("lunar-%d", os.Geteuid()))
}

// mostConns is how many connections there are at a time: anybody can make one, and descriptors are few.
const mostConns = 128

// serve waits for others until ctx ends.
func (r *receiving) serve(ctx context.Context, o wire.Options) error {
	id, err := r.c.identity(r.key)
	if err != nil {
		return err
	}
	address := r.listen
	if _, _, err := net.SplitHostPort(address); err != nil {
		address = net.JoinHostPort(address, wire.DefaultPort)
	}
	ln, err := net.Listen("tcp", address)
	if err != nil {
		return &control.Problem{Title: err.Error(), Hint: "Choose another address with --listen ADDR:PORT."}
	}
	stop := context.AfterFunc(ctx, func() { _ = ln.Close() })
	defer stop()
	r.c.printf("Listening at %s.\nOur key is %s\n", ln.Addr(), id.Fingerprint())
	server, host := wire.NewServer(o), r.host()
	var all sync.WaitGroup
	places := make(chan struct{}, mostConns)
	for {
		conn, err := ln.Accept()
		if err != nil {
			err = errors.Join(server.Close(), err)
			all.Wait()
			if ctx.Err() != nil {
				return nil
			}
			return err
		}
		places <- struct{}{}
		all.Go(func() {
			r.greet(ctx, server, id, conn, host, o.Log)
			<-places
		})
	}
}

// greet serves a connection.
func (r *receiving) greet(ctx context.Context, server *wire.Server, id *wire.Identity, conn net.Conn, host wire.Host, log *slog.Logger) {
	from := conn.RemoteAddr().String()
	secured, who, err := id.Accept(ctx, conn, func(f wire.Fingerprint) bool { return slices.ContainsFunc(r.known, f.Is) })
	if err != nil {
		log.Warn("refused", "err", err)
		return
	}
	log.Info("connected", "from", from, "key", who)
	if err := server.Serve(ctx, secured, who.String(), host); err != nil && ctx.Err() == nil {
		log.Warn("disconnected", "from", from, "err", err)
	}
}
