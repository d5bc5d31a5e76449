package control

import (
	"fmt"
	"strconv"
	"strings"
)

// identityFields are what makes a unit the disk that initiators know: how each is shown, and
// what follows where it is changed. ESXi writes them all into the header of a VMFS volume, but
// for the serial number, and compares.
var identityFields = [...]struct {
	name string
	show func(*unitRecord) string
	then string
}{
	{"GUID", func(r *unitRecord) string { return r.GUID.String() },
		"ESXi takes the unit for another disk (naa.), and a VMFS volume on it for a snapshot, which it does not mount by itself"},
	{"serial number", func(r *unitRecord) string { return r.Serial },
		"initiators that know the unit by its serial number (VPD pages 80h and 83h) take it for another disk"},
	{"vendor", func(r *unitRecord) string { return r.Vendor },
		"ESXi may take a VMFS volume on the unit for a snapshot, which it does not mount by itself, and other claim rules apply"},
	{"product", func(r *unitRecord) string { return r.Product },
		"ESXi names the unit differently (vml.), may take a VMFS volume on it for a snapshot, and no longer offloads copies to units with another product"},
	{"revision", func(r *unitRecord) string { return r.Revision },
		"ESXi may take a VMFS volume on the unit for a snapshot, which it does not mount by itself"},
	{"version", func(r *unitRecord) string { return strconv.Itoa(int(r.Version)) },
		"ESXi sees another SCSI level, and takes a VMFS volume on the unit for a snapshot, which it does not mount by itself"},
	{"LUN", func(r *unitRecord) string { return strings.Trim(fmt.Sprint(r.luns()), "[]") },
		"initiators lose the unit where it was until they rescan, and ESXi may take a VMFS volume on it for a snapshot, which it does not mount by itself"},
}

// changesIdentity tells what follows from making after of before, a sentence per field.
func changesIdentity(before, after *unitRecord) (follows []string) {
	for _, f := range identityFields {
		if to := f.show(after); to != f.show(before) {
			follows = append(follows, fmt.Sprintf("its %s changes to %q: %s", f.name, to, f.then))
		}
	}
	return follows
}

// identify puts what r says of the identity into record.
func (r *UnitModify) identify(record *unitRecord) error {
	if r.GUID != nil {
		if err := record.GUID.UnmarshalText([]byte(*r.GUID)); err != nil {
			return refuse(err.Error(), guidHint)
		}
	}
	set(&record.Serial, r.Serial)
	set(&record.Vendor, r.Vendor)
	set(&record.Product, r.Product)
	set(&record.Revision, r.Revision)
	set(&record.Version, r.Version)
	if r.LUN != nil {
		if err := record.moveView(*r.LUN); err != nil {
			return err
		}
	}
	return record.checkIdentity()
}

// set changes field to what was asked for.
func set[T any](field, asked *T) {
	if asked != nil {
		*field = *asked
	}
}

const guidHint = "A GUID is an NAA identifier: 32 hexadecimal digits of which the first is 6."

// checkIdentity refuses what initiators cannot be told.
func (r *unitRecord) checkIdentity() error {
	if err := r.identity().Check(); err != nil {
		return refuse(oneLine(err), "Choose what initiators can be told; what is left out gets a good value.")
	}
	if r.Serial == "" {
		return refuse("a unit needs a serial number", "Initiators tell disks apart by it.")
	}
	return nil
}

// distinct refuses an identity that another unit than self, which may be nil, has already. Daemon.mu is held.
func (d *Daemon) distinct(r *unitRecord, self *unit) error {
	for _, u := range d.units {
		if u == self {
			continue
		}
		switch o := u.record; {
		case o.GUID == r.GUID:
			return conflict(fmt.Sprintf("there is a unit %s already", r.GUID), "Choose another GUID, or leave it out.")
		case o.Serial == r.Serial:
			return conflict(fmt.Sprintf("unit %s has the serial number %q already", o.GUID, r.Serial),
				"Initiators tell disks apart by it: choose another.")
		}
	}
	return nil
}

// mayChangeIdentity refuses a change that makes another disk of u, unless force says that this
// is wanted, and tells what follows.
func (d *Daemon) mayChangeIdentity(u *unit, after *unitRecord, force bool) (follows []string, err error) {
	follows = changesIdentity(&u.record, after)
	if len(follows) == 0 {
		return nil, nil
	}
	d.mu.RLock()
	defer d.mu.RUnlock()
	if err := d.distinct(after, u); err != nil {
		return nil, err
	}
	if !force {
		return nil, conflict(fmt.Sprintf("unit %s would become another disk: %s", u.record.GUID, strings.Join(follows, "; ")),
			"Unmount what is on it and detach it in every initiator, and then say --force.")
	}
	return follows, nil
}

// applyIdentity makes initiators know u as its record has it.
func (d *Daemon) applyIdentity(u *unit) error {
	if id := u.record.identity(); id != u.unit.Identity() {
		if err := u.unit.SetIdentity(id); err != nil {
			return err
		}
		u.lu.IdentityChanged()
	}
	return nil
}
