package target

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// A PortalGroup is a set of portals under one tag.
type PortalGroup struct {
	Tag      uint16 // from 1
	Name     string
	Portals  []netip.AddrPort // where it listens; may be wildcards
	Announce []string         // "host:port" told to initiators instead, when not empty
	Redirect *Redirect        // targets have moved there
	Networks []netip.Prefix   // whose connections it takes; empty: everybody's
	Access   uint16           // its target port group of asymmetric access; 0: the first
}

// A Redirect sends initiators elsewhere (login status 0101h, 0102h).
type Redirect struct {
	Address   string // "host:port[,tag]" as in TargetAddress
	Permanent bool
}

// SetPortalGroup makes g known, or changes it.
func (d *Device) SetPortalGroup(g PortalGroup) error {
	if g.Tag == 0 {
		return errors.New("portal group tags go from 1 to 65535")
	}
	for _, a := range g.Announce {
		if err := checkAddress(a); err != nil {
			return fmt.Errorf("portal group %d: announced address %q: %w", g.Tag, a, err)
		}
	}
	if r := g.Redirect; r != nil {
		address, tag, tagged := strings.Cut(r.Address, ",")
		err := checkAddress(address)
		if tagged && err == nil {
			_, err = strconv.ParseUint(tag, 10, 16)
		}
		if err != nil {
			return fmt.Errorf("portal group %d: redirect to %q: %w", g.Tag, r.Address, err)
		}
		moved := *r
		g.Redirect = &moved
	}
	g.Portals, g.Announce, g.Networks = slices.Clone(g.Portals), slices.Clone(g.Announce), slices.Clone(g.Networks)

	d.mu.Lock()
	defer d.mu.Unlock()
	for _, t := range d.targets {
		if t.through(g.Tag) {
			if err := d.numberPorts(t.Name, []uint16{g.Tag}); err != nil {
				return err
			}
		}
	}
	d.groups[g.Tag] = g
	d.refreshAccess(nil)
	return nil
}

// RemovePortalGroup forgets a portal group. It is an error if a target is tied to it.
func (d *Device) RemovePortalGroup(tag uint16) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, there := d.groups[tag]; !there {
		return fmt.Errorf("there is no portal group %d", tag)
	}
	var tied []string
	for _, t := range d.targets {
		if slices.Contains(t.Groups, tag) {
			tied = append(tied, t.Name)
		}
	}
	if len(tied) > 0 {
		slices.Sort(tied)
		return fmt.Errorf("portal group %d is used by target %s", tag, strings.Join(tied, ", "))
	}
	delete(d.groups, tag)
	d.refreshAccess(nil)
	return nil
}

// Takes reports whether portal group tag takes connections from an address.
func (d *Device) Takes(tag uint16, from netip.Addr) bool {
	d.mu.Lock()
	networks := d.groups[tag].Networks // never changed in place
	d.mu.Unlock()
	from = from.Unmap().WithZone("")
	return len(networks) == 0 || slices.ContainsFunc(networks, func(n netip.Prefix) bool { return n.Contains(from) })
}

// checkAddress checks "host:port". A wildcard leads nobody anywhere.
func checkAddress(s string) error {
	host, port, err := net.SplitHostPort(s)
	if err != nil {
		return err
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return fmt.Errorf("port %q is not a number from 1 to 65535", port)
	}
	if host == "" {
		return errors.New("the host is missing")
	}
	if ip, err := netip.ParseAddr(host); err == nil && ip.IsUnspecified() {
		return errors.New("a wildcard is no address to connect to")
	}
	return nil
}

// addresses returns the TargetAddress values of the group ("host:port,tag", RFC 7143
// §13.8), told to an initiator that is connected to local. A wildcard portal is told as
// local: that one is reachable for certain.
func (g *PortalGroup) addresses(local netip.AddrPort) []string {
	var out []string
	add := func(address string) {
		address = fmt.Sprintf("%s,%d", address, g.Tag)
		if !slices.Contains(out, address) {
			out = append(out, address)
		}
	}
	if len(g.Announce) > 0 {
		for _, a := range g.Announce {
			add(a)
		}
		return out
	}
	here := local.Addr().Unmap().WithZone("")
	for _, p := range g.Portals {
		ip, port := p.Addr().Unmap().WithZone(""), p.Port()
		if port == 0 { // whatever was free
			port = local.Port()
		}
		switch {
		case !ip.IsUnspecified():
			add(netip.AddrPortFrom(ip, port).String())
		case here.IsValid() && !here.IsUnspecified() && (here.Is4() || ip.Is6()):
			// A [::] portal is one for IPv4 too where the system makes it so.
			add(netip.AddrPortFrom(here, port).String())
		}
	}
	return out
}
