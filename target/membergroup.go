package target

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// A GroupKind is a sort of group of names.
type GroupKind uint8

const (
	OfHosts   GroupKind = iota // host groups
	OfTargets                  // target groups
	groupKinds
)

func (k GroupKind) String() string {
	if k == OfTargets {
		return "target group"
	}
	return "host group"
}

// MaxGroupName is the longest name of a host group or a target group, in bytes.
const MaxGroupName = 255

// A roster is the groups of one kind. A name is a member of one of them at most, so that who
// comes into a group never brings views into conflict.
type roster struct {
	groups map[string]map[string]bool // members by group
	of     map[string]string          // the group of each member
}

func newRoster() roster {
	return roster{groups: make(map[string]map[string]bool), of: make(map[string]string)}
}

// ParseMember checks the name of a member of a group and returns its one spelling: an iSCSI
// name, or "wwn." and 16 hexadecimal digits, which configurations bring along from Fibre
// Channel and which match nobody here.
func ParseMember(s string) (string, error) {
	name := strings.ToLower(s)
	if digits, ok := strings.CutPrefix(name, "wwn."); ok {
		if err := checkHex(digits, 16); err != nil {
			return "", fmt.Errorf("world wide name %q: %w", s, err)
		}
		return name, nil
	}
	return ParseName(s)
}

// AddGroup makes an empty group.
func (d *Device) AddGroup(kind GroupKind, name string) error {
	switch {
	case name == "":
		return fmt.Errorf("a %v needs a name", kind)
	case len(name) > MaxGroupName:
		return fmt.Errorf("%v %.32q…: a name of %d bytes is longer than the %d allowed", kind, name, len(name), MaxGroupName)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, there := d.rosters[kind].groups[name]; there {
		return fmt.Errorf("%v %q exists already", kind, name)
	}
	d.rosters[kind].groups[name] = make(map[string]bool)
	return nil
}

// RemoveGroup ends a group. It is an error if a view is for it.
func (d *Device) RemoveGroup(kind GroupKind, name string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	r := &d.rosters[kind]
	members, there := r.groups[name]
	if !there {
		return fmt.Errorf("there is no %v %q", kind, name)
	}
	if used := d.views.of(kind, name); len(used) > 0 {
		words := make([]string, 0, len(used))
		for _, v := range used {
			words = append(words, v.String())
		}
		return fmt.Errorf("%v %q is used by the %s", kind, name, someOf(words))
	}
	for m := range members {
		delete(r.of, m)
	}
	delete(r.groups, name)
	if kind == OfHosts {
		delete(d.groupCHAP, name)
	}
	return nil
}

// someOf lists words, but no more than an error can carry.
func someOf(words []string) string {
	const most = 5
	if len(words) > most {
		return fmt.Sprintf("%s and %d more", strings.Join(words[:most], ", the "), len(words)-most)
	}
	return strings.Join(words, ", the ")
}

// ChangeMembers puts the names of add into a group and takes those of remove out, all or none.
// It is an error if one of add is in a group of the kind already, or one of remove is not in
// this one. What initiators see changes at once.
func (d *Device) ChangeMembers(kind GroupKind, group string, add, remove []string) error {
	add, err := parseMembers(add)
	if err != nil {
		return err
	}
	if remove, err = parseMembers(remove); err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	r := &d.rosters[kind]
	members, there := r.groups[group]
	if !there {
		return fmt.Errorf("there is no %v %q", kind, group)
	}
	for _, m := range add {
		if in, member := r.of[m]; member {
			return fmt.Errorf("%s is a member of %v %q already", m, kind, in)
		}
	}
	for _, m := range remove {
		if !members[m] {
			return fmt.Errorf("%s is no member of %v %q", m, kind, group)
		}
	}
	for _, m := range add {
		members[m], r.of[m] = true, group
	}
	for _, m := range remove {
		delete(members, m)
		delete(r.of, m)
	}
	d.refresh(func(n *Nexus) bool {
		name := n.id.initiator
		if kind == OfTargets {
			name = n.id.target
		}
		return slices.Contains(add, name) || slices.Contains(remove, name)
	})
	return nil
}

func parseMembers(names []string) ([]string, error) {
	parsed := make([]string, 0, len(names))
	for _, s := range names {
		name, err := ParseMember(s)
		if err != nil {
			return nil, err
		}
		if slices.Contains(parsed, name) {
			return nil, errors.New(name + " is named twice")
		}
		parsed = append(parsed, name)
	}
	return parsed, nil
}

// Members returns the members of a group in order, and false when there is no such group.
func (d *Device) Members(kind GroupKind, group string) ([]string, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	members, there := d.rosters[kind].groups[group]
	return slices.Sorted(maps.Keys(members)), there
}

// scope is the groups that a nexus belongs to by its two ends.
func (d *Device) scope(initiator, target string) scope {
	return scope{d.rosters[OfHosts].of[initiator], d.rosters[OfTargets].of[target]}
}
