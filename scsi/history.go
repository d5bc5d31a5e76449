package scsi

import (
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/lunarsan/lunar/sbd"
)

// Histories are what initiators have asked for and got since the start, by initiator name:
// they outlive nexuses. What they take is bounded, however many initiators and units there
// are and whatever is asked. The zero value is ready.
type Histories struct {
	dealings  atomic.Int64 // that were made, in all histories
	functions [QueryTaskSet + 1][FunctionNotSupported + 1]atomic.Uint64

	mu     sync.Mutex
	byName map[string]*History
}

// The bounds.
const (
	maxHistories = 4096    // initiators
	maxDealings  = 1 << 16 // of an initiator with a unit; some 300 bytes each
	maxEvents    = 64      // kinds of them, of an initiator
)

// A History is what initiators of one name have asked for and got. Successful reads and
// writes, and whatever else nobody would ask about, leave no trace in it. A nil History keeps
// nothing.
type History struct {
	all       *Histories
	initiator string

	mu       sync.Mutex
	nexuses  int       // live
	since    time.Time // the first nexus
	left     time.Time // the end of the last one
	units    map[sbd.GUID]*dealings
	events   map[eventKey]*Event
	managed  map[managedKey]*Managed
	untraced uint64 // events that there was no room for
}

// Open returns the history of an initiator that gets a nexus; Close goes with the nexus's
// end. Where there are too many, the one that left first is forgotten, and it is nil while
// none has left.
func (h *Histories) Open(initiator string) *History {
	h.mu.Lock()
	defer h.mu.Unlock()
	one := h.byName[initiator]
	if one == nil {
		if len(h.byName) >= maxHistories && !h.forget() {
			return nil
		}
		if h.byName == nil {
			h.byName = make(map[string]*History)
		}
		one = &History{all: h, initiator: initiator, since: time.Now()}
		h.byName[initiator] = one
	}
	one.mu.Lock()
	defer one.mu.Unlock()
	one.nexuses++
	return one
}

// forget drops the history of the initiator that left first. The caller holds h.mu.
func (h *Histories) forget() bool {
	var first *History
	var left time.Time
	for _, one := range h.byName {
		one.mu.Lock()
		if one.nexuses == 0 && (first == nil || one.left.Before(left)) {
			first, left = one, one.left
		}
		one.mu.Unlock()
	}
	if first == nil {
		return false
	}
	delete(h.byName, first.initiator)
	first.mu.Lock()
	defer first.mu.Unlock()
	h.dealings.Add(-int64(len(first.units)))
	first.units = nil
	return true
}

// Close says that a nexus of the initiator has ended.
func (h *History) Close() {
	if h == nil {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.nexuses--
	h.left = time.Now()
}

// remember keeps what is worth keeping of t, which came to its end at a time and after a
// while. Finish calls it for what is slow, fails or is counted by primitive; reads and writes
// that succeed in time do not come here.
func (t *Task) remember(at time.Time, took time.Duration) {
	good := t.Status == Good || t.Status == ConditionMet
	if t.path != nil {
		if lu := t.lu(); took >= lu.Slow {
			lu.slow.add(t, at, took)
		}
		t.tally(at, good)
	}
	if !good {
		t.nexus.History.add(t, at)
	}
}

// An Account is a History as it was at one moment.
type Account struct {
	Initiator string
	Nexuses   int       // live
	Since     time.Time // the first nexus
	Left      time.Time // the end of the last one; zero: none has ended
	Units     map[sbd.GUID]UnitAccount
	Events    []Event   // what was refused, failed or told by unit attention; latest first
	Managed   []Managed // task management functions; latest first
	Untraced  uint64    // commands that failed in more ways than there is room for
}

// Accounts returns what the histories say, by initiator name.
func (h *Histories) Accounts() []Account {
	h.mu.Lock()
	all := make([]*History, 0, len(h.byName))
	for _, one := range h.byName {
		all = append(all, one)
	}
	h.mu.Unlock()
	accounts := make([]Account, 0, len(all))
	for _, one := range all {
		accounts = append(accounts, one.account())
	}
	slices.SortFunc(accounts, func(a, b Account) int { return strings.Compare(a.Initiator, b.Initiator) })
	return accounts
}

func (h *History) account() Account {
	h.mu.Lock()
	defer h.mu.Unlock()
	a := Account{Initiator: h.initiator, Nexuses: h.nexuses, Since: h.since, Left: h.left, Untraced: h.untraced,
		Units: make(map[sbd.GUID]UnitAccount, len(h.units))}
	for guid, d := range h.units {
		a.Units[guid] = d.account()
	}
	for _, e := range h.events {
		a.Events = append(a.Events, *e)
	}
	for _, m := range h.managed {
		a.Managed = append(a.Managed, *m)
	}
	slices.SortFunc(a.Events, func(a, b Event) int { return b.Last.Compare(a.Last) })
	slices.SortFunc(a.Managed, func(a, b Managed) int { return b.Last.Compare(a.Last) })
	return a
}
