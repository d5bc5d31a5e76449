package control

import (
	"context"
	"net"
	"net/netip"
)

// A portal on one address may stand beside another group's portal on all addresses, at the same port.
// The kernel gives each connection to the portal that names its address, and the others to the one
// on all.

// listenAt listens at a, beside those of our portals that the address overlaps with.
func (d *Daemon) listenAt(ctx context.Context, a netip.AddrPort) (net.Listener, error) {
	network := "tcp6" // an IPv6 wildcard takes no IPv4 connections: that is another portal
	if a.Addr().Is4() {
		network = "tcp4"
	}
	d.binding.Lock()
	defer d.binding.Unlock()
	beside := d.beside(a)
	if len(beside) == 0 {
		return new(net.ListenConfig).Listen(ctx, network, a.String())
	}
	// Only while it is bound: other programs must not get in beside us.
	for _, l := range beside {
		if err := share(l, true); err != nil {
			return nil, err
		}
		defer func() { _ = share(l, false) }() // it may have gone
	}
	l, err := (&net.ListenConfig{Control: shareControl}).Listen(ctx, network, a.String())
	if err != nil {
		return nil, err
	}
	_ = share(l, false) // what can be done once can be undone
	return l, nil
}

// beside returns the listeners of our portals at a's port, of which one listens on all addresses:
// they or a.
func (d *Daemon) beside(a netip.AddrPort) (listeners []net.Listener) {
	d.mu.RLock()
	defer d.mu.RUnlock()
	for _, portals := range d.portals {
		for _, p := range portals {
			if p.listener != nil && overlap(p.bound, a) && p.bound.Addr() != a.Addr() {
				listeners = append(listeners, p.listener)
			}
		}
	}
	return listeners
}

// portalAt returns the portal that names an address: the one that listens, or else one that waits;
// nil: none does. Daemon.mu is held.
func (d *Daemon) portalAt(a netip.AddrPort) (waits *portal) {
	for _, portals := range d.portals {
		for _, p := range portals {
			switch a {
			case p.bound:
				return p
			case p.wanted:
				waits = p
			}
		}
	}
	return waits
}

// foreign reports whether a connection that a portal of tag has accepted at local belongs to another
// group, whose portal did not listen yet when it came.
func (d *Daemon) foreign(tag uint16, local netip.AddrPort) bool {
	d.mu.RLock()
	defer d.mu.RUnlock()
	p := d.portalAt(local)
	return p != nil && p.tag != tag
}
