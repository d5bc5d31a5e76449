package target

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
)

// Why a login is refused.
var (
	ErrNoTarget    = errors.New("no such target")                       // 0203h
	ErrRemoved     = errors.New("the target was removed")               // 0204h
	ErrForbidden   = errors.New("the initiator may not use the target") // 0202h
	ErrUnavailable = errors.New("the target is offline")                // 0301h
)

// Redirected is the error of a target that has moved.
type Redirected struct{ Redirect }

func (r *Redirected) Error() string {
	if r.Permanent {
		return "the target has moved to " + r.Address + " for good"
	}
	return "the target has moved to " + r.Address + " for now"
}

// Found is a target that discovery may name.
type Found struct {
	Name      string
	Addresses []string // "host:port,tag" as in TargetAddress
}

// Discover lists the targets that initiator may log in to through the portal group tag,
// reached at local, by name. only, when not empty, is the one target asked for.
func (d *Device) Discover(initiator string, tag uint16, local netip.AddrPort, only string) []Found {
	d.mu.Lock()
	defer d.mu.Unlock()
	group, there := d.groups[tag]
	if !there {
		return nil
	}
	if only != "" {
		name, err := ParseName(only)
		if err != nil {
			return nil
		}
		only = name
	}
	initiator, err := ParseName(initiator)
	if err != nil {
		return nil
	}
	addresses := group.addresses(local)
	var found []Found
	for _, name := range slices.Sorted(maps.Keys(d.targets)) {
		t := d.targets[name]
		if t.through(tag) && t.admits(initiator) && d.canProve(initiator, t.Auth.Method) && !t.Offline && (only == "" || only == name) {
			found = append(found, Found{name, addresses})
		}
	}
	return found
}

// canProve reports whether initiator can prove itself where it is asked to in the way m: no secret
// that it could have is known otherwise.
func (d *Device) canProve(initiator string, m AuthMethod) bool {
	if m != AuthCHAP && m != AuthMutual {
		return true
	}
	return slices.ContainsFunc(d.credentials(initiator), func(c Credential) bool { return len(c.Secret) > 0 })
}

// Admission is what a login must still prove.
type Admission struct {
	Target Target
	Auth   Auth
	// Peer returns the credential registered for a CHAP user of this initiator.
	Peer func(user string) (Credential, bool)
	// Ask has somebody else check the initiator's proof, where the method is AuthRADIUS.
	Ask func(context.Context, Proof) error
}

// Admit decides whether initiator may begin a login to target through the portal group tag.
// The error is one of ErrNoTarget, ErrRemoved, ErrForbidden, ErrUnavailable, a *Redirected,
// or tells which name is malformed.
func (d *Device) Admit(initiator, target string, tag uint16) (Admission, error) {
	initiator, target, err := names(initiator, target)
	if err != nil {
		return Admission{}, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	t, err := d.find(initiator, target, tag)
	if err != nil {
		return Admission{}, err
	}
	if r := d.groups[tag].Redirect; r != nil {
		return Admission{}, &Redirected{*r}
	}
	return Admission{Target: t, Auth: t.Auth, Peer: d.peer(initiator), Ask: d.ask(initiator, t.Name)}, nil
}

// AdmitDiscovery is Admit for a discovery session.
func (d *Device) AdmitDiscovery(initiator string) (Admission, error) {
	initiator, err := ParseName(initiator)
	if err != nil {
		return Admission{}, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.undiscovered {
		return Admission{}, ErrUnavailable
	}
	return Admission{Auth: d.discovery, Peer: d.peer(initiator), Ask: d.ask(initiator, "")}, nil
}

// MayUse reports whether a session of initiator, at the address from, may be on target through
// the portal group tag, as things are now.
func (d *Device) MayUse(initiator, target string, tag uint16, from netip.Addr) bool {
	if !d.Takes(tag, from) {
		return false
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	t, there := d.targets[target]
	return there && t.through(tag) && t.admits(initiator)
}

// find returns the target as it is reached by initiator through the portal group tag.
func (d *Device) find(initiator, target string, tag uint16) (Target, error) {
	t, there := d.targets[target]
	_, group := d.groups[tag]
	switch {
	case there && group && t.through(tag) && !t.admits(initiator):
		return Target{}, ErrForbidden
	case there && group && t.through(tag) && t.Offline:
		return Target{}, ErrUnavailable
	case there && group && t.through(tag):
		return t, nil
	case d.removed[target]:
		return Target{}, ErrRemoved
	}
	return Target{}, ErrNoTarget
}

// credentials are those that an initiator may use: its own, and its host group's. They may have no
// secret.
func (d *Device) credentials(initiator string) []Credential {
	return []Credential{d.initiators[initiator].CHAP, d.groupCHAP[d.rosters[OfHosts].of[initiator]]}
}

// peer is Admission.Peer for an initiator as it is known now.
func (d *Device) peer(initiator string) func(string) (Credential, bool) {
	credentials := d.credentials(initiator)
	return func(user string) (Credential, bool) {
		for _, known := range credentials {
			if len(known.Secret) > 0 && user == known.User {
				return known, true
			}
		}
		return Credential{}, false
	}
}

// names brings the names of a nexus's ends into their one spelling. A target that cannot
// be a name does not exist.
func names(initiator, target string) (string, string, error) {
	initiator, err := ParseName(initiator)
	if err != nil {
		return "", "", err
	}
	name, err := ParseName(target)
	if err != nil {
		return "", "", fmt.Errorf("%w: %w", ErrNoTarget, err)
	}
	return initiator, name, nil
}
