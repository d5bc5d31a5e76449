package control

import (
	"fmt"
	"slices"
)

// callIt is how a unit is called in a sentence.
func callIt(u UnitInfo) string {
	if u.Alias != "" {
		return u.Alias
	}
	return u.GUID
}

// A condition is something about units that matters to an initiator. what has a place for
// their names.
type condition struct {
	level  Level
	is     func(seen) bool
	what   string
	advice string
}

const (
	esxiLUNs      = 1024    // Disk.MaxLUN
	vmfsReclaims  = 1 << 20 // VMFS 6 gives space back in pieces as long, in bytes
	esxiBlockSize = 512
)

// esxiConditions matter to ESXi alone.
var esxiConditions = []condition{
	{Broken, func(u seen) bool { return u.info.BlockSize != esxiBlockSize },
		"ESXi cannot use %s: it takes blocks of 512 bytes only over iSCSI.",
		"The block size cannot be changed. Make another unit without --block-size."},
	{Broken, func(u seen) bool { return len(u.info.LUNs) > 0 && slices.Max(u.info.LUNs) >= esxiLUNs },
		"ESXi does not look at %s: its LUN is 1024 or more (Disk.MaxLUN).",
		"Give it a lower one while nothing is on it: lunar lu modify UNIT --lun N --force."},
	{Warning, func(u seen) bool { return u.info.WriteCache },
		"The write cache is on for %s: a power failure here loses writes that virtual machines believe safe.",
		"lunar lu modify UNIT --write-cache off"},
	{Note, func(u seen) bool { return !u.info.Thin },
		"Space that is deleted on %s does not come back: it is not thin, and UNMAP is not offered.",
		"Only a unit that is made with --thin offers UNMAP."},
	{Warning, func(u seen) bool {
		return u.info.Thin && u.info.State == UnitOnline && u.unit.unit.Advice().Granularity > vmfsReclaims
	},
		"The store of %s gives space back in pieces larger than 1 MiB: VMFS 6 of ESXi 6.5 does not reclaim there, and later ones reclaim little.",
		"Use a zvol with a volblocksize of 1 MiB or less, or a file."},
}

// conditions matter to everybody.
var conditions = []condition{
	{Broken, func(u seen) bool { return u.info.State == UnitFailed },
		"%s has failed (a sync, or its whole store): writes get errors, and guests see them.",
		"lunar lu show UNIT has the reason. Look at the medium and at what is on the unit; then lunar lu online UNIT. See Durability in docs/operate.md."},
	{Note, func(u seen) bool { return u.info.ReadOnly },
		"%s is read-only: writes get 07/27/00.", ""},
}

// examineUnits looks at the units that the patient sees.
func (p *patient) examineUnits() {
	if len(p.sessions) == 0 {
		return
	}
	if len(p.shown()) == 0 {
		p.say(Warning, "Make one: lunar lu create PATH --size SIZE.", "There is no unit for it to see.")
		return
	}
	rows := conditions
	if p.kind == esxi {
		rows = append(rows[:len(rows):len(rows)], esxiConditions...)
	}
	for _, c := range rows {
		var names []string
		for _, u := range p.shown() {
			if c.is(u) {
				names = append(names, callIt(u.info))
			}
		}
		if len(names) > 0 {
			p.say(c.level, c.advice, c.what, list(names))
		}
	}
	p.examineOffline()
	if p.kind == esxi {
		p.examineProducts()
	}
}

// examineOffline says what the patient does about units without a store.
func (p *patient) examineOffline() {
	doing := "Commands on the medium get 02/04/03."
	if p.kind == esxi {
		doing = "ESXi sees all paths down (APD): its virtual machines wait, after 140 s (Misc.APDTimeout) it fails the I/O of its own, and it recovers by itself when the unit is back."
	}
	for _, u := range p.shown() {
		if u.info.State == UnitOffline {
			p.say(Broken, "Bring back what holds the store, or lunar lu online "+callIt(u.info)+". To end it for good instead, detach the device on the hosts first.",
				"%s is offline: %s. %s", callIt(u.info), u.info.cause(), doing)
		}
	}
}

// examineProducts compares what ESXi compares before it lets units copy among themselves.
func (p *patient) examineProducts() {
	products := make(map[string]bool)
	var names []string
	for _, u := range p.shown() {
		if !products[u.info.Product] {
			products[u.info.Product] = true
			names = append(names, fmt.Sprintf("%s is %q", callIt(u.info), u.info.Product))
		}
	}
	if len(products) > 1 {
		p.say(Note, "Give units the same product when they are made. It is part of what VMFS knows a volume by: do not change it under one.",
			"Products differ: %s. ESXi lets units copy to each other (XCOPY) only where they are the same.", list(names))
	}
}

// shown returns the units that initiators see.
func (w *ward) shown() []seen {
	return slices.DeleteFunc(slices.Clone(w.units), func(u seen) bool { return u.info.State == UnitRetired })
}
