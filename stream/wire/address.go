package wire

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
)

// An Address says where a volume of another machine is:
//
//	lunar://host:port/VOLUME    over TLS, to lunar receive --listen or lunar serve --replication
//	ssh://user@host[:port]/VOLUME
//
// VOLUME is as the other machine writes it: tank/vm1, or a path with its own / in front, so that
// there are two.
type Address struct {
	Scheme string // "lunar" or "ssh"
	Host   string // host:port, or for ssh user@host
	Port   string // ssh's, or nothing
	Volume string
}

// DefaultPort is where lunar receive listens when nothing else is said.
const DefaultPort = "3261"

// ErrAddress is the kind of every error of a text that is no address.
var ErrAddress = errors.New("write it like lunar://host:port/tank/vm1, or ssh://user@host/tank/vm1; a path has two slashes: lunar://host:port//srv/vm1.img")

// IsAddress tells whether a text is meant as an address.
func IsAddress(s string) bool {
	return strings.HasPrefix(s, "lunar://") || strings.HasPrefix(s, "ssh://")
}

// ParseAddress reads an address. ErrAddress.
func ParseAddress(s string) (Address, error) {
	u, err := url.Parse(s)
	if err != nil || !IsAddress(s) || u.Host == "" || u.RawQuery != "" || u.Fragment != "" || len(u.Path) < 2 {
		return Address{}, fmt.Errorf("%q: %w", s, ErrAddress)
	}
	a := Address{Scheme: u.Scheme, Volume: u.Path[1:]}
	_, secret := u.User.Password()
	if a.Scheme == "ssh" && !secret {
		a.Host, a.Port = u.Hostname(), u.Port()
		if name := u.User.Username(); name != "" {
			a.Host = name + "@" + a.Host
		}
		return a, nil
	}
	if u.User != nil {
		return Address{}, fmt.Errorf("%q: %w", s, ErrAddress)
	}
	if a.Host = u.Host; u.Port() == "" {
		a.Host = net.JoinHostPort(u.Hostname(), DefaultPort)
	}
	return a, nil
}
