package target

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/lunarsan/lunar/scsi"
)

// A Unit is a logical unit and the LUN it is shown at.
type Unit struct {
	LUN     int
	Logical *scsi.LogicalUnit
}

// Inventory decides which units an initiator sees on a target, and at which LUNs. It is the
// only place that does.
func Inventory(units []Unit, initiator, target string) map[int]*scsi.LogicalUnit {
	seen := make(map[int]*scsi.LogicalUnit, len(units))
	for _, u := range units {
		seen[u.LUN] = u.Logical
	}
	return seen
}

// AddUnit shows lu at LUN lun.
func (d *Device) AddUnit(lun int, lu *scsi.LogicalUnit) error {
	if lun < 0 || lun > scsi.MaxLUN {
		return fmt.Errorf("LUN %d is out of range: 0 to %d", lun, scsi.MaxLUN)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, u := range d.units {
		switch {
		case u.LUN == lun:
			return fmt.Errorf("LUN %d is taken by another unit", lun)
		case u.Logical == lu:
			return fmt.Errorf("the unit is shown at LUN %d already", u.LUN)
		}
	}
	d.units = append(d.units, Unit{lun, lu})
	d.refresh()
	return nil
}

// MoveUnit shows lu at LUN lun instead of where it is. Every initiator that sees it is told
// (06/3F/0E).
func (d *Device) MoveUnit(lun int, lu *scsi.LogicalUnit) error {
	if lun < 0 || lun > scsi.MaxLUN {
		return fmt.Errorf("LUN %d is out of range: 0 to %d", lun, scsi.MaxLUN)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	at := -1
	for i, u := range d.units {
		switch {
		case u.Logical == lu:
			at = i
		case u.LUN == lun:
			return fmt.Errorf("LUN %d is taken by another unit", lun)
		}
	}
	if at < 0 {
		return errors.New("the unit is not shown")
	}
	d.units = slices.Clone(d.units)
	d.units[at].LUN = lun
	d.refresh()
	return nil
}

// RemoveUnit shows lu no more. It does nothing if lu is not shown.
func (d *Device) RemoveUnit(lu *scsi.LogicalUnit) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for i, u := range d.units {
		if u.Logical == lu {
			d.units = append(d.units[:i:i], d.units[i+1:]...)
			d.refresh()
			return
		}
	}
}

// inventory is Inventory of the units there are now. Nobody sees anything on a target that
// was removed. Nexuses that see the same share a map, which nobody changes.
func (d *Device) inventory(initiator, target string) map[int]*scsi.LogicalUnit {
	if _, there := d.targets[target]; !there {
		return nil
	}
	if seen := Inventory(d.units, initiator, target); !maps.Equal(seen, d.lastSeen) {
		d.lastSeen = seen
	}
	return d.lastSeen
}

// refresh tells every live nexus what it sees from now on, where that has changed.
func (d *Device) refresh() {
	for id, n := range d.nexuses {
		n.show(d.inventory(id.initiator, id.target))
	}
}
