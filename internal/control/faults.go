package control

import (
	"errors"

	"github.com/lunarsan/lunar/sbd"
)

// watchFaults looks at the units whenever one of them is in trouble. A sync that failed is saved
// in the unit's record at once: the kernel forgets it, a restart must not. Such a unit answers
// errors until an operator looks. A store that has gone is logged, and is an alarm.
func (d *Daemon) watchFaults() {
	for {
		select {
		case <-d.troubled:
			d.lookAtFaults()
		case <-d.background.Done():
			return
		}
	}
}

// trouble has the units looked at. It does not block: one look is enough for all that came
// before it.
func (d *Daemon) trouble() {
	select {
	case d.troubled <- struct{}{}:
	default:
	}
}

// lookAtFaults saves the faults that are new, and logs the stores that have gone since it last
// looked.
func (d *Daemon) lookAtFaults() {
	var failed []*unit
	d.mu.Lock()
	for _, u := range d.units {
		err := u.unit.Err()
		gone := errors.Is(err, sbd.ErrGone) && !errors.Is(err, sbd.ErrOffline)
		if gone && !u.gone {
			d.log.Error("the store has gone: commands fail until it is back or lunar lu online opens it afresh", "unit", u.record.GUID, "path", u.record.Path, "reason", err)
		}
		u.gone = gone
		if u.record.Fault == "" && isFault(err) {
			failed = append(failed, u)
		}
	}
	d.mu.Unlock()
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
	end, err := d.begin(d.background)
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
