package comstar

import (
	"fmt"
	"net/netip"
	"strings"
)

// A Rewrite is what is different at the site that a configuration is carried to.
type Rewrite struct {
	Paths      []Mapping // of stores: a path and everything below it; the first that fits counts
	Portals    []Mapping // of portals: an address, or an address and a port
	DropGroups bool      // forget the portal groups: targets are where the daemon is
}

// A Mapping has New take the place of Old.
type Mapping struct{ Old, New string }

// ParseMapping reads "OLD=NEW".
func ParseMapping(s string) (Mapping, error) {
	before, after, ok := strings.Cut(s, "=")
	if !ok || before == "" || after == "" || strings.Contains(after, "=") {
		return Mapping{}, fmt.Errorf("%q: want OLD=NEW", s)
	}
	return Mapping{before, after}, nil
}

// Rewrite carries c over. A mapping that fits nothing is an error, and c is then of no use: it
// was meant for something, which would otherwise be carried as it is.
func (c *Config) Rewrite(r Rewrite) error {
	if r.DropGroups {
		c.PortalGroups = nil
		for i := range c.Targets {
			c.Targets[i].Groups = nil
		}
	}
	used := make([]bool, len(r.Paths))
	for i := range c.Units {
		for n, m := range r.Paths {
			if path, ok := below(c.Units[i].Path, m); ok {
				c.Units[i].Path, used[n] = path, true
				break
			}
		}
	}
	if err := unused("no store is at or below %s", r.Paths, used); err != nil {
		return err
	}
	if r.DropGroups {
		return nil
	}
	used = make([]bool, len(r.Portals))
	for _, g := range c.PortalGroups {
		for i := range g.Portals {
			for n, m := range r.Portals {
				portal, ok, err := move(g.Portals[i], m)
				if err != nil {
					return err
				}
				if ok {
					g.Portals[i], used[n] = portal, true
					break
				}
			}
		}
	}
	return unused("no portal has the address %s", r.Portals, used)
}

func unused(format string, mappings []Mapping, used []bool) error {
	for n, m := range mappings {
		if !used[n] {
			return fmt.Errorf(format, m.Old)
		}
	}
	return nil
}

// below returns where m puts path, and false if that is not at or below m.Old.
func below(path string, m Mapping) (string, bool) {
	root := strings.TrimRight(m.Old, "/")
	rest, ok := strings.CutPrefix(path, root)
	if !ok || rest != "" && rest[0] != '/' {
		return "", false
	}
	return strings.TrimRight(m.New, "/") + rest, true
}

// move returns where m puts a portal, and false if m is about another one. A port that m does
// not name stays.
func move(portal string, m Mapping) (string, bool, error) {
	if portal == m.Old {
		to, err := netip.ParseAddrPort(m.New)
		if err != nil {
			return "", false, fmt.Errorf("%s: %s is no address with a port", m.Old, m.New)
		}
		return to.String(), true, nil
	}
	from, err := netip.ParseAddrPort(portal)
	if err != nil {
		return "", false, nil
	}
	if old, err := netip.ParseAddr(m.Old); err != nil || old != from.Addr() {
		return "", false, nil
	}
	to, err := netip.ParseAddr(m.New)
	if err != nil {
		return "", false, fmt.Errorf("%s: %s is no address", m.Old, m.New)
	}
	return netip.AddrPortFrom(to, from.Port()).String(), true, nil
}
