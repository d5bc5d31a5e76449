package scsi

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/lunarsan/lunar/internal/buffer"
	"github.com/lunarsan/lunar/sbd"
)

// A LogicalUnit is the device server of one sbd.Unit, however many nexuses see it.
type LogicalUnit struct {
	// Panicked, set before the first use, hears of handlers that panicked: their commands
	// end with INTERNAL TARGET FAILURE.
	Panicked func(cause any, stack []byte)
	// SaveSanitize, set before the first use, keeps what ResumeSanitize is to go on with in another
	// run; nil: there is nothing any more.
	SaveSanitize func(*Sanitize) error
	// Slow, changed before the first use, is how long a command takes to be remembered as slow.
	Slow time.Duration
	// Keep, set before the first use, saves what is to persist through a loss of power, in
	// place of what it saved before. It may block. Nil: nothing persists.
	Keep func(Reservations) error
	// TargetPorts, set before the first use, returns the ports that lead to the unit; nil: a
	// nexus knows of its own alone.
	TargetPorts func() []TargetPort

	unit      *sbd.Unit
	blockSize int64 // bytes
	thin      bool  // UNMAP is offered
	pool      *buffer.Pool
	born      time.Time

	tasks      taskSet
	metrics    counters
	primitives primitiveCounts
	slow       slowLog
	modes      modes
	later      laterSync
	inForce    atomic.Pointer[registry]   // nil while nothing is reserved; changed under mu
	threshold  atomic.Int32               // see SetThreshold
	sanitizing atomic.Pointer[sanitizing] // nil: the medium may be used
	sanitizers sync.WaitGroup
	tokens     tokenTable

	reserving sync.Mutex // one change of what is registered at a time; held across Keep

	mu        sync.Mutex
	paths     []*path
	lost      []lost // nexuses that may come back, the one lost last at the end
	registry  *registry
	retain    bool        // the reservation of a nexus that ends
	returning *time.Timer // ends the reservation that was restored if its holder stays away
}

// A TargetPort is a port of this machine: its name, "iqn.…,t,0x0001", and its relative target
// port identifier.
type TargetPort struct {
	Name     string
	Relative uint16
}

// NewLogicalUnit returns the device server of u, which borrows its buffers from pool.
func NewLogicalUnit(u *sbd.Unit, pool *buffer.Pool) *LogicalUnit {
	lu := &LogicalUnit{
		unit:      u,
		blockSize: int64(u.Identity().BlockSize),
		thin:      u.Config().Thin,
		pool:      pool,
		Slow:      DefaultSlow,
		born:      time.Now(),
		registry:  newRegistry(Reservations{}),
	}
	lu.tasks.init()
	return lu
}

// Unit returns what the device server serves.
func (lu *LogicalUnit) Unit() *sbd.Unit { return lu.unit }

// CapacityChanged tells every nexus (06/2A/09).
func (lu *LogicalUnit) CapacityChanged() { lu.raise(CapacityHasChanged, nil) }

// ModesChanged tells every nexus that mode parameters are not what they were (06/2A/01).
func (lu *LogicalUnit) ModesChanged() { lu.raise(ModeParametersChanged, nil) }

// IdentityChanged tells every nexus that the unit's sbd.Identity is another (06/3F/03).
func (lu *LogicalUnit) IdentityChanged() { lu.raise(InquiryDataChanged, nil) }

// Close waits until no task is inside and no worker runs. No nexus may see the unit.
func (lu *LogicalUnit) Close() {
	lu.stopSanitize()
	lu.tasks.drain()
	lu.later.wait()
	lu.tokens.clear()
	lu.mu.Lock()
	defer lu.mu.Unlock()
	if lu.returning != nil {
		lu.returning.Stop()
	}
}

// attach makes a path from n to the unit.
func (lu *LogicalUnit) attach(n *Nexus) *path {
	p := &path{unit: lu, nexus: n}
	lu.mu.Lock()
	defer lu.mu.Unlock()
	lu.greet(p)
	p.at = len(lu.paths)
	lu.paths = append(lu.paths, p)
	return p
}

// detach forgets p and, unless the same nexus has another, its reservation by RESERVE. Tasks
// that came by it run to their end.
func (lu *LogicalUnit) detach(p *path) {
	lu.mu.Lock()
	defer lu.mu.Unlock()
	lu.detachLocked(p)
}

func (lu *LogicalUnit) detachLocked(p *path) {
	last := len(lu.paths) - 1
	lu.paths[p.at] = lu.paths[last]
	lu.paths[p.at].at = p.at
	lu.paths[last] = nil
	lu.paths, p.at = lu.paths[:last], detached
	if !lu.retain {
		lu.releaseAbsent(p.nexus.registrant())
	}
}

// lose is detach for a nexus that ends, and may come back.
func (lu *LogicalUnit) lose(p *path) {
	lu.mu.Lock()
	defer lu.mu.Unlock()
	lu.detachLocked(p)
	lu.remember(p)
}

// writeProtected reports whether writes are refused before they reach the store.
func (lu *LogicalUnit) writeProtected() bool { return lu.unit.ReadOnly() || lu.modes.swp.Load() }
