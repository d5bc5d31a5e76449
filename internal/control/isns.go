package control

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/lunarsan/lunar/target/isns"
)

// isnsName is the key of the one record of an iSNS server; isnsPort is where they listen.
const (
	isnsName = "server"
	isnsPort = 3205
)

// An isnsRecord is where targets are registered.
type isnsRecord struct {
	Server string `json:"server,omitempty"` // "host:port"; empty: nowhere
	Entity string `json:"entity"`           // what this host is called there

	Disabled bool `json:"disabled,omitempty"` // nothing is registered for now
}

// An ISNSInfo describes the registration of targets at an iSNS server.
type ISNSInfo struct {
	Server     string    `json:"server,omitempty"` // "host:port"; empty: none
	Entity     string    `json:"entity,omitempty"`
	Disabled   bool      `json:"disabled,omitempty"` // nothing is registered for now
	Registered bool      `json:"registered"`
	Targets    int       `json:"targets"`
	Portals    int       `json:"portals"`
	Period     int64     `json:"period_seconds,omitempty"` // that the server keeps it without hearing of us
	Heard      time.Time `json:"heard,omitzero"`           // when the server last answered
	Trouble    string    `json:"trouble,omitempty"`
}

// An ISNSModify changes what is not nil.
type ISNSModify struct {
	Server   *string `json:"server,omitempty"`   // "host[:port]"; empty: nowhere
	Disabled *bool   `json:"disabled,omitempty"` // register nothing, and remember the server
}

// A registration is a registrar at work. Guarded by Daemon.mu.
type registration struct {
	*isns.Registrar
	stop context.CancelFunc
	done chan struct{}
}

// isnsSettings returns what was saved about iSNS.
func (d *Daemon) isnsSettings() (r isnsRecord, err error) {
	r, _, err = isnsKind.find(d.state, isnsName)
	return r, err
}

// startISNS registers at the server that was saved, from now to the end of the daemon.
func (d *Daemon) startISNS() error {
	r, err := d.isnsSettings()
	if err == nil {
		d.register(r)
	}
	return err
}

// register begins to register at r's server; the one before is told first that nothing is there.
func (d *Daemon) register(r isnsRecord) {
	d.mu.Lock()
	before := d.isns
	d.isns = nil
	d.mu.Unlock()
	if before != nil {
		before.stop()
		<-before.done
	}
	if r.Server == "" || r.Disabled {
		return
	}
	ctx, stop := context.WithCancel(d.background)
	now := &registration{
		Registrar: &isns.Registrar{Server: r.Server, Log: d.log, Entity: func() (isns.Entity, error) { return d.entity(r.Entity) }},
		stop:      stop,
		done:      make(chan struct{}),
	}
	d.mu.Lock()
	d.isns = now
	d.mu.Unlock()
	d.running.Go(func() {
		defer close(now.done)
		now.Run(ctx)
	})
}

// ISNS tells where targets are registered.
func (d *Daemon) ISNS(context.Context) (ISNSInfo, error) {
	r, err := d.isnsSettings()
	if err != nil || r.Server == "" {
		return ISNSInfo{}, err
	}
	info := ISNSInfo{Server: r.Server, Entity: r.Entity, Disabled: r.Disabled}
	d.mu.RLock()
	now := d.isns
	d.mu.RUnlock()
	if now == nil {
		return info, nil
	}
	s := now.State()
	info.Registered, info.Targets, info.Portals = s.Registered, s.Targets, s.Portals
	info.Period, info.Heard = int64(s.Period/time.Second), s.Heard.UTC()
	if s.Trouble != nil {
		info.Trouble = oneLine(s.Trouble)
	}
	return info, nil
}

// ModifyISNS changes where targets are registered.
func (d *Daemon) ModifyISNS(ctx context.Context, q ISNSModify) (ISNSInfo, error) {
	end, err := d.begin(ctx)
	if err != nil {
		return ISNSInfo{}, err
	}
	defer end()
	r, err := d.isnsSettings()
	if err != nil {
		return ISNSInfo{}, err
	}
	before := r
	set(&r.Server, q.Server)
	set(&r.Disabled, q.Disabled)
	if r.Server, err = parseISNSServer(r.Server); err != nil {
		return ISNSInfo{}, err
	}
	if r == before {
		return d.ISNS(ctx)
	}
	r.Entity = cmp.Or(r.Entity, inventEntity())
	if err := d.state.Update(func(tx Tx) error { return isnsKind.put(tx, isnsName, r) }); err != nil {
		return ISNSInfo{}, err
	}
	d.register(r)
	d.log.Info("changed the iSNS server", "server", cmp.Or(r.Server, "none"), "disabled", r.Disabled)
	return d.ISNS(ctx)
}

// parseISNSServer reads "host[:port]", or nothing.
func parseISNSServer(s string) (string, error) {
	if s == "" {
		return "", nil
	}
	return ParseHostPort(s, isnsPort)
}

// inventEntity makes up a name for this host that no other has.
func inventEntity() string {
	host, err := os.Hostname()
	if err != nil || !isHostName(host) {
		host = "lunar"
	}
	var random [4]byte
	_, _ = rand.Read(random[:]) // never fails
	return strings.ToLower(host) + "-" + hex.EncodeToString(random[:])
}

// entity is what an iSNS server is told now: targets that are online, and the addresses at which
// portal groups listen or that they announce.
func (d *Daemon) entity(id string) (isns.Entity, error) {
	e := isns.Entity{ID: id}
	groups, err := d.groups()
	if err != nil {
		return e, err
	}
	tags := make(map[string]uint16)
	for _, g := range groups {
		tags[g.Name] = g.Tag
		for _, a := range d.reachable(g) {
			if !slices.ContainsFunc(e.Portals, func(p isns.Portal) bool { return p.Address == a }) {
				e.Portals = append(e.Portals, isns.Portal{Address: a, Group: g.Tag})
			}
		}
	}
	targets, err := targetKind.list(d.state)
	if err != nil {
		return e, err
	}
	for _, t := range targets {
		if t.Offline {
			continue
		}
		known := isns.Target{Name: t.Name, Alias: t.Alias}
		for _, g := range groups {
			if len(t.Groups) == 0 || slices.Contains(t.Groups, g.Name) {
				known.Groups = append(known.Groups, tags[g.Name])
			}
		}
		e.Targets = append(e.Targets, known)
	}
	return e, nil
}

// reachable returns the addresses of a portal group: those that it announces, as far as they are
// no host names, or else those where it listens.
func (d *Daemon) reachable(g groupRecord) (addresses []netip.AddrPort) {
	if g.Redirect != "" {
		return nil
	}
	for _, a := range g.Announce {
		if address, err := netip.ParseAddrPort(a); err == nil {
			addresses = append(addresses, address)
		}
	}
	if len(g.Announce) > 0 {
		return addresses
	}
	d.mu.RLock()
	defer d.mu.RUnlock()
	for _, p := range d.portals[g.Tag] {
		switch {
		case !p.bound.IsValid():
		case p.bound.Addr().IsUnspecified():
			for _, a := range d.everywhere(p.bound) {
				if d.portalAt(a) == nil { // it is not another group's
					addresses = append(addresses, a)
				}
			}
		default:
			addresses = append(addresses, netip.AddrPortFrom(p.bound.Addr().WithZone(""), p.bound.Port()))
		}
	}
	return addresses
}

// everywhere returns where a portal that listens on all addresses of a family is reached from
// other machines.
func (d *Daemon) everywhere(wildcard netip.AddrPort) (addresses []netip.AddrPort) {
	for _, a := range d.opts.addresses() {
		if a.Is4() == wildcard.Addr().Is4() {
			addresses = append(addresses, netip.AddrPortFrom(a, wildcard.Port()))
		}
	}
	return addresses
}

// publicAddresses returns the addresses of this machine that others can reach: those that are
// neither of the loopback nor link-local.
func publicAddresses() (addresses []netip.Addr) {
	list, err := net.InterfaceAddrs()
	if err != nil {
		return nil
	}
	for _, a := range list {
		if prefix, err := netip.ParsePrefix(a.String()); err == nil && prefix.Addr().IsGlobalUnicast() {
			addresses = append(addresses, prefix.Addr())
		}
	}
	return addresses
}

// alarm is what an operator should know about the registration; empty: nothing.
func (i *ISNSInfo) alarm() string {
	if i.Trouble == "" {
		return ""
	}
	return fmt.Sprintf("targets cannot be registered at the iSNS server %s: %s", i.Server, i.Trouble)
}
