package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/lunarsan/lunar/internal/control"
	"github.com/lunarsan/lunar/stream"
	"github.com/lunarsan/lunar/stream/wire"
)

// An endpoint is where a stream comes from or goes to: a volume, here or at another machine, or a
// file with a stream in it.
type endpoint struct {
	name     string // as on the command line
	volume   stream.Volume
	snapshot string     // behind the @; empty: none was named
	file     string     // of a stream; "-" is standard input or output
	link     *wire.Link // to the other machine
	far      string     // the volume's name there
}

func (e *endpoint) close() error {
	if e.link == nil {
		return nil
	}
	return e.link.Close()
}

// A linking is how other machines are reached.
type linking struct {
	key         string
	fingerprint string
	connections int
	compress    string
	limit       string
	patience    time.Duration
	command     string
	memory      *wire.Memory // of both ends, where both are linked
}

func (l *linking) flags(cmd *cobra.Command) {
	l.memory = new(wire.Memory)
	f := cmd.Flags()
	f.StringVar(&l.key, "key", "", "our key is in `FILE`, which is made if there is none (otherwise that of the daemon's state)")
	f.StringVar(&l.fingerprint, "fingerprint", "", "the key of lunar://HOST has this `FINGERPRINT`: lunar key show prints it there")
	f.IntVar(&l.connections, "connections", 0, "go through `N` connections at once, up to 16 (otherwise 4, and 1 over ssh)")
	f.StringVar(&l.compress, "compress", "auto", "compress on the way: auto, none, lz4, zstd, zstd-1, zstd-3, zstd-7 or zstd-19")
	f.StringVar(&l.limit, "limit", "", "send so many bytes a second: `RATE` is 20M, or \"08:00-18:00 20M, else 0\"")
	f.DurationVar(&l.patience, "patience", 10*time.Minute, "give up when the other machine was not reached for `TIME`")
	f.StringVar(&l.command, "remote-command", "", "what ssh runs there, otherwise lunar receive --stdio (a forced command takes its place)")
}

// options are those of a link to name.
func (l *linking) options(name string) (wire.Options, error) {
	o := wire.Options{Name: name, Connections: l.connections, Patience: l.patience, Memory: l.memory}
	var err error
	if o.Compress, err = wire.ParseCompression(l.compress); err != nil {
		return o, &usageError{err.Error(), "auto finds out what is best, again and again."}
	}
	o.Limit, err = limiter(l.limit)
	if err == nil && (l.connections < 0 || l.connections > wire.MostConnections) {
		err = &usageError{fmt.Sprintf("%d connections", l.connections), fmt.Sprintf("From 1 to %d are possible.", wire.MostConnections)}
	}
	return o, err
}

// limiter reads a limit; nil: there is none.
func limiter(limit string) (*wire.Limiter, error) {
	if limit == "" {
		return nil, nil
	}
	schedule, err := wire.ParseSchedule(limit)
	if err != nil {
		return nil, &usageError{err.Error(), "K, M and G are 1000s; 0 is as much as there is."}
	}
	return wire.NewLimiter(schedule, time.Local), nil
}

// endpoint finds what a SOURCE or DEST means.
func (c *cli) endpoint(ctx context.Context, name string, l *linking) (*endpoint, error) {
	e := &endpoint{name: name}
	switch {
	case name == "-":
		e.file = "-"
		return e, nil
	case strings.HasPrefix(name, "file:"):
		if e.file = strings.TrimPrefix(name, "file:"); e.file == "" {
			return nil, &usageError{"file: names no file", "Write it file:PATH."}
		}
		return e, nil
	case wire.IsAddress(name):
		return e, c.reach(ctx, e, name, l)
	}
	if peer, volume, ok := strings.Cut(name, ":"); ok && peer != "lu" && !strings.Contains(peer, "/") {
		return e, c.reachPeer(ctx, e, l, peer, volume)
	}
	volume := e.cut(name)
	if strings.HasPrefix(volume, ".") {
		path, err := filepath.Abs(volume)
		if err != nil {
			return nil, err
		}
		volume = path
	}
	v, err := c.snapshotted(ctx, volume)
	e.volume = v
	return e, err
}

// cut takes the snapshot off a name.
func (e *endpoint) cut(name string) string {
	at := strings.LastIndexByte(name, '@')
	if at <= 0 || at < strings.LastIndexByte(name, '/') {
		return name
	}
	e.snapshot = name[at+1:]
	return name[:at]
}

// reachPeer connects to the machine that the daemon knows as a peer.
func (c *cli) reachPeer(ctx context.Context, e *endpoint, l *linking, name, volume string) error {
	p, err := c.client().Peer(ctx, name)
	if err != nil {
		return err
	}
	if p.Address == "" {
		return &control.Problem{Title: fmt.Sprintf("peer %s has no address: it comes here", name), Hint: "Give it one: lunar peer modify " + name + " --address HOST:PORT"}
	}
	address := p.Address
	if !wire.IsAddress(address) {
		address = "lunar://" + address
	}
	known := *l
	known.fingerprint = p.Fingerprint
	return c.reach(ctx, e, address+"/"+volume, &known)
}

// reach connects to the machine of a volume.
func (c *cli) reach(ctx context.Context, e *endpoint, address string, l *linking) error {
	a, err := wire.ParseAddress(address)
	if err != nil {
		return &usageError{err.Error(), "lunar send --help has examples."}
	}
	o, err := l.options(a.Host)
	if err != nil {
		return err
	}
	var dial wire.Dial
	if a.Scheme == "lunar" && o.Connections == 0 {
		o.Connections = wire.TLSConnections
	}
	if a.Scheme == "ssh" {
		dial = wire.SSH{Destination: a.Host, Port: a.Port, Command: l.command}.Dial
	} else if dial, err = c.dialTLS(a.Host, l); err != nil {
		return err
	}
	if e.link, err = wire.Connect(ctx, dial, o); err != nil {
		return c.unreached(err, a, l)
	}
	e.far = e.cut(a.Volume)
	e.volume = e.link.Volume(e.far)
	return nil
}

// dialTLS connects with our key to a machine whose key is known.
func (c *cli) dialTLS(address string, l *linking) (wire.Dial, error) {
	if l.fingerprint == "" {
		return nil, &control.Problem{
			Title: fmt.Sprintf("nothing says which key %s has", address),
			Hint:  "Have lunar key show run there, and give what it prints with --fingerprint.",
		}
	}
	server, err := wire.ParseFingerprint(l.fingerprint)
	if err != nil {
		return nil, &usageError{err.Error(), "lunar key show prints it there."}
	}
	id, err := c.identity(l.key)
	if err != nil {
		return nil, err
	}
	return id.Dial(address, server), nil
}

// unreached is err with the way out.
func (c *cli) unreached(err error, a wire.Address, l *linking) error {
	if !errors.Is(err, wire.ErrUnknownKey) {
		return err
	}
	p := &control.Problem{Title: err.Error(), Hint: "If that is the right machine, lunar key show prints its fingerprint there."}
	if id, idErr := c.identity(l.key); idErr == nil && strings.Contains(err.Error(), "there") {
		p.Hint = "Have it know ours: lunar receive --allow " + id.Fingerprint().String()
	}
	return p
}

// identityFile is the file of the daemon's key in its state.
const identityFile = "peer.key"

// identity is our key.
func (c *cli) identity(path string) (*wire.Identity, error) {
	id, err := wire.OpenIdentity(or(path, filepath.Join(c.defaultState(), identityFile)))
	if err != nil {
		return nil, &control.Problem{Title: err.Error(), Hint: "--key FILE names another place for it."}
	}
	return id, nil
}
