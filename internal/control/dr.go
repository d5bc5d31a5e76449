package control

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/lunarsan/lunar/sbd"
)

// Disaster recovery: the replicas of another site's units are shown to hosts, for a test on clones,
// or because the site has failed.

// A drRecord is a test, a failover, or the other side of one: what is done, and what is still to do. It is saved before
// each step, so that a daemon that comes after a crash goes on, or takes back what was half done.
type drRecord struct {
	Name      string    `json:"name"`
	Site      string    `json:"site"`           // PEER/JOB
	Peer      string    `json:"peer,omitempty"` // who has taken over
	Kind      string    `json:"kind"`
	Phase     string    `json:"phase"`
	Begun     time.Time `json:"begun"`
	Snapshot  string    `json:"snapshot"`
	Taken     time.Time `json:"taken"`
	Fresh     bool      `json:"fresh,omitempty"` // identities of their own
	HostGroup string    `json:"host_group,omitempty"`
	Hosts     []string  `json:"hosts,omitempty"` // the host group is the test's own, and has these
	Past      bool      `json:"past,omitempty"`  // of a failover: to a snapshot that was chosen, on clones
	Units     []drUnit  `json:"units"`
	Steps     []drStep  `json:"steps,omitempty"`

	Added   []drAddition `json:"added,omitempty"`   // to the configuration, by a failover
	Problem string       `json:"problem,omitempty"` // why it went no further
}

// A drUnit is a unit of a test or a failover.
type drUnit struct {
	Original sbd.GUID `json:"original"`
	GUID     sbd.GUID `json:"guid"`
	Replica  string   `json:"replica"`          // volume
	Clone    string   `json:"clone,omitempty"`  // of the replica
	Volume   string   `json:"volume,omitempty"` // the clone as a volume, in a failover
	Path     string   `json:"path,omitempty"`   // of the store that is shown
	LUN      int      `json:"lun"`
	Header   string   `json:"header,omitempty"` // how a VMFS volume's header fits the identity
}

// A drStep is something that was done.
type drStep struct {
	Time time.Time `json:"time"`
	What string    `json:"what"`
}

const drKind kind[drRecord] = "dr/"

// drHint is the way out where there is no such test.
const drHint = "lunar dr list shows what is under way."

// note adds a step that was done.
func (r *drRecord) note(format string, args ...any) {
	r.Steps = append(slices.Clip(r.Steps), drStep{time.Now().UTC().Truncate(time.Second), fmt.Sprintf(format, args...)})
}

func (d *Daemon) findDR(name string) (r drRecord, err error) {
	r, ok, err := drKind.find(d.state, name)
	if err == nil && !ok {
		err = missing(fmt.Sprintf("there is no DR test or failover %q", name), drHint)
	}
	return r, err
}

// saveDR saves r, which is then in phase.
func (d *Daemon) saveDR(r *drRecord, phase string) error {
	r.Phase = phase
	return d.state.Update(func(tx Tx) error { return drKind.put(tx, r.Name, *r) })
}

// unusedSite refuses to forget a site whose replicas are in use.
func (d *Daemon) unusedSite(s siteRecord) error {
	records, err := drKind.list(d.state)
	if err != nil {
		return err
	}
	for _, r := range records {
		if r.Site == s.name() && r.Kind != DRKindYielded {
			return conflict(fmt.Sprintf("site %s is in use by %s", s.name(), r.Name), "End it first: lunar dr end "+r.Name)
		}
	}
	return nil
}

// DRs returns the tests and failovers in order of their names.
func (d *Daemon) DRs(context.Context) ([]DRInfo, error) {
	records, err := drKind.list(d.state)
	if err != nil {
		return nil, err
	}
	infos := make([]DRInfo, 0, len(records))
	for _, r := range records {
		infos = append(infos, d.drInfo(r))
	}
	return infos, nil
}

// DR returns a test or a failover. What is not busy has come to rest as it says.
func (d *Daemon) DR(_ context.Context, name string) (DRInfo, error) {
	r, err := d.findDR(name)
	busy := err == nil && d.drills.busy(r.Site)
	if err == nil && !busy {
		r, err = d.findDR(name) // it may have come to its end behind the first look
	}
	if err != nil {
		return DRInfo{}, err
	}
	info := d.drInfo(r)
	info.Busy = busy
	return info, nil
}

func (d *Daemon) drInfo(r drRecord) DRInfo {
	info := DRInfo{Name: r.Name, Site: r.Site, Kind: r.Kind, Phase: r.Phase, Begun: r.Begun, Snapshot: r.Snapshot, Taken: r.Taken, Fresh: r.Fresh,
		HostGroup: r.HostGroup, Hosts: r.Hosts, Problem: r.Problem, Busy: d.drills.busy(r.Site), Units: []DRUnit{}, Steps: []DRStep{}}
	for _, u := range r.Units {
		shown := DRUnit{GUID: u.GUID.String(), Original: u.Original.String(), Replica: u.Replica, Path: u.Path, LUN: u.LUN, Header: u.Header}
		if unit, err := d.find(shown.GUID); err == nil {
			d.mu.RLock()
			shown.State, _ = unit.condition()
			d.mu.RUnlock()
			shown.InUse = d.checkIdle(unit, false) != nil
		}
		info.Units = append(info.Units, shown)
	}
	for _, s := range r.Steps {
		info.Steps = append(info.Steps, DRStep(s))
	}
	return info
}

// resumeDR goes on with what an earlier daemon has begun and not finished.
func (d *Daemon) resumeDR() {
	records, err := drKind.list(d.state)
	if err != nil {
		d.log.Error("the DR tests cannot be read", "reason", err)
		return
	}
	for _, r := range records {
		done, err := d.drills.begin(r.Site)
		if err != nil {
			continue // somebody was quicker, and does the same
		}
		switch r.Phase {
		case drMaking, drEnding:
			err = d.dismantle(d.background, &r)
		case drAsking: // the other site may be still as it was, or wait to be asked again
			r.Problem = "the daemon ended meanwhile; ask for it again"
			err = d.saveDR(&r, drFailed)
		case drPromoting:
			err = d.promote(d.background, &r)
		case drYielding: // the other site may have taken over by itself
			err = conflict("the daemon ended while it gave the units up", fmt.Sprintf("If %s does not serve them, lunar dr reclaim %s takes them back.", r.Peer, r.Name))
		case drTakingUp:
			err = d.takeUp(d.background, &r)
		}
		if err != nil {
			d.stopDR(d.background, &r, r.Phase, err)
		}
		done()
	}
}

// stopDR saves why something goes no further, unless that is the daemon's end.
func (d *Daemon) stopDR(ctx context.Context, r *drRecord, phase string, reason error) {
	if ctx.Err() != nil {
		return
	}
	r.Problem = oneLine(reason)
	if p := problemOf(reason); p.Hint != "" {
		r.Problem += " (" + p.Hint + ")"
	}
	d.log.Error("disaster recovery goes no further", "dr", r.Name, "phase", phase, "reason", reason)
	if err := d.saveDR(r, phase); err != nil {
		d.log.Error("that could not be saved", "dr", r.Name, "reason", err)
	}
}

// drills are what is under way. The zero value is nothing.
type drills struct {
	mu    sync.Mutex
	sites map[string]bool
}

// busy reports whether something is under way with the units of a site.
func (l *drills) busy(site string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.sites[site]
}

// begin begins something with the units of a site, which one may do at a time. The caller calls what it
// returns at the end.
func (l *drills) begin(site string) (end func(), err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.sites[site] {
		return nil, conflict("something is being done with the units of "+site+" already", "Wait for it: lunar dr list shows how far it is.")
	}
	if l.sites == nil {
		l.sites = make(map[string]bool)
	}
	l.sites[site] = true
	return func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		delete(l.sites, site)
	}, nil
}

// The phases of a drRecord.
const (
	drMaking = "being made" // a test; what is there of it is thrown away after a crash
	drReady  = "ready"
	drEnding = "ending"

	drFailed    = "failed"                // a failover that has changed nothing here
	drAsking    = "asking the other site" // a failover; after a crash it was never begun here
	drPromoting = "being promoted"        // gone on with after a crash
	drActive    = "active"
	drReturning = "being returned"    // a failback has begun; asking for it again goes on
	drHanding   = "being handed over" // all was sent back: the originals may be in use again

	drYielding = "yielding" // the other side of a failover; asked again, it goes on
	drYielded  = "yielded"
	drTakingUp = "being taken up" // some originals may be in use again; gone on with after a crash
)

// forgetDR takes r out of the state.
func (d *Daemon) forgetDR(r *drRecord) error {
	return d.state.Update(func(tx Tx) error { return drKind.delete(tx, r.Name) })
}

// freeDRName is a name that begins with base, and that nothing has yet.
func (d *Daemon) freeDRName(base string) (string, error) {
	records, err := drKind.list(d.state)
	name := base
	for n := 2; slices.ContainsFunc(records, func(r drRecord) bool { return r.Name == name }); n++ {
		name = fmt.Sprintf("%s-%d", base, n)
	}
	return name, err
}

// stoppedDRs tells what goes no further.
func (d *Daemon) stoppedDRs() (alarms []string) {
	records, _ := drKind.list(d.state) // Status has read others
	for _, r := range records {
		if r.Problem != "" && !d.drills.busy(r.Site) {
			alarms = append(alarms, fmt.Sprintf("%s is %s: %s", r.Name, r.Phase, r.Problem))
		}
	}
	return alarms
}
