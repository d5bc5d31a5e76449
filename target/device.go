package target

import (
	"sync"

	"github.com/lunarsan/lunar/internal/buffer"
	"github.com/lunarsan/lunar/scsi"
)

// A Device is everything that this machine shows to initiators. Use NewDevice.
//
// Its methods may be called from any goroutine. They take one lock, which covers logins,
// discovery and changes; commands never come here: a nexus carries what it sees.
type Device struct {
	pool      *buffer.Pool
	histories scsi.Histories

	mu         sync.Mutex
	units      []Unit
	targets    map[string]Target
	removed    map[string]bool // names of targets that were removed: ErrRemoved, not ErrNoTarget
	groups     map[uint16]PortalGroup
	initiators map[string]Initiator
	discovery  Auth
	ports      map[port]uint16 // relative target port identifiers
	nexuses    map[identity]*Nexus
}

// NewDevice returns a device without targets or units. Its nexuses borrow from pool.
func NewDevice(pool *buffer.Pool) *Device {
	return &Device{
		pool:       pool,
		targets:    make(map[string]Target),
		removed:    make(map[string]bool),
		groups:     make(map[uint16]PortalGroup),
		initiators: make(map[string]Initiator),
		ports:      make(map[port]uint16),
		nexuses:    make(map[identity]*Nexus),
	}
}

// Histories returns what initiators have asked for and got since the start.
func (d *Device) Histories() *scsi.Histories { return &d.histories }
