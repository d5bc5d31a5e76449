package control

import (
	"fmt"
	"maps"
	"reflect"
	"slices"

	"github.com/lunarsan/lunar/target"
)

// Who may log in, and where, of an exchange.

func (x *exchange) dropTargets() error {
	for _, c := range deltas(x.before.targets, x.after.targets) {
		if !c.gone() {
			continue
		}
		was, err := x.d.targetOf(*c.before)
		if err == nil {
			err = x.step(func() error { return x.d.device.RemoveTarget(was.Name) }, func() error { return x.d.device.AddTarget(was) })
		}
		if err != nil {
			return err
		}
		x.then(func() { x.d.server.CloseTarget(was.Name) })
	}
	return nil
}

func (x *exchange) dropInitiators() error {
	for _, c := range deltas(x.before.initiators, x.after.initiators) {
		if !c.gone() {
			continue
		}
		was := initiatorOf(*c.before)
		if err := x.step(done(func() { x.d.device.RemoveInitiator(was.Name) }), func() error { return x.d.device.SetInitiator(was) }); err != nil {
			return err
		}
	}
	return nil
}

// closeGroups ends the sockets of the portal groups that go or listen elsewhere, before others
// listen, and the sessions through groups that go.
func (x *exchange) closeGroups() error {
	for _, c := range deltas(x.before.groups, x.after.groups) {
		switch {
		case c.comes() || c.name == DefaultGroup:
		case c.gone():
			x.then(func() {
				through := x.d.sessionsThrough(c.before.Tag)
				x.d.silence(c.before.Tag, nil)
				for _, s := range through {
					x.d.server.CloseSession(s.ID)
				}
			})
		default:
			addresses, err := parsePortals(c.after.Portals)
			if err != nil {
				return err
			}
			x.then(func() { x.d.silence(c.before.Tag, addresses) })
		}
	}
	return nil
}

// setGroups makes portal groups known, or changes them. They listen when all is saved; an address
// that cannot be had yet is tried again.
func (x *exchange) setGroups() error {
	for _, c := range deltas(x.before.groups, x.after.groups) {
		if c.gone() {
			continue
		}
		g := x.d.asStarted(*c.after)
		if err := x.step(func() error { return x.d.showGroup(g) }, x.unsetGroup(g.Tag)); err != nil {
			return err
		}
		x.then(func() {
			if err := x.d.listenToo(g); err != nil {
				x.d.log.Error("a portal group does not listen", "group", g.Name, "reason", err)
			}
		})
	}
	return nil
}

// unsetGroup makes the portal group of a tag what it was.
func (x *exchange) unsetGroup(tag uint16) func() error {
	for _, g := range x.before.groups {
		if g.Tag == tag {
			return func() error { return x.d.showGroup(x.d.asStarted(g)) }
		}
	}
	return func() error { return x.d.device.RemovePortalGroup(tag) }
}

// dropGroups takes portal groups away that no target names any more.
func (x *exchange) dropGroups() error {
	for _, c := range deltas(x.before.groups, x.after.groups) {
		if !c.gone() || slices.ContainsFunc(slices.Collect(maps.Values(x.after.groups)), func(g groupRecord) bool { return g.Tag == c.before.Tag }) {
			continue
		}
		if err := x.step(func() error { return x.d.device.RemovePortalGroup(c.before.Tag) }, x.unsetGroup(c.before.Tag)); err != nil {
			return err
		}
	}
	return nil
}

func (x *exchange) setInitiators() error {
	for _, c := range deltas(x.before.initiators, x.after.initiators) {
		if c.gone() {
			continue
		}
		undo := done(func() { x.d.device.RemoveInitiator(c.name) })
		if !c.comes() {
			undo = func() error { return x.d.device.SetInitiator(initiatorOf(*c.before)) }
		}
		if err := x.step(func() error { return x.d.device.SetInitiator(initiatorOf(*c.after)) }, undo); err != nil {
			return conflict(err.Error(), "Choose another secret or CHAP user.")
		}
	}
	return nil
}

func (x *exchange) setDiscovery() error {
	for _, c := range deltas(x.before.discovery, x.after.discovery) {
		if err := x.step(func() error { return x.d.setDiscovery(*c.after) }, func() error { return x.d.setDiscovery(*c.before) }); err != nil {
			return conflict(err.Error(), "Choose another secret or CHAP user.")
		}
	}
	return nil
}

// makeMemberGroups makes host groups and target groups that come, without members: views name
// them.
func (x *exchange) makeMemberGroups() error {
	return x.memberGroups(func(kind GroupKind, c delta[memberGroupRecord]) error {
		if !c.comes() {
			return nil
		}
		return x.step(func() error { return x.d.device.AddGroup(kind, c.name) }, func() error { return x.d.device.RemoveGroup(kind, c.name) })
	})
}

// setMemberGroups gives groups their members and credentials: first all lose who leaves, since a
// name may go from one to another. Then the groups go that no view names any more.
func (x *exchange) setMemberGroups() error {
	members := func(r *memberGroupRecord) []string {
		if r == nil {
			return nil
		}
		return r.Members
	}
	change := func(kind GroupKind, name string, add, remove []string) error {
		if len(add)+len(remove) == 0 {
			return nil
		}
		return x.step(func() error { return x.d.device.ChangeMembers(kind, name, add, remove) },
			func() error { return x.d.device.ChangeMembers(kind, name, remove, add) })
	}
	return inOrder(
		func() error {
			return x.memberGroups(func(kind GroupKind, c delta[memberGroupRecord]) error {
				return change(kind, c.name, nil, without(members(c.before), members(c.after)))
			})
		},
		func() error {
			return x.memberGroups(func(kind GroupKind, c delta[memberGroupRecord]) error {
				return change(kind, c.name, without(members(c.after), members(c.before)), nil)
			})
		},
		func() error { return x.memberGroups(x.setGroupCHAP) },
		func() error {
			return x.memberGroups(func(kind GroupKind, c delta[memberGroupRecord]) error {
				if !c.gone() {
					return nil
				}
				return x.step(func() error { return x.d.device.RemoveGroup(kind, c.name) }, func() error { return x.d.device.AddGroup(kind, c.name) })
			})
		},
	)
}

func (x *exchange) setGroupCHAP(kind GroupKind, c delta[memberGroupRecord]) error {
	var before, after target.Credential
	if !c.comes() {
		before = credentialOf(c.before.CHAP)
	}
	if !c.gone() {
		after = credentialOf(c.after.CHAP)
	}
	if kind != HostGroups || reflect.DeepEqual(before, after) {
		return nil
	}
	err := x.step(func() error { return x.d.device.SetGroupCHAP(c.name, after) }, func() error { return x.d.device.SetGroupCHAP(c.name, before) })
	if err != nil {
		return conflict(err.Error(), "Choose another secret or CHAP user.")
	}
	return nil
}

// memberGroups calls f for each group of both kinds that changes.
func (x *exchange) memberGroups(f func(GroupKind, delta[memberGroupRecord]) error) error {
	for _, c := range deltas(x.before.hostGroups, x.after.hostGroups) {
		if err := f(HostGroups, c); err != nil {
			return err
		}
	}
	for _, c := range deltas(x.before.targetGroups, x.after.targetGroups) {
		if err := f(TargetGroups, c); err != nil {
			return err
		}
	}
	return nil
}

// without returns those of words that others have not.
func without(words, others []string) []string {
	return slices.DeleteFunc(slices.Clone(words), func(w string) bool { return slices.Contains(others, w) })
}

// setTargets makes targets, or changes them. Sessions that are logged in stay, but for those on
// targets that go offline.
func (x *exchange) setTargets() error {
	if err := x.numberPorts(); err != nil {
		return err
	}
	groups := make([]groupRecord, 0, len(x.after.groups))
	for _, g := range x.after.groups {
		groups = append(groups, g)
	}
	for _, c := range deltas(x.before.targets, x.after.targets) {
		if c.gone() {
			continue
		}
		is, err := x.d.targetAmong(groups, *c.after)
		if err != nil {
			return fmt.Errorf("target %s: %w", c.name, err)
		}
		do, undo := func() error { return x.d.device.AddTarget(is) }, func() error { return x.d.device.RemoveTarget(is.Name) }
		if !c.comes() {
			was, err := x.d.targetOf(*c.before)
			if err != nil {
				return err
			}
			do, undo = func() error { return x.changeTarget(is) }, func() error { return x.changeTarget(was) }
		}
		if err := x.step(do, undo); err != nil {
			return conflict(err.Error(), "Choose another secret or CHAP user, or another name.")
		}
		if is.Offline {
			x.then(func() { x.d.server.CloseTarget(is.Name) })
		}
	}
	return nil
}

func (x *exchange) changeTarget(t target.Target) error {
	return inOrder(
		func() error { return x.d.device.ChangeTarget(t) },
		func() error { return x.d.device.SetOffline(t.Name, t.Offline) },
	)
}

// numberPorts reserves the relative identifiers of ports that have none yet, before their targets
// come. Taken back it is not: a number that is reserved for nobody does no harm.
func (x *exchange) numberPorts() error {
	taken := make(map[target.Port]bool)
	for _, p := range x.d.device.Ports() {
		taken[p] = true
	}
	var ports []target.Port
	for _, c := range deltas(x.before.ports, x.after.ports) {
		if !c.gone() && !taken[target.Port(*c.after)] {
			ports = append(ports, target.Port(*c.after))
		}
	}
	return x.d.device.RestorePorts(ports)
}
