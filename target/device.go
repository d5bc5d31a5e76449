package target

import (
	"errors"
	"net/netip"

	"github.com/lunarsan/lunar/internal/buffer"
	"github.com/lunarsan/lunar/scsi"
)

// A Device is everything that this machine shows to initiators.
type Device struct{}

// NewDevice returns a device without targets or units.
func NewDevice(pool *buffer.Pool) *Device { panic("unwritten") }

// A Target is an iSCSI target node.
type Target struct {
	Name   string
	Alias  string
	Groups []uint16 // portal group tags it is reached through; empty: all
	Auth   Auth
}

// AuthMethod is what a target asks of an initiator at login.
type AuthMethod uint8

const (
	AuthNone AuthMethod = iota
	AuthCHAP
	AuthMutual
)

// Auth is what a target, or discovery, asks of an initiator, and how it answers for itself.
type Auth struct {
	Method AuthMethod
	Self   Credential // what the target proves itself with (AuthMutual)
}

// A Credential is a CHAP name and secret. It never prints its secret.
type Credential struct {
	User   string
	Secret []byte
}

// An Initiator is a known initiator and what it proves itself with.
type Initiator struct {
	Name string
	CHAP Credential
}

// A PortalGroup is a set of portals under one tag.
type PortalGroup struct {
	Tag      uint16
	Name     string
	Portals  []netip.AddrPort // where it listens; may be wildcards
	Announce []string         // "host:port" told to initiators instead, when not empty
	Redirect *Redirect        // targets have moved there
}

// A Redirect sends initiators elsewhere (login status 0101h, 0102h).
type Redirect struct {
	Address   string // "host:port[,tag]" as in TargetAddress
	Permanent bool
}

// Changes to a device act at once on live nexuses; errors name what is in the way.

func (d *Device) AddUnit(lun int, lu *scsi.LogicalUnit) error { panic("unwritten") }
func (d *Device) RemoveUnit(lu *scsi.LogicalUnit)             { panic("unwritten") }
func (d *Device) AddTarget(t Target) error                    { panic("unwritten") }
func (d *Device) RemoveTarget(name string) error              { panic("unwritten") } // later logins get ErrRemoved
func (d *Device) SetPortalGroup(g PortalGroup) error          { panic("unwritten") }
func (d *Device) RemovePortalGroup(tag uint16) error          { panic("unwritten") }
func (d *Device) SetInitiator(i Initiator) error              { panic("unwritten") }
func (d *Device) RemoveInitiator(name string)                 { panic("unwritten") }
func (d *Device) SetDiscoveryAuth(a Auth)                     { panic("unwritten") }

// What a port provider asks.

// Why a login is refused.
var (
	ErrNoTarget    = errors.New("no such target")                       // 0203h
	ErrRemoved     = errors.New("the target was removed")               // 0204h
	ErrForbidden   = errors.New("the initiator may not use the target") // 0202h
	ErrUnavailable = errors.New("the target is offline")                // 0301h
)

// Redirected is the error of a target that has moved.
type Redirected struct{ Redirect }

func (r *Redirected) Error() string { panic("unwritten") }

// Found is a target that discovery may name.
type Found struct {
	Name      string
	Addresses []string // "host:port,tag" as in TargetAddress
}

// Discover lists the targets that initiator may log in to through the portal group tag,
// reached at local. only, when not empty, is the one target asked for.
func (d *Device) Discover(initiator string, tag uint16, local netip.AddrPort, only string) []Found {
	panic("unwritten")
}

// Admission is what a login must still prove.
type Admission struct {
	Target Target
	Auth   Auth
	// Peer returns the credential registered for a CHAP user of this initiator.
	Peer func(user string) (Credential, bool)
}

// Admit decides whether initiator may begin a login to target through the portal group tag.
func (d *Device) Admit(initiator, target string, tag uint16) (Admission, error) { panic("unwritten") }

// AdmitDiscovery is Admit for a discovery session.
func (d *Device) AdmitDiscovery(initiator string) (Admission, error) { panic("unwritten") }

// Connect returns a new nexus for a login that has succeeded, seeing what it may. End it with
// Nexus.Close.
func (d *Device) Connect(initiator string, isid [6]byte, target string, tag uint16) (*Nexus, error) {
	panic("unwritten")
}

// A Nexus is a live I_T nexus that the device keeps informed of changes.
type Nexus struct{ *scsi.Nexus }

// Close ends the nexus; see scsi.Nexus.Close.
func (n *Nexus) Close(drained func()) { panic("unwritten") }
