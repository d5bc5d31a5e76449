package control

import (
	"errors"
	"time"

	"github.com/lunarsan/lunar/sbd"
)

// faultInterval is how often units are looked at for a sync that failed.
const faultInterval = 250 * time.Millisecond

// watchFaults saves it in a unit's record when a sync of its store has failed: the kernel
// forgets, a restart must not. Such a unit answers errors until an operator looks.
func (d *Daemon) watchFaults() {
	for d.opts.wait(d.background, faultInterval) == nil {
		d.saveFaults()
	}
}

// saveFaults saves the faults that are new.
func (d *Daemon) saveFaults() {
	d.mu.RLock()
	var failed []*unit
	for _, u := range d.units {
		if u.record.Fault == "" && isFault(u.unit.Err()) {
			failed = append(failed, u)
		}
	}
	d.mu.RUnlock()
	for _, u := range failed {
		d.saveFault(u)
	}
}

// isFault reports whether a unit that answers err has a failed sync of its own, rather than
// being offline because of an earlier one.
func isFault(err error) bool {
	return errors.Is(err, sbd.ErrSyncFailed) && !errors.Is(err, sbd.ErrOffline)
}

func (d *Daemon) saveFault(u *unit) {
	end, err := d.begin()
	if err != nil {
		return // the drain takes the units offline, which saves their faults
	}
	defer end()
	d.recordFault(u)
}

// recordFault saves u's fault. Daemon.change is held.
func (d *Daemon) recordFault(u *unit) {
	fault := u.unit.Err()
	if u.record.Fault != "" || !isFault(fault) || d.units[u.record.GUID] != u {
		return
	}
	record := u.record
	record.Fault = fault.Error()
	d.log.Error("a sync failed: writes may be lost; the unit answers errors until lunar lu online", "unit", record.GUID, "path", record.Path, "reason", fault)
	if err := d.saveUnit(u, record); err != nil {
		d.log.Error("the fault could not be saved; a restart will forget it", "unit", record.GUID, "reason", err)
	}
}
