package control

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/lunarsan/lunar/stream"
	"github.com/lunarsan/lunar/stream/wire"
)

// Replication is what peers come for: a listener that knows them by their keys, and a way to them.

// DefaultReplicationPort is where daemons listen for each other.
const DefaultReplicationPort = 3261

// peerKeyFile is the key that this daemon proves itself to peers with, inside the state directory.
const peerKeyFile = "peer.key"

// maxPeerConns is how many connections of peers there are at a time; initiators need descriptors more.
const maxPeerConns = 128

// peerIdentity returns the key, and makes it at the first use.
func (d *Daemon) peerIdentity() (*wire.Identity, error) {
	id, err := wire.OpenIdentity(filepath.Join(d.opts.StateDir, peerKeyFile))
	if err != nil {
		err = &Problem{Title: "the key for peers cannot be used: " + err.Error(),
			Hint: "Restore the file from a backup, or remove it: the daemon makes another, which peers have to be told.", cause: err}
	}
	return id, err
}

// A reception is where peers come in.
type reception struct {
	net.Listener
	id     *wire.Identity
	server *wire.Server

	mu    sync.Mutex
	conns map[net.Conn]string // by the fingerprint of who is there
}

// listenReplication listens for peers; nil: nobody is to come.
func (d *Daemon) listenReplication(ctx context.Context) (*reception, error) {
	a := d.opts.Replication
	if !a.IsValid() {
		return nil, nil
	}
	id, err := d.peerIdentity()
	if err != nil {
		return nil, err
	}
	network := "tcp"
	if a.Addr().Is4() { // "tcp" makes [::] of 0.0.0.0
		network = "tcp4"
	}
	l, err := new(net.ListenConfig).Listen(ctx, network, a.String())
	if err != nil {
		return nil, &Problem{Title: fmt.Sprintf("cannot listen for peers on %s: %v", a, err), Hint: "Choose another address or port with --replication, or leave it out.", cause: err}
	}
	d.log.Info("listening for peers", "address", l.Addr(), "fingerprint", id.Fingerprint())
	return &reception{Listener: &few{l, make(chan struct{}, maxPeerConns)}, id: id,
		server: wire.NewServer(wire.Options{Log: d.log, Memory: &d.memory}), conns: make(map[net.Conn]string)}, nil
}

// receive serves peers until the listener is closed and all have gone.
func (d *Daemon) receive(r *reception) error {
	var serving sync.WaitGroup
	defer serving.Wait()
	defer func() { _ = r.server.Close() }() // it ends what is under way, and does not fail
	for {
		c, err := r.Accept()
		if err != nil {
			if d.background.Err() != nil {
				return nil
			}
			return fmt.Errorf("listening for peers: %w", err)
		}
		serving.Go(func() {
			if err := d.servePeer(r, c); err != nil && d.background.Err() == nil {
				d.log.Warn("a connection of a peer ended", "address", c.RemoteAddr(), "reason", err)
			}
		})
	}
}

// servePeer serves one connection, if its key is that of a peer.
func (d *Daemon) servePeer(r *reception, c net.Conn) error {
	secure, key, err := r.id.Accept(d.background, c, func(f wire.Fingerprint) bool {
		_, err := d.peerWith(f.String())
		return err == nil
	})
	if err != nil {
		return errors.Join(err, c.Close())
	}
	r.mu.Lock()
	r.conns[secure] = key.String()
	r.mu.Unlock()
	defer func() {
		r.mu.Lock()
		delete(r.conns, secure)
		r.mu.Unlock()
		_ = c.Close() // Serve has ended what was in it
	}()
	return r.server.Serve(d.background, secure, key.String(), &peerHost{d, key.String()})
}

// closePeer ends the connections of who has a key.
func (d *Daemon) closePeer(fingerprint string) {
	r := d.reception
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for c, f := range r.conns {
		if f == fingerprint {
			_ = c.Close() // it is being given up
		}
	}
}

// A peerHost is what a peer finds here. What it may do is looked up for each call.
type peerHost struct {
	d           *Daemon
	fingerprint string
}

// Volumes names the volumes that the peer may read: units, as far as they are its sources.
func (h *peerHost) Volumes(ctx context.Context) ([]string, error) {
	peer, err := h.d.peerWith(h.fingerprint)
	if err != nil {
		return nil, err
	}
	units, err := h.d.Units(ctx)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, u := range units {
		if name := unitNames + u.GUID; peer.mayRead(name) {
			names = append(names, name)
		}
	}
	return names, nil
}

// Volume finds a volume, with what the peer may do with it.
func (h *peerHost) Volume(ctx context.Context, name string) (stream.Volume, error) {
	peer, err := h.d.peerWith(h.fingerprint)
	if err != nil {
		return nil, err
	}
	v, err := h.d.volume(name)
	if err != nil {
		return nil, err
	}
	switch {
	case peer.Failover && h.d.mayReturn(peer.Name, name):
		return v, nil
	case peer.Failover && slices.Contains(h.d.sentTo(peer.Name), name):
		return wire.Policy{Roots: []string{name}, ReadOnly: true}.Restrict(one{v}, time.Now).Volume(ctx, name)
	case peer.mayReceive(name):
		return peer.restricted(ctx, name, &fenced{v, h.d, name, peer.Name})
	case peer.mayRead(name):
		return peer.restricted(ctx, name, &sourced{v, peer.Name})
	}
	return nil, fmt.Errorf("%w: peer %s may do nothing with %s: lunar peer modify %s --root or --source", stream.ErrForbidden, peer.Name, name, peer.Name)
}

// Answer answers what the peer asks of the daemon itself.
func (h *peerHost) Answer(ctx context.Context, what string, q json.RawMessage) (any, error) {
	peer, err := h.d.peerWith(h.fingerprint)
	if err != nil {
		return nil, err
	}
	a, err := h.d.answerPeer(ctx, peer, what, q)
	var p *Problem
	if errors.As(err, &p) && p.Hint != "" {
		err = fmt.Errorf("%w (%s)", err, p.Hint) // the other side has no other place for it
	}
	return a, err
}

// dialPeer makes a way to a peer.
func dialPeer(ctx context.Context, d *Daemon, peer peerRecord, o wire.Options) (peerLink, error) {
	o.Name, o.Log, o.Memory = peer.Name, d.log, &d.memory
	ctx, cancel := context.WithTimeout(ctx, dialTime)
	defer cancel()
	if peer.overSSH() {
		a, err := wire.ParseAddress(peer.Address + "/x") // with the name of a volume, as it wants one
		if err != nil {
			return nil, err
		}
		l, err := wire.Connect(ctx, wire.SSH{Destination: a.Host, Port: a.Port}.Dial, o)
		if err != nil {
			return nil, err
		}
		return wireLink{l}, nil
	}
	if peer.Address == "" {
		return nil, conflict(fmt.Sprintf("peer %s has no address: it comes here", peer.Name), "Give it one: lunar peer modify "+peer.Name+" --address HOST:PORT")
	}
	id, err := d.peerIdentity()
	if err != nil {
		return nil, err
	}
	key, err := wire.ParseFingerprint(peer.Fingerprint)
	if err != nil {
		return nil, err
	}
	o.Connections = cmp.Or(o.Connections, wire.TLSConnections)
	l, err := wire.Connect(ctx, id.Dial(peer.Address, key), o)
	if err != nil {
		return nil, err
	}
	return wireLink{l}, nil
}

// dialTime is how long a peer may take to answer for the first time.
const dialTime = 20 * time.Second

// A wireLink is a link as a peerLink.
type wireLink struct{ *wire.Link }

func (l wireLink) Volume(name string) stream.Volume { return l.Link.Volume(name) }
