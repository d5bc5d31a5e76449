package target

import (
	"fmt"
	"slices"
)

// A Target is an iSCSI target node.
type Target struct {
	Name   string
	Alias  string
	Groups []uint16 // portal group tags it is reached through; empty: all
	Auth   Auth
	// Initiators are the names of those that may find it and log in; empty: all.
	Initiators []string

	Offline bool // not found by discovery, and logins get ErrUnavailable
}

// AddTarget makes t known. It is an error if the name is malformed or taken, if t names a
// portal group that is not there, or if its secret will not do. A target that was removed
// comes back to its live nexuses.
func (d *Device) AddTarget(t Target) error {
	t, err := t.checked()
	if err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, there := d.targets[t.Name]; there {
		return fmt.Errorf("target %s exists already", t.Name)
	}
	return d.setTarget(t)
}

// ChangeTarget changes the target t.Name to t, but for Offline. Sessions stay: end them where
// MayUse says no.
func (d *Device) ChangeTarget(t Target) error {
	t, err := t.checked()
	if err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	was, there := d.targets[t.Name]
	if !there {
		return fmt.Errorf("target %s: %w", t.Name, ErrNoTarget)
	}
	t.Offline = was.Offline
	return d.setTarget(t)
}

// checked returns t with its names in their one spelling.
func (t Target) checked() (Target, error) {
	name, err := ParseName(t.Name)
	if err != nil {
		return t, err
	}
	t.Name = name
	t.Groups = slices.Clone(t.Groups)
	if t.Initiators, err = parseNames(t.Initiators); err != nil {
		return t, fmt.Errorf("target %s: %w", name, err)
	}
	if t.Auth, err = t.Auth.checked(name); err != nil {
		return t, fmt.Errorf("target %s: %w", name, err)
	}
	if len(t.Alias) > 255 {
		return t, fmt.Errorf("target %s: an alias of %d bytes is longer than the 255 allowed", name, len(t.Alias))
	}
	return t, nil
}

// setTarget makes t, which was checked, known, and tells the nexuses.
func (d *Device) setTarget(t Target) error {
	for _, tag := range t.Groups {
		if _, there := d.groups[tag]; !there {
			return fmt.Errorf("target %s: there is no portal group %d", t.Name, tag)
		}
	}
	if who := d.shares(t.Auth.Self.Secret); who != "" {
		return fmt.Errorf("target %s: its secret is also the one of %s; the two directions need secrets of their own", t.Name, who)
	}
	if err := d.numberPorts(t.Name, t.Groups); err != nil {
		return err
	}
	d.targets[t.Name] = t
	delete(d.removed, t.Name)
	d.refresh(func(n *Nexus) bool { return n.id.target == t.Name })
	d.refreshAccess(nil)
	return nil
}

// RemoveTarget takes a target away. Its live nexuses see no units any more; later logins
// get ErrRemoved.
func (d *Device) RemoveTarget(name string) error {
	name, err := ParseName(name)
	if err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, there := d.targets[name]; !there {
		return fmt.Errorf("target %s: %w", name, ErrNoTarget)
	}
	delete(d.targets, name)
	d.removed[name] = true
	d.refresh(func(n *Nexus) bool { return n.id.target == name })
	d.refreshAccess(nil)
	return nil
}

// RenameTarget gives a target another name. Its ports keep their numbers, and its target group keeps
// it; later logins under the old name get ErrRemoved. Its live nexuses see no units any more: end
// them at their sessions. It is an error if another target, or another member of a target group,
// has the name.
func (d *Device) RenameTarget(name, becomes string) error {
	name, err := ParseName(name)
	if err != nil {
		return err
	}
	if becomes, err = ParseName(becomes); err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	t, there := d.targets[name]
	_, taken := d.targets[becomes]
	roster := d.rosters[OfTargets]
	group, member := roster.of[name]
	other, foreign := roster.of[becomes]
	switch {
	case !there:
		return fmt.Errorf("target %s: %w", name, ErrNoTarget)
	case taken:
		return fmt.Errorf("target %s exists already", becomes)
	case member && foreign:
		return fmt.Errorf("%s is a member of target group %q already", becomes, other)
	}
	if member {
		delete(roster.groups[group], name)
		delete(roster.of, name)
		roster.groups[group][becomes], roster.of[becomes] = true, group
	}
	for p := range d.ports {
		if p.target == becomes { // of a target that is gone
			delete(d.ports, p)
		}
	}
	for p, n := range d.ports {
		if p.target == name {
			delete(d.ports, p)
			d.ports[port{becomes, p.tag}] = n
		}
	}
	t.Name = becomes
	if t.Auth.Self.User == name {
		t.Auth.Self.User = becomes
	}
	delete(d.targets, name)
	d.targets[becomes] = t
	delete(d.removed, becomes)
	d.removed[name] = true
	d.refresh(func(n *Nexus) bool { return n.id.target == name || n.id.target == becomes })
	d.refreshAccess(nil)
	return nil
}

// SetOffline takes a target offline, or back online. Its live nexuses stay: end them at
// their sessions.
func (d *Device) SetOffline(name string, offline bool) error {
	name, err := ParseName(name)
	if err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	t, there := d.targets[name]
	if !there {
		return fmt.Errorf("target %s: %w", name, ErrNoTarget)
	}
	t.Offline = offline
	d.targets[name] = t
	return nil
}

// parseNames checks iSCSI names and returns them in their one spelling.
func parseNames(names []string) ([]string, error) {
	parsed := make([]string, 0, len(names))
	for _, s := range names {
		name, err := ParseName(s)
		if err != nil {
			return nil, err
		}
		parsed = append(parsed, name)
	}
	return parsed, nil
}

// admits reports whether initiator, in its one spelling, may find t and log in.
func (t *Target) admits(initiator string) bool {
	return len(t.Initiators) == 0 || slices.Contains(t.Initiators, initiator)
}

// through reports whether t is reached through portal group tag.
func (t *Target) through(tag uint16) bool {
	return len(t.Groups) == 0 || slices.Contains(t.Groups, tag)
}
