package control

import (
	"cmp"
	"fmt"
	"maps"
	"strings"
	"time"

	"github.com/lunarsan/lunar/sbd"
	"github.com/lunarsan/lunar/scsi"
)

// examineTrouble looks at what commands met on the units.
func (p *patient) examineTrouble() {
	sum := p.sum(p.account.Units)
	say := func(trouble scsi.Trouble, level Level, advice, what string) {
		if n := sum.Trouble[trouble].Count; n > 0 {
			p.say(level, advice, what, times(n), p.where(trouble))
		}
	}
	level := Note
	if p.asked(scsi.AbortTask) > 0 {
		level = Warning
	}
	say(scsi.Miscompare, level, "Two hosts that reach for one lock at a moment are normal. "+
		"Many, with aborts, are heartbeats that took too long: lunar doctor --slow shows what held them up.",
		"ATS found other data than expected (0E/1D/00) %s, on %s.")
	say(scsi.Conflict, Note, "VMFS without ATS and clusters do this all the time. If nothing moves: lunar lu show UNIT says who holds it: RESERVE ends with its session or a reset of the unit, a persistent reservation by CLEAR or PREEMPT of a registered host.",
		"It met the reservation of another initiator %s, on %s.")
	say(scsi.OutOfSpace, Broken, "Free space below the store, or grow it. Then answer Retry to the question that the virtual machine asks in the vSphere client.",
		"The store was full (07/27/07) %s, on %s: ESXi pauses the virtual machine that wrote, others get an error.")
	say(scsi.NotReady, Note, "lunar lu list shows whether it still is.",
		"It asked for a unit that was offline (sense key 02) %s, on %s.")
	say(scsi.StoreError, Broken, "The log of lunar has the store's own words behind \"a command failed\". Look at the disks (SMART, zpool status).",
		"The store failed %s, on %s: guests got errors.")
}

// examineWarnings looks at what the patient was told of space that runs out.
func (p *patient) examineWarnings() {
	for _, e := range p.account.Events {
		if e.Sense == scsi.SoftThresholdReached {
			p.say(Warning, "Make room below the store before it is full. lunar status shows the alarm as long as it lasts.",
				"It was warned that a thin unit runs out of space (06/38/07) %s; ESXi shows that at the datastore.", times(e.Count))
		}
	}
}

// where names the units that met trouble.
func (p *patient) where(trouble scsi.Trouble) string {
	met := maps.Clone(p.account.Units)
	maps.DeleteFunc(met, func(_ sbd.GUID, u scsi.UnitAccount) bool { return u.Trouble[trouble].Count == 0 })
	return list(p.call(met))
}

// A refusal sorts events with sense key 05 and 0B, the first that fits.
type refusal struct {
	is     func(scsi.Event) bool
	level  Level
	what   string
	advice func(*patient) string
}

func always(advice string) func(*patient) string { return func(*patient) string { return advice } }

var refusals = []refusal{
	{func(e scsi.Event) bool {
		return e.Sense == scsi.InvalidOpcode && !isPrimitive(e.CDB) || e.Sense == scsi.InvalidFieldInCDB && strings.Contains(e.Request, "page ")
	}, Note,
		"Commands and pages were refused because the units do not have them (05/20/00, 05/24/00): %s.",
		(*patient).unknownAdvice},
	{func(e scsi.Event) bool { return e.Sense == scsi.LogicalUnitNotSupported }, Note,
		"LUNs where there is no unit were asked for (05/25/00): %s.",
		always("After a unit was deleted, detach its device on the host and rescan. ESXi takes this answer for a permanent device loss (PDL).")},
	{func(e scsi.Event) bool { return e.Sense == scsi.WriteProtected }, Warning,
		"Writes to a read-only unit were refused (07/27/00): %s.",
		always("Mount it read-only, or lunar lu modify UNIT --read-only off.")},
	{func(e scsi.Event) bool { return e.Sense.Key() == 5 && !isPrimitive(e.CDB) }, Warning,
		"Commands were refused as invalid: %s.",
		always("The table of failed commands has the CDBs. If a host did this and not a test, please report it.")},
	{func(e scsi.Event) bool { return e.Sense.Key() == 0xB }, Warning,
		"Commands arrived damaged or incomplete: %s.",
		always("Look for errors on the network's ports and cables; the host sends them again.")},
}

func (p *patient) unknownAdvice() string {
	if p.kind == esxi {
		return "ESXi tries things and goes on without them. " + remembers
	}
	return "Initiators try things and go on without them."
}

func isPrimitive(c scsi.CDB) bool {
	_, ok := c.Primitive()
	return ok
}

// examineRefusals looks at what the units would not do.
func (p *patient) examineRefusals() {
	groups := make([][]string, len(refusals))
	for _, e := range p.account.Events {
		for i, r := range refusals {
			if e.Status == scsi.CheckCondition && r.is(e) {
				groups[i] = append(groups[i], refused(e))
				break
			}
		}
	}
	for i, r := range refusals {
		if len(groups[i]) > 0 {
			p.say(r.level, r.advice(p), r.what, list(groups[i]))
		}
	}
	if p.account.Untraced > 0 {
		p.say(Warning, "A host does not do that; a test or a scanner does.", "It was refused so many different things that %d are not listed.", p.account.Untraced)
	}
}

// refused names what was refused, and where when no unit is there.
func refused(e scsi.Event) string {
	if e.Unit == (sbd.GUID{}) {
		return fmt.Sprintf("%s to LUN %v (%d)", e.Request, e.LUN, e.Count)
	}
	return fmt.Sprintf("%s (%d)", e.Request, e.Count)
}

// asked returns how often the patient asked for a task management function.
func (p *patient) asked(functions ...scsi.Function) (n uint64) {
	for _, m := range p.account.Managed {
		for _, f := range functions {
			if m.Function == f {
				n += m.Count
			}
		}
	}
	return n
}

// examineManagement looks at aborts and resets.
func (p *patient) examineManagement() {
	aborts := p.asked(scsi.AbortTask, scsi.AbortTaskSet)
	resets := p.asked(scsi.LogicalUnitReset, scsi.TargetReset, scsi.ClearTaskSet)
	var late, refused uint64
	longest := time.Duration(0)
	for _, m := range p.account.Managed {
		switch m.Response {
		case scsi.TaskNotThere:
			late += m.Count
		case scsi.FunctionNotSupported, scsi.LUNNotThere:
			refused += m.Count
		}
		longest = max(longest, m.Longest)
	}
	const slowest = "The host gave up waiting. lunar doctor --slow shows what was slow here; if nothing was, look at the network."
	if aborts > 0 {
		p.say(Warning, slowest, "It gave up commands (ABORT TASK) %s; %d of them had been answered meanwhile.", times(aborts), late)
	}
	if resets > 0 {
		p.say(Warning, slowest+" A host resets a unit when aborts did not help.", "It reset units %s.", times(resets))
	}
	if refused > 0 {
		p.say(Warning, "ESXi closes the connection when that happens. Please report it.", "Task management was refused %s.", times(refused))
	}
	if long := time.Second; longest >= long {
		p.say(Warning, "lunar answers an abort when the command can no longer touch the medium: the store held it as long.", "An abort or reset was answered after %v.", longest.Round(100*time.Millisecond))
	}
	if aborts+resets == 0 {
		p.say(Good, "", "It never gave up a command, and never reset a unit.")
	}
}

// examineSlowness looks at slow commands.
func (p *patient) examineSlowness() {
	n := 0
	var worst SlowCommand
	for _, c := range p.slow {
		if c.Initiator != p.account.Initiator {
			continue
		}
		n++
		if c.TookMS > worst.TookMS {
			worst = c
		}
	}
	if n > 0 {
		p.say(Warning, "lunar doctor --slow lists them. If they come in groups, the store stalled: look at its disks, its pool, its syncs (lunar_unit_commits_total).",
			"%d of its commands are on the list of slow ones; the slowest, %s on %s, took %v.", n, worst.Command, cmp.Or(worst.Alias, worst.Unit), time.Duration(worst.TookMS)*time.Millisecond)
	}
}
