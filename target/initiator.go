package target

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
)

// AuthMethod is what a target asks of an initiator at login.
type AuthMethod uint8

const (
	AuthNone AuthMethod = iota
	AuthCHAP
	AuthMutual
	AuthRADIUS // CHAP, with the initiator's secret known to a RADIUS server alone
)

var authMethods = [...]string{AuthNone: "none", AuthCHAP: "chap", AuthMutual: "mutual", AuthRADIUS: "radius"}

func (m AuthMethod) String() string {
	if int(m) < len(authMethods) {
		return authMethods[m]
	}
	return fmt.Sprintf("method %d", m)
}

// Auth is what a target, or discovery, asks of an initiator, and how it answers for itself.
type Auth struct {
	Method AuthMethod
	Self   Credential // what the target proves itself with (AuthMutual, and AuthRADIUS where it has a secret)
}

// checked returns a as it is used for the target name: without a user of its own, the
// target goes by its name. Self is dropped where nothing asks for it.
func (a Auth) checked(name string) (Auth, error) {
	switch {
	case a.Method == AuthNone, a.Method == AuthCHAP, a.Method == AuthRADIUS && len(a.Self.Secret) == 0:
		a.Self = Credential{}
		return a, nil
	case a.Method == AuthMutual, a.Method == AuthRADIUS:
		var err error
		a.Self, err = a.Self.checked(name)
		return a, err
	}
	return a, fmt.Errorf("there is no authentication %v", a.Method)
}

// A Credential is a CHAP name and secret. It never prints its secret.
type Credential struct {
	User   string
	Secret []byte
}

// Lengths of CHAP secrets, in bytes. RFC 7143 §9.2.1 asks for 96 bits where nothing else
// protects the exchange.
const (
	MinSecret = 12
	MaxSecret = 255
)

// checked returns c with the user user where it has none, and with a secret of its own.
func (c Credential) checked(user string) (Credential, error) {
	switch {
	case len(c.Secret) < MinSecret:
		return c, fmt.Errorf("a CHAP secret of %d bytes is too short: RFC 7143 asks for %d at least", len(c.Secret), MinSecret)
	case len(c.Secret) > MaxSecret:
		return c, fmt.Errorf("a CHAP secret of %d bytes is longer than the %d allowed", len(c.Secret), MaxSecret)
	case len(c.User) > 255:
		return c, fmt.Errorf("a CHAP user of %d bytes is longer than the 255 allowed", len(c.User))
	case bytes.ContainsRune([]byte(c.User), 0):
		return c, errors.New("a CHAP user cannot contain a NUL")
	}
	if c.User == "" {
		c.User = user
	}
	c.Secret = bytes.Clone(c.Secret)
	return c, nil
}

// Format prints the user alone, whatever the verb.
func (c Credential) Format(f fmt.State, _ rune) { fmt.Fprintf(f, "%q, secret hidden", c.User) }

// LogValue is the user alone.
func (c Credential) LogValue() slog.Value { return slog.StringValue(c.User) }

// MarshalText is the user alone: what stores credentials does so on purpose and elsewhere.
func (c Credential) MarshalText() ([]byte, error) { return []byte(c.User), nil }

// An Initiator is a known initiator and what it proves itself with.
type Initiator struct {
	Name string
	CHAP Credential // without a secret: it cannot log in where CHAP is asked for

	RADIUSUser string // who it is to a RADIUS server; empty: CHAP's user, or else its name
}

// SetInitiator makes i known, or changes it. Sessions that are logged in stay.
func (d *Device) SetInitiator(i Initiator) error {
	name, err := ParseName(i.Name)
	if err != nil {
		return err
	}
	i.Name = name
	if len(i.CHAP.Secret) > 0 || i.CHAP.User != "" {
		if i.CHAP, err = i.CHAP.checked(name); err != nil {
			return fmt.Errorf("initiator %s: %w", name, err)
		}
	}

	d.mu.Lock()
	defer d.mu.Unlock()
	if who := d.proves(i.CHAP.Secret); who != "" {
		return fmt.Errorf("initiator %s: its secret is also the one of %s; the two directions need secrets of their own", name, who)
	}
	d.initiators[name] = i
	return nil
}

// CloseDiscovery refuses discovery sessions until SetDiscoveryAuth.
func (d *Device) CloseDiscovery() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.discovery, d.undiscovered = Auth{}, true
}

// SetGroupCHAP sets the credential that any member of a host group may use; without a secret:
// none. Sessions that are logged in stay.
func (d *Device) SetGroupCHAP(group string, c Credential) error {
	if len(c.Secret) > 0 || c.User != "" {
		var err error
		if c, err = c.checked(group); err != nil {
			return fmt.Errorf("host group %q: %w", group, err)
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, there := d.rosters[OfHosts].groups[group]; !there {
		return fmt.Errorf("there is no host group %q", group)
	}
	if who := d.proves(c.Secret); who != "" {
		return fmt.Errorf("host group %q: its secret is also the one of %s; the two directions need secrets of their own", group, who)
	}
	d.groupCHAP[group] = c
	return nil
}

// proves returns what of ours proves itself with secret, or "".
func (d *Device) proves(secret []byte) string {
	for _, t := range d.targets {
		if same(t.Auth.Self.Secret, secret) {
			return "target " + t.Name
		}
	}
	if same(d.discovery.Self.Secret, secret) {
		return "discovery"
	}
	return ""
}

// RemoveInitiator forgets an initiator. Sessions that are logged in stay.
func (d *Device) RemoveInitiator(name string) {
	if parsed, err := ParseName(name); err == nil {
		name = parsed
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.initiators, name)
}

// SetDiscoveryAuth sets what a discovery session asks of an initiator.
func (d *Device) SetDiscoveryAuth(a Auth) error {
	a, err := a.checked("discovery")
	if err != nil {
		return fmt.Errorf("discovery: %w", err)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if who := d.shares(a.Self.Secret); who != "" {
		return fmt.Errorf("discovery: its secret is also the one of %s; the two directions need secrets of their own", who)
	}
	d.discovery, d.undiscovered = a, false
	return nil
}

// shares returns who of the initiators proves itself with secret, or "": with one secret for
// both directions an initiator could answer with the target's own proof (RFC 7143 §9.2.1).
func (d *Device) shares(secret []byte) string {
	for _, i := range d.initiators {
		if same(i.CHAP.Secret, secret) {
			return "initiator " + i.Name
		}
	}
	for group, c := range d.groupCHAP {
		if same(c.Secret, secret) {
			return fmt.Sprintf("host group %q", group)
		}
	}
	return ""
}

func same(a, b []byte) bool { return len(a) > 0 && bytes.Equal(a, b) }
