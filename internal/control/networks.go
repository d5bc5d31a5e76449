package control

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
)

// A portal group may take connections from some networks alone. Others' are closed as they are
// accepted: they learn nothing, and cost nothing more.

// parseNetworks reads networks ("10.0.0.0/8") and addresses, and returns them in one spelling,
// in order, each once.
func parseNetworks(words []string) ([]string, error) {
	var networks []string
	for _, w := range words {
		p, err := netip.ParsePrefix(w)
		if a, wrong := netip.ParseAddr(w); wrong == nil && a.Zone() == "" {
			p, err = netip.PrefixFrom(a.Unmap(), a.Unmap().BitLen()), nil
		}
		if err != nil {
			return nil, refuse(fmt.Sprintf("%q is no network", w), "Write it like 10.0.0.0/8, fd00::/8, or as an address: 10.0.0.7.")
		}
		networks = append(networks, p.Masked().String())
	}
	slices.Sort(networks)
	return slices.Compact(networks), nil
}

// maxStrangers is how many strangers' addresses a portal logs: a port scan must not fill the log.
const maxStrangers = 64

// guarded is a listener that accepts from the networks of its portal group alone, and what is its
// portal group's.
type guarded struct {
	net.Listener
	d   *Daemon
	tag uint16

	strangers map[netip.Addr]bool // logged already; of Accept, which runs once at a time
}

func (g *guarded) Accept() (net.Conn, error) {
	for {
		c, err := g.Listener.Accept()
		if err != nil {
			return nil, err
		}
		switch from, at := addressOf(c.RemoteAddr()), addressOf(c.LocalAddr()); {
		case !g.d.device.Takes(g.tag, from.Addr()):
			g.report(from.Addr(), "closed a connection from outside of the networks that the portal group takes; said once of an address")
		case g.d.foreign(g.tag, at):
			g.report(from.Addr(), "closed a connection to an address of another portal group, which did not listen there yet; said once of an address")
		default:
			return c, nil
		}
		_ = c.Close() // nothing was sent
	}
}

// report logs a stranger, each once.
func (g *guarded) report(from netip.Addr, what string) {
	if g.strangers[from] || len(g.strangers) == maxStrangers {
		return
	}
	if g.strangers == nil {
		g.strangers = make(map[netip.Addr]bool)
	}
	g.strangers[from] = true
	g.d.log.Warn(what, "portal", g.Addr(), "tag", g.tag, "peer", from)
}

// addressOf is the address of an end of a TCP connection; invalid for others.
func addressOf(a net.Addr) netip.AddrPort {
	tcp, _ := a.(*net.TCPAddr)
	if tcp == nil {
		return netip.AddrPort{}
	}
	return netip.AddrPortFrom(tcp.AddrPort().Addr().Unmap(), tcp.AddrPort().Port())
}
