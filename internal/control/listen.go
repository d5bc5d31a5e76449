package control

import (
	"cmp"
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"syscall"
)

// A portal is an address that the daemon listens on for initiators, or tries to.
type portal struct {
	wanted netip.AddrPort
	tag    uint16
	cancel context.CancelFunc
	ended  chan struct{}

	// Under Daemon.mu:
	bound    netip.AddrPort // valid while it listens
	listener net.Listener
	reason   error // why it does not
}

// listenAll starts to listen on the portals of every group.
func (d *Daemon) listenAll() error {
	groups, err := d.groups()
	if err != nil {
		return err
	}
	d.keeper.release(func(a netip.AddrPort) bool {
		return a == d.opts.Remote || slices.ContainsFunc(groups, func(g groupRecord) bool { return slices.Contains(g.Portals, a.String()) })
	})
	for _, g := range groups {
		if err := d.listen(g); err != nil {
			return err
		}
	}
	return nil
}

// listen starts the portals of g, and returns when each was tried once.
func (d *Daemon) listen(g groupRecord) error {
	addresses, err := parsePortals(g.Portals)
	if err != nil {
		return err
	}
	return d.listenOn(g, addresses)
}

// listenOn starts those portals of g that are at addresses.
func (d *Daemon) listenOn(g groupRecord, addresses []netip.AddrPort) error {
	for _, a := range addresses {
		ctx, cancel := context.WithCancel(d.background)
		p := &portal{wanted: a, tag: g.Tag, cancel: cancel, ended: make(chan struct{})}
		d.mu.Lock()
		d.portals[g.Tag] = append(d.portals[g.Tag], p)
		d.mu.Unlock()
		l, err := d.bind(ctx, p)
		d.running.Go(func() {
			defer close(p.ended)
			defer cancel()
			d.servePortal(ctx, p, l, err)
		})
	}
	return d.showGroup(g) // port 0 has become a real one
}

// silence ends the portals of a group but for those at addresses, and waits until they accept
// no more.
func (d *Daemon) silence(tag uint16, except []netip.AddrPort) {
	var stay, end []*portal
	d.mu.Lock()
	for _, p := range d.portals[tag] {
		if slices.Contains(except, p.wanted) {
			stay = append(stay, p)
		} else {
			end = append(end, p)
		}
	}
	if d.portals[tag] = stay; len(stay) == 0 {
		delete(d.portals, tag)
	}
	d.mu.Unlock()
	for _, p := range end {
		p.cancel()
		<-p.ended
		d.keeper.forget(p.wanted)
	}
}

// servePortal accepts connections on l, and gets itself a new listener when there is none,
// until ctx ends.
func (d *Daemon) servePortal(ctx context.Context, p *portal, l net.Listener, err error) {
	for ctx.Err() == nil {
		if err == nil {
			d.log.Info("listening", "portal", p.wanted, "tag", p.tag)
			err = cmp.Or(d.server.Serve(ctx, &guarded{Listener: l, d: d, tag: p.tag}, p.tag), net.ErrClosed)
			d.unbound(p, err)
		}
		if errors.Is(err, syscall.EAFNOSUPPORT) || ctx.Err() != nil {
			return // a machine without IPv6 will not grow it
		}
		d.log.Warn("not listening; the address is tried again", "portal", p.wanted, "reason", err)
		if d.opts.wait(ctx, retryFirst) != nil {
			return
		}
		retry(ctx, d.opts.wait, func() error {
			l, err = d.bind(ctx, p)
			return err
		})
	}
}

// bind makes one attempt to listen on p, where nobody has kept its socket.
func (d *Daemon) bind(ctx context.Context, p *portal) (net.Listener, error) {
	l, err := d.keeper.take(p.wanted), error(nil)
	if l == nil {
		l, err = d.listenAt(ctx, p.wanted)
	}
	if err != nil {
		d.unbound(p, err)
		return nil, err
	}
	d.keeper.keep(p.wanted, l)
	bound, _ := netip.ParseAddrPort(l.Addr().String())
	d.mu.Lock()
	p.bound, p.listener, p.reason = bound, l, nil
	d.mu.Unlock()
	return l, nil
}

func (d *Daemon) unbound(p *portal, err error) {
	d.mu.Lock()
	p.bound, p.listener, p.reason = netip.AddrPort{}, nil, err
	d.mu.Unlock()
}
