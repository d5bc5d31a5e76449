package main

import (
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/lunarsan/lunar/internal/control"
)

// everywhere is where the daemon listens when nobody says otherwise.
var everywhere = []string{"0.0.0.0:3260", "[::]:3260"}

// minMemory is the smallest budget that serves an initiator well, in bytes.
const minMemory = 16 << 20

// minSlow keeps ordinary commands off the list of slow ones.
const minSlow = time.Millisecond

// defaultReserve is what thin units leave for others of their file system, in bytes.
const defaultReserve = 64 << 20

// A serving is the command line of lunar serve.
type serving struct {
	state, logLevel, logFormat string
	listen, announce           []string
	remote, cert, key          string
	replication                string
	memory, reserve            size
	slow                       time.Duration
	demo                       bool
}

// serve is the daemon.
func (c *cli) serve() *cobra.Command {
	s := serving{memory: size(control.DefaultMemory()), reserve: defaultReserve}
	cmd := c.verb("serve", "Serve the units to initiators until SIGTERM", func(cmd *cobra.Command, _ []string) error {
		opts, err := c.options(&s)
		if err != nil {
			return err
		}
		ctx, stop := withoutHangup(cmd.Context(), opts.Log)
		defer stop()
		if s.demo {
			return c.serveDemo(ctx, opts)
		}
		d, err := control.Open(opts)
		if err != nil {
			return err
		}
		return d.Run(ctx)
	})
	f := cmd.Flags()
	f.StringVar(&s.state, "state", "", "keep the state in `DIR` (default: "+c.defaultState()+")")
	f.StringArrayVar(&s.listen, "listen", nil, "listen on `ADDR:PORT`, repeated: the portal group default (default: 0.0.0.0:3260 and [::]:3260)")
	f.StringArrayVar(&s.announce, "announce", nil, announceHelp)
	f.Var(&s.memory, "memory", "budget of the I/O buffers")
	f.DurationVar(&s.slow, "slow", control.DefaultSlow, "remember commands that take as long, for lunar doctor --slow")
	f.Var(&s.reserve, "reserve", "leave `SIZE` of every file system free that thin units live in; 0: nothing")
	f.StringVar(&s.logLevel, "log-level", "info", "debug, info, warn or error")
	f.StringVar(&s.logFormat, "log-format", "text", "text or json")
	f.StringVar(&s.remote, "api-listen", "", "serve the API on `ADDR:PORT` too, over HTTPS, to who has a token (default: not)")
	f.StringVar(&s.cert, "api-cert", "", "prove to clients of --api-listen with the certificate in `FILE` (default: one made at the first use)")
	f.StringVar(&s.key, "api-key", "", "the `FILE` with the key of --api-cert")
	f.StringVar(&s.replication, "replication", "", "let peers come to `ADDR:PORT`, to send volumes here or to take them (default: not)")
	f.BoolVar(&s.demo, "demo", false, "serve a throw-away unit of 1 GiB on 127.0.0.1:3260, and say how to connect")
	cmd.MarkFlagsMutuallyExclusive("demo", "state")
	cmd.MarkFlagsRequiredTogether("api-cert", "api-key")
	return cmd
}

// options checks the command line.
func (c *cli) options(s *serving) (control.Options, error) {
	opts := control.Options{StateDir: s.state, Socket: c.socket, Memory: int64(s.memory), Reserve: int64(s.reserve), Version: programVersion()}
	var err error
	if opts.Log, err = c.logger(s.logLevel, s.logFormat); err != nil {
		return opts, err
	}
	if opts.Memory < minMemory {
		return opts, &usageError{"--memory: " + formatSize(opts.Memory) + " is too little", "Give it " + formatSize(minMemory) + " at least."}
	}
	if opts.Slow = s.slow; opts.Slow < minSlow {
		return opts, &usageError{"--slow: " + s.slow.String() + " is too little", "Give it " + minSlow.String() + " at least: every command that takes as long is written down."}
	}
	if opts.StateDir == "" {
		opts.StateDir = c.defaultState()
	}
	if opts.StateDir, err = filepath.Abs(opts.StateDir); err != nil {
		return opts, fmt.Errorf("finding the state directory: %w", err)
	}
	if opts.Socket == "" {
		opts.Socket = socketIn(opts.StateDir)
	}
	if strings.Contains(opts.Socket, "://") {
		return opts, &usageError{"--api: " + opts.Socket + " is no socket", "Name a path; --api-listen serves the API to other machines."}
	}
	if s.remote != "" {
		if opts.Remote, err = netip.ParseAddrPort(s.remote); err != nil {
			return opts, &usageError{fmt.Sprintf("--api-listen: %q is no address with a port", s.remote), "Write it like 10.0.0.1:8443, or [::]:8443 for all addresses."}
		}
		opts.RemoteCertificate, opts.RemoteKey = s.cert, s.key
	}
	if s.replication != "" {
		if opts.Replication, err = netip.ParseAddrPort(s.replication); err != nil {
			return opts, &usageError{fmt.Sprintf("--replication: %q is no address with a port", s.replication),
				fmt.Sprintf("Write it like 10.0.0.1:%d, or [::]:%d for all addresses.", control.DefaultReplicationPort, control.DefaultReplicationPort)}
		}
	}
	listen := s.listen
	switch {
	case len(listen) > 0:
	case s.demo:
		listen = []string{"127.0.0.1:3260"}
	default:
		listen = everywhere
	}
	for _, word := range listen {
		a, err := control.ParsePortal(word)
		if err != nil {
			return opts, wrong("--listen", err)
		}
		opts.Listen = append(opts.Listen, a)
	}
	for _, word := range s.announce {
		a, err := control.ParseHostPort(word, control.AnnouncedPort(opts.Listen))
		if err != nil {
			return opts, wrong("--announce", err)
		}
		opts.Announce = append(opts.Announce, a)
	}
	return opts, nil
}

// wrong is the usage error of a flag whose value the daemon refuses.
func wrong(flag string, err error) error {
	return &usageError{flag + ": " + err.Error(), hintOf(err)}
}

func (c *cli) logger(level, format string) (*slog.Logger, error) {
	var opts slog.HandlerOptions
	var l slog.Level
	if err := l.UnmarshalText([]byte(level)); err != nil {
		return nil, &usageError{fmt.Sprintf("--log-level: %q is no level", level), "Choose debug, info, warn or error."}
	}
	opts.Level = l
	switch format {
	case "text":
		return slog.New(slog.NewTextHandler(c.stderr, &opts)), nil
	case "json":
		return slog.New(slog.NewJSONHandler(c.stderr, &opts)), nil
	}
	return nil, &usageError{fmt.Sprintf("--log-format: %q is no format", format), "Choose text or json."}
}

// withoutHangup keeps SIGHUP from ending the process. There is nothing to read again: the
// configuration is in the state.
func withoutHangup(ctx context.Context, log *slog.Logger) (context.Context, func()) {
	ctx, cancel := context.WithCancel(ctx)
	hangups := make(chan os.Signal, 1)
	signal.Notify(hangups, syscall.SIGHUP)
	go func() {
		for {
			select {
			case <-hangups:
				log.Info("SIGHUP changes nothing: the configuration is in the state; change it with the other verbs")
			case <-ctx.Done():
				return
			}
		}
	}()
	return ctx, func() {
		signal.Stop(hangups)
		cancel()
	}
}
