package control

import (
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
)

// DefaultPort is iSCSI's (RFC 7143 §4.2.7.1).
const DefaultPort = 3260

// ParsePortal reads where a portal listens: an IP address, which may be a wildcard (0.0.0.0, ::),
// with or without a port: "10.0.0.1", "10.0.0.1:3260", "fd00::1", "[fd00::1]:3260".
func ParsePortal(s string) (netip.AddrPort, error) {
	host, port, err := splitAddress(s, DefaultPort)
	if err != nil {
		return netip.AddrPort{}, err
	}
	a, err := netip.ParseAddr(host)
	if err != nil || strings.ContainsAny(a.Zone(), "[]%") {
		return netip.AddrPort{}, refuse(fmt.Sprintf("%q is not an IP address", host),
			"A portal is named by an address of this machine, such as 10.0.0.1:3260 or [fd00::1]:3260.")
	}
	return netip.AddrPortFrom(a.Unmap(), port), nil
}

// ParseHostPort reads an address that initiators are told, which may be a name: missing is the
// port when s names none, and an IPv6 address gets its brackets.
func ParseHostPort(s string, missing uint16) (string, error) {
	host, port, err := splitAddress(s, missing)
	if err != nil {
		return "", err
	}
	if a, err := netip.ParseAddr(host); err == nil {
		// A zone is a name for one of our interfaces, which means nothing to others.
		if a.IsUnspecified() || a.Zone() != "" {
			return "", refuse(fmt.Sprintf("%q is no address that an initiator can reach", s),
				"Name the address that initiators use, such as 10.0.0.1:3260.")
		}
	} else if !isHostName(host) {
		return "", refuse(fmt.Sprintf("%q is neither an IP address nor a host name", host),
			"Write it like 10.0.0.1:3260, [fd00::1]:3260 or san.example.org:3260.")
	}
	if port == 0 {
		return "", refuse(fmt.Sprintf("%q has port 0", s), "Name a port from 1 to 65535.")
	}
	return net.JoinHostPort(host, strconv.Itoa(int(port))), nil
}

// AnnouncedPort returns the port that portals listen on, the first of them, for addresses that are
// announced without one.
func AnnouncedPort(portals []netip.AddrPort) uint16 {
	if len(portals) == 0 || portals[0].Port() == 0 {
		return DefaultPort
	}
	return portals[0].Port()
}

// splitAddress parts "host", "host:port", "v6" and "[v6]:port"; missing is the port when s
// names none.
func splitAddress(s string, missing uint16) (host string, port uint16, err error) {
	if _, err := netip.ParseAddr(s); err == nil {
		return s, missing, nil
	}
	if h, ok := strings.CutPrefix(s, "["); ok {
		if h, ok := strings.CutSuffix(h, "]"); ok {
			return h, missing, nil
		}
	}
	if !strings.Contains(s, ":") {
		return s, missing, nil
	}
	host, p, err := net.SplitHostPort(s)
	if err != nil {
		return "", 0, refuse(fmt.Sprintf("%q is not an address", s), "Write it like 10.0.0.1:3260 or [fd00::1]:3260.")
	}
	n, err := strconv.ParseUint(p, 10, 16)
	if err != nil {
		return "", 0, refuse(fmt.Sprintf("%q has no valid port", s), "Name a port from 1 to 65535.")
	}
	return host, uint16(n), nil
}

// isHostName accepts letters, digits, hyphens and dots.
func isHostName(s string) bool {
	if s == "" || len(s) > 253 {
		return false
	}
	for _, c := range s {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '-', c == '.':
		default:
			return false
		}
	}
	return true
}
