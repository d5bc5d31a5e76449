package control

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"syscall"

	"github.com/lunarsan/lunar/target"
)

// Groups returns the portal groups in order of their tags.
func (d *Daemon) Groups(context.Context) ([]GroupInfo, error) {
	groups, err := d.groups()
	if err != nil {
		return nil, err
	}
	infos := make([]GroupInfo, 0, len(groups))
	for _, g := range groups {
		infos = append(infos, d.groupInfo(g))
	}
	return infos, nil
}

func (d *Daemon) groupInfo(g groupRecord) GroupInfo {
	info := GroupInfo{
		Name:      g.Name,
		Tag:       g.Tag,
		Portals:   []PortalInfo{},
		Announce:  g.Announce,
		Redirect:  g.Redirect,
		Permanent: g.Moved,
		Networks:  g.Networks,
	}
	for _, a := range d.device.AccessGroups() {
		if a.Number == g.access() {
			info.ALUAGroup, info.ALUAState, info.Preferred, info.ALUA = a.Number, a.State.String(), a.Preferred, accessImplicit
			if a.Explicit {
				info.ALUA = accessExplicit
			}
		}
	}
	d.mu.RLock()
	defer d.mu.RUnlock()
	for _, p := range d.portals[g.Tag] {
		info.Portals = append(info.Portals, p.info())
	}
	return info
}

// info describes p. Daemon.mu is held.
func (p *portal) info() PortalInfo {
	if p.bound.IsValid() {
		return PortalInfo{Address: p.bound.String(), State: PortalListening}
	}
	info := PortalInfo{Address: p.wanted.String(), State: PortalWaiting}
	if p.reason != nil {
		info.Reason = p.reason.Error()
	}
	if errors.Is(p.reason, syscall.EAFNOSUPPORT) {
		info.State = PortalUnsupported
	}
	return info
}

// DeleteGroup ends a portal group. Targets that name it are in the way; so are sessions,
// unless r says to close them.
func (d *Daemon) DeleteGroup(ctx context.Context, name string, r GroupDelete) (GroupInfo, error) {
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
		return GroupInfo{}, conflict("the default portal group cannot be deleted", "It listens where lunar serve --listen says; start the daemon with another.")
	}
	targets, err := targetKind.list(d.state)
	if err != nil {
		return GroupInfo{}, err
	}
	for _, t := range targets {
		if slices.Contains(t.Groups, g.Name) {
			return GroupInfo{}, conflict(fmt.Sprintf("target %s is reached through portal group %q", t.Name, g.Name), "Delete the target first.")
		}
	}
	through := d.sessionsThrough(g.Tag)
	if n := len(through); n > 0 && !r.Force {
		return GroupInfo{}, conflict(fmt.Sprintf("portal group %q has %d %s", g.Name, n, plural(n, "session")),
			"Log the initiators out first, or close their sessions with --force.")
	}
	if err := d.state.Update(func(tx Tx) error { return groupKind.delete(tx, g.Name) }); err != nil {
		return GroupInfo{}, err
	}
	info := d.groupInfo(g)
	d.silence(g.Tag, nil)
	for _, s := range through {
		d.server.CloseSession(s.ID)
	}
	if err := inOrder(
		func() error { return d.device.RemovePortalGroup(g.Tag) },
		func() error {
			return d.device.ChangeAccess(unchanged, func(groups []target.AccessGroup) error {
				return d.state.Update(func(tx Tx) error { return putAccess(tx, groups) })
			})
		},
	); err != nil {
		return GroupInfo{}, err
	}
	d.log.Info("deleted a portal group", "group", g.Name)
	return info, nil
}
