package control

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
)

// listenOn checks the addresses of portals and puts them into r, which may have none for now.
func (r *groupRecord) listenOn(words []string) ([]netip.AddrPort, error) {
	addresses, err := parsePortals(words)
	if err != nil {
		return nil, err
	}
	r.Portals = nil
	for i, a := range addresses {
		if slices.ContainsFunc(addresses[:i], func(b netip.AddrPort) bool { return overlap(a, b) }) {
			return nil, refuse(fmt.Sprintf("%s is there twice", a), "Name each address once.")
		}
		r.Portals = append(r.Portals, a.String())
	}
	return addresses, nil
}

// unused refuses addresses that one of groups listens on.
func unused(addresses []netip.AddrPort, groups []groupRecord) error {
	for _, g := range groups {
		theirs, err := parsePortals(g.Portals)
		if err != nil {
			return err
		}
		for _, a := range addresses {
			if i := slices.IndexFunc(theirs, func(b netip.AddrPort) bool { return same(a, b) }); i >= 0 {
				return conflict(fmt.Sprintf("portal group %q listens on %s already", g.Name, theirs[i]),
					"Choose another address or port, or start the daemon with another --listen.")
			}
		}
	}
	return nil
}

// ModifyPortals makes a portal group listen on other addresses. Those that stay are not
// touched, and sessions that came through one that goes stay too.
func (d *Daemon) ModifyPortals(ctx context.Context, name string, r PortalsModify) (GroupInfo, error) {
	end, err := d.begin(ctx)
	if err != nil {
		return GroupInfo{}, err
	}
	defer end()
	g, err := d.findGroup(name)
	if err != nil {
		return GroupInfo{}, err
	}
	if g.Name == DefaultGroup {
		return GroupInfo{}, conflict("the default portal group listens where the daemon was told to", "Start the daemon with another --listen.")
	}
	groups, err := d.groups()
	if err != nil {
		return GroupInfo{}, err
	}
	groups = slices.DeleteFunc(groups, func(other groupRecord) bool { return other.Name == g.Name })
	addresses, err := g.listenOn(r.Portals)
	if err != nil {
		return GroupInfo{}, err
	}
	if err := unused(addresses, groups); err != nil {
		return GroupInfo{}, err
	}
	if err := d.saveGroup(g, PathChange{}); err != nil {
		return GroupInfo{}, err
	}
	d.silence(g.Tag, addresses)
	if err := d.listenToo(g); err != nil {
		return GroupInfo{}, err
	}
	d.log.Info("modified the portals of a portal group", "group", g.Name, "portals", g.Portals)
	return d.groupInfo(g), nil
}

// listenToo starts those portals of g that are not there yet.
func (d *Daemon) listenToo(g groupRecord) error {
	addresses, err := parsePortals(g.Portals)
	if err != nil {
		return err
	}
	d.mu.RLock()
	for _, p := range d.portals[g.Tag] {
		addresses = slices.DeleteFunc(addresses, func(a netip.AddrPort) bool { return a == p.wanted })
	}
	d.mu.RUnlock()
	return d.listenOn(g, addresses)
}
