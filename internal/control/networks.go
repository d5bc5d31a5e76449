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

// guarded is a listener that accepts from the networks of its portal group alone.
type guarded struct {
	net.Listener
	d   *Daemon
	tag uint16

	strangers map[netip.Addr]bool // logged already; of Accept, which runs once at a time
}

func (g *guarded) Accept() (net.Conn, error) {
	for {
		c, err := g.Listener.Accept()
		if err != nil || g.d.device.Takes(g.tag, addressOf(c.RemoteAddr())) {
			return c, err
		}
		g.report(addressOf(c.RemoteAddr()))
		_ = c.Close() // nothing was sent
	}
}

// report logs a stranger, each once.
func (g *guarded) report(from netip.Addr) {
	if g.strangers[from] || len(g.strangers) == maxStrangers {
		return
	}
	if g.strangers == nil {
		g.strangers = make(map[netip.Addr]bool)
	}
	g.strangers[from] = true
	g.d.log.Warn("closed a connection from outside of the networks that the portal group takes; said once of an address",
		"portal", g.Addr(), "tag", g.tag, "peer", from)
}

// addressOf is the address of a TCP peer; invalid for others.
func addressOf(a net.Addr) netip.Addr {
	tcp, _ := a.(*net.TCPAddr)
	if tcp == nil {
		return netip.Addr{}
	}
	return tcp.AddrPort().Addr().Unmap()
}
