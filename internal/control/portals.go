package control

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"

	"github.com/lunarsan/lunar/target"
)

// The default portal group listens where the daemon was told to at its start.
const (
	DefaultGroup    = "default"
	defaultGroupTag = 1
	maxGroupTag     = 1<<16 - 1 // RFC 7143 §13.9
)

// groups returns the portal groups in order of their tags, the default one first.
func (d *Daemon) groups() ([]groupRecord, error) {
	records, err := groupKind.list(d.state)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(records, func(r groupRecord) bool { return r.Name == DefaultGroup })
	if i < 0 {
		records = append(records, groupRecord{Name: DefaultGroup, Tag: defaultGroupTag})
		i = len(records) - 1
	}
	records[i] = d.asStarted(records[i])
	slices.SortFunc(records, func(a, b groupRecord) int { return cmp.Compare(a.Tag, b.Tag) })
	return records, nil
}

// asStarted is g with what the daemon was started with, if it is the default portal group.
func (d *Daemon) asStarted(g groupRecord) groupRecord {
	if g.Name != DefaultGroup {
		return g
	}
	g.Portals = nil
	for _, a := range d.opts.Listen {
		g.Portals = append(g.Portals, a.String())
	}
	if len(d.opts.Announce) > 0 {
		g.Announce = d.opts.Announce
	}
	return g
}

func (d *Daemon) findGroup(name string) (groupRecord, error) {
	groups, err := d.groups()
	if err != nil {
		return groupRecord{}, err
	}
	i := slices.IndexFunc(groups, func(g groupRecord) bool { return g.Name == name })
	if i < 0 {
		return groupRecord{}, missing(fmt.Sprintf("there is no portal group %q", name), "lunar tpg list shows the portal groups.")
	}
	return groups[i], nil
}

// loadGroups makes the portal groups, which do not listen yet.
func (d *Daemon) loadGroups() error {
	groups, err := d.groups()
	if err != nil {
		return err
	}
	for _, g := range groups {
		if err := d.showGroup(g); err != nil {
			return fmt.Errorf("portal group %s: %w", g.Name, err)
		}
	}
	return nil
}

// showGroup makes the device know g, with the addresses that its portals really have.
func (d *Daemon) showGroup(g groupRecord) error {
	shown := target.PortalGroup{Tag: g.Tag, Name: g.Name, Announce: g.Announce, Access: g.Access}
	for _, n := range g.Networks {
		network, err := netip.ParsePrefix(n)
		if err != nil {
			return err
		}
		shown.Networks = append(shown.Networks, network)
	}
	if g.Redirect != "" {
		shown.Redirect = &target.Redirect{Address: g.Redirect, Permanent: g.Moved}
	}
	addresses, err := parsePortals(g.Portals)
	if err != nil {
		return err
	}
	d.mu.RLock()
	for _, p := range d.portals[g.Tag] {
		if i := slices.Index(addresses, p.wanted); i >= 0 && p.bound.IsValid() {
			addresses[i] = p.bound
		}
	}
	d.mu.RUnlock()
	shown.Portals = addresses
	return d.device.SetPortalGroup(shown)
}

func parsePortals(words []string) ([]netip.AddrPort, error) {
	var addresses []netip.AddrPort
	for _, w := range words {
		a, err := ParsePortal(w)
		if err != nil {
			return nil, err
		}
		addresses = append(addresses, a)
	}
	return addresses, nil
}

func parseHostPorts(words []string, missing uint16) ([]string, error) {
	var addresses []string
	for _, w := range words {
		a, err := ParseHostPort(w, missing)
		if err != nil {
			return nil, err
		}
		addresses = append(addresses, a)
	}
	return addresses, nil
}

// CreateGroup makes a portal group and listens. An address that cannot be had yet is no
// error: it is tried again.
func (d *Daemon) CreateGroup(ctx context.Context, r GroupCreate) (GroupInfo, error) {
	record, addresses, err := r.record()
	if err != nil {
		return GroupInfo{}, err
	}
	end, err := d.begin(ctx)
	if err != nil {
		return GroupInfo{}, err
	}
	defer end()
	groups, err := d.groups()
	if err != nil {
		return GroupInfo{}, err
	}
	used := make(map[uint16]bool)
	for _, g := range groups {
		if g.Name == record.Name {
			return GroupInfo{}, conflict(fmt.Sprintf("there is a portal group %q already", g.Name), "Choose another name.")
		}
		if g.Tag == r.Tag {
			return GroupInfo{}, conflict(fmt.Sprintf("portal group %q has the tag %d already", g.Name, g.Tag), "Choose another tag, or leave it out.")
		}
		used[g.Tag] = true
	}
	if err := unused(addresses, groups); err != nil {
		return GroupInfo{}, err
	}
	for record.Tag = cmp.Or(r.Tag, 1); used[record.Tag]; record.Tag++ {
		if record.Tag == maxGroupTag {
			return GroupInfo{}, conflict("all portal group tags are taken", "Delete a portal group first.")
		}
	}
	if err := d.showGroup(record); err != nil {
		return GroupInfo{}, err
	}
	if err := d.saveGroup(record, r.PathChange); err != nil {
		return GroupInfo{}, joinUndo(err, d.device.RemovePortalGroup(record.Tag))
	}
	if err := d.listen(record); err != nil {
		return GroupInfo{}, err
	}
	d.log.Info("created a portal group", "group", record.Name, "tag", record.Tag, "portals", record.Portals)
	return d.groupInfo(record), nil
}

// record checks r and returns what it asks for.
func (r GroupCreate) record() (record groupRecord, addresses []netip.AddrPort, err error) {
	record = groupRecord{Name: r.Name, Moved: r.Permanent}
	if !isHostName(r.Name) || len(r.Name) > maxAlias {
		return record, nil, refuse(fmt.Sprintf("%q is not a name for a portal group", r.Name), "Use letters, digits, hyphens and dots.")
	}
	if addresses, err = record.listenOn(r.Portals); err != nil {
		return record, nil, err
	}
	if record.Announce, err = parseHostPorts(r.Announce, AnnouncedPort(addresses)); err != nil {
		return record, nil, err
	}
	if record.Redirect, err = parseRedirect(r.Redirect, r.Permanent); err != nil {
		return record, nil, err
	}
	if record.Networks, err = parseNetworks(r.Networks); err != nil {
		return record, nil, err
	}
	set(&record.Access, r.Group)
	return record, addresses, r.PathChange.check()
}

func parseRedirect(address string, permanent bool) (string, error) {
	switch {
	case address != "":
		return ParseHostPort(address, DefaultPort)
	case permanent:
		return "", refuse("there is no redirection to make permanent", "Say where the targets have moved: --redirect ADDR:PORT.")
	}
	return "", nil
}

// same reports whether a and b are one address, which two portals cannot have.
func same(a, b netip.AddrPort) bool { return a == b && a.Port() != 0 }

// overlap reports whether a connection could belong to both a and b.
func overlap(a, b netip.AddrPort) bool {
	if a.Port() != b.Port() || a.Port() == 0 || a.Addr().Is4() != b.Addr().Is4() {
		return false
	}
	return a.Addr() == b.Addr() || a.Addr().IsUnspecified() || b.Addr().IsUnspecified()
}

// saveGroup saves g, which the device knows already, and makes and saves what paths says of its
// target port group. The default group's portals are not its own.
func (d *Daemon) saveGroup(g groupRecord, paths PathChange) error {
	if g.Name == DefaultGroup {
		g.Portals = nil
		if len(d.opts.Announce) > 0 {
			g.Announce = nil
		}
	}
	return d.device.ChangeAccess(paths.change(g.access()), func(groups []target.AccessGroup) error {
		return d.state.Update(func(tx Tx) error {
			return errors.Join(groupKind.put(tx, g.Name, g), putAccess(tx, groups), d.putPorts(tx))
		})
	})
}

// ModifyGroup changes what a portal group tells initiators, and whom it lets in. Sessions that
// are logged in stay, but for those from networks that it takes no more.
func (d *Daemon) ModifyGroup(ctx context.Context, name string, r GroupModify) (GroupInfo, error) {
	if err := r.PathChange.check(); err != nil {
		return GroupInfo{}, err
	}
	end, err := d.begin(ctx)
	if err != nil {
		return GroupInfo{}, err
	}
	defer end()
	before, err := d.findGroup(name)
	if err != nil {
		return GroupInfo{}, err
	}
	g := before
	if r.Announce != nil {
		if name == DefaultGroup && len(d.opts.Announce) > 0 {
			return GroupInfo{}, conflict("the daemon was started with --announce", "Start it without, and the state says what is announced.")
		}
		portals, err := parsePortals(g.Portals)
		if err == nil {
			g.Announce, err = parseHostPorts(*r.Announce, AnnouncedPort(portals))
		}
		if err != nil {
			return GroupInfo{}, err
		}
	}
	if r.Permanent != nil {
		g.Moved = *r.Permanent
	}
	if r.Redirect != nil {
		g.Redirect = *r.Redirect
		g.Moved = g.Moved && g.Redirect != ""
	}
	if g.Redirect, err = parseRedirect(g.Redirect, g.Moved); err != nil {
		return GroupInfo{}, err
	}
	if r.Networks != nil {
		if g.Networks, err = parseNetworks(*r.Networks); err != nil {
			return GroupInfo{}, err
		}
	}
	set(&g.Access, r.Group)
	if err := d.showGroup(g); err != nil {
		return GroupInfo{}, err
	}
	if err := d.saveGroup(g, r.PathChange); err != nil {
		return GroupInfo{}, joinUndo(err, d.showGroup(before))
	}
	d.closeBarred()
	info := d.groupInfo(g)
	d.log.Info("modified a portal group", "group", g.Name, "announce", g.Announce, "redirect", g.Redirect, "networks", g.Networks,
		"alua_group", info.ALUAGroup, "alua_state", info.ALUAState)
	return info, nil
}
