package target

import (
	"context"
	"sync"

	"github.com/lunarsan/lunar/internal/buffer"
	"github.com/lunarsan/lunar/scsi"
)

// A Device is everything that this machine shows to initiators. Use NewDevice.
//
// Its methods may be called from any goroutine. They take one lock, which covers logins,
// discovery and changes; commands never come here: a nexus carries what it sees.
type Device struct {
	// SaveAccess, set before the first login, saves the target port groups that an initiator
	// changes (SET TARGET PORT GROUPS).
	SaveAccess func(groups []AccessGroup, initiator string) error

	// AskRADIUS, set before the first login, asks a RADIUS server about a proof for AuthRADIUS:
	// nil where it is right, ErrDenied where it is wrong, another error where nobody knows.
	AskRADIUS func(context.Context, Proof) error

	pool      *buffer.Pool
	histories scsi.Histories

	accessing sync.Mutex // one change of target port groups at a time; held while it is saved, outside mu

	mu           sync.Mutex
	views        views
	inventories  map[scope]map[int]*scsi.LogicalUnit // what inventory returned, until a view changes
	rosters      [groupKinds]roster
	targets      map[string]Target
	removed      map[string]bool // names of targets that were removed: ErrRemoved, not ErrNoTarget
	groups       map[uint16]PortalGroup
	initiators   map[string]Initiator
	groupCHAP    map[string]Credential // of host groups: any member may use it
	discovery    Auth
	undiscovered bool            // discovery sessions are refused
	ports        map[port]uint16 // relative target port identifiers, of ports that are gone too
	lastPort     uint16          // the highest of them
	access       map[uint16]AccessGroup
	reported     []scsi.PortGroup // access as nexuses see it; nil: made when it is needed
	nexuses      map[identity]*Nexus
}

// NewDevice returns a device without targets or units. Its nexuses borrow from pool.
func NewDevice(pool *buffer.Pool) *Device {
	return &Device{
		pool:        pool,
		views:       newViews(),
		inventories: make(map[scope]map[int]*scsi.LogicalUnit),
		rosters:     [groupKinds]roster{newRoster(), newRoster()},
		targets:     make(map[string]Target),
		removed:     make(map[string]bool),
		groups:      make(map[uint16]PortalGroup),
		initiators:  make(map[string]Initiator),
		groupCHAP:   make(map[string]Credential),
		ports:       make(map[port]uint16),
		nexuses:     make(map[identity]*Nexus),
	}
}

// Histories returns what initiators have asked for and got since the start.
func (d *Device) Histories() *scsi.Histories { return &d.histories }
