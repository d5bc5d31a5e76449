package control

import (
	"fmt"
	"slices"

	"github.com/lunarsan/lunar/sbd"
	"github.com/lunarsan/lunar/scsi"
)

// An offload is what an administrator should know of a primitive.
type offload struct {
	name  string // in a sentence
	never string // why a host may never have asked for it
	loss  string // what is slower or worse without it
}

var offloads = [scsi.Primitives]offload{
	scsi.Locking: {"ATS (locks by COMPARE AND WRITE)",
		"A host asks every few seconds while it has a VMFS datastore mounted.",
		"Without it VMFS locks by reserving whole units, and a datastore that was made with ATS cannot be mounted."},
	scsi.Cloning: {"XCOPY (clones by EXTENDED COPY)",
		"A host asks when it clones or moves a virtual disk between datastores here.",
		"Without it copies go through the host and its network."},
	scsi.Zeroing: {"zeroing (WRITE SAME)",
		"A host asks when it makes an eager-zeroed disk, or when a guest first writes to a thin one.",
		"Without it the host writes zeros over the network."},
	scsi.Reclaim: {"reclaiming (UNMAP)",
		"VMFS 6 asks some time after files were deleted, VMFS 5 when esxcli storage vmfs unmap is run.",
		"Without it deleted space does not come back."},
	scsi.TokenUse: {"ODX (copies by token)",
		"Windows asks when it copies a large file between disks here.",
		"Without it copies go through the host."},
}

// remembers is what to do about a host that has been refused something.
const remembers = "ESXi 7.0 U3 and later remembers what a device has refused (Scsi.SCSIBlockUnsupportedOpcodesAndPages): " +
	"when a later lunar has it, detach and attach the device, or reboot the host."

// examineOffloads looks at which primitives worked.
func (p *patient) examineOffloads() {
	for i := range scsi.Primitives {
		p.examineOffload(i)
	}
	if p.kind == esxi && p.sum(p.account.Units).Trouble[scsi.OutOfSpace].Count == 0 && p.seesThin() {
		p.say(Good, "", "Thin units are ready to run out of space well (07/27/07): the host would pause the virtual machine that writes, not fail it.")
	}
}

// examineOffload looks at one primitive: first at units that do not have it, then at the others.
func (p *patient) examineOffload(i scsi.Primitive) {
	o := offloads[i]
	without, with := make(map[sbd.GUID]scsi.UnitAccount), make(map[sbd.GUID]scsi.UnitAccount)
	for guid, u := range p.account.Units {
		if u.Good[i].Count == 0 && u.Failed[i].Count > 0 && u.Sense[i] == scsi.InvalidOpcode {
			without[guid] = u
		} else {
			with[guid] = u
		}
	}
	if len(without) > 0 {
		p.say(Warning, o.loss+" "+p.cachedAdvice(), "It asked for %s on %s, which %s not have it (05/20/00), %s.", o.name,
			list(p.call(without)), map[bool]string{true: "does", false: "do"}[len(without) == 1], times(p.sum(without).Failed[i].Count))
	}
	sum := p.sum(with)
	good, failed := sum.Good[i].Count, sum.Failed[i].Count
	reason := statusText(sum.Status[i], sum.Sense[i])
	switch {
	case good > 0 && failed == 0:
		p.say(Good, "", "It uses %s: %s, without a failure.", o.name, times(good))
	case good > 0:
		p.say(Warning, "The table of failed commands has the CDBs. Failures now and then are no harm: the host does the work itself.",
			"It uses %s: it worked %s and failed %s, the last time because of %s.", o.name, times(good), times(failed), reason)
	case failed > 0:
		p.say(Warning, o.loss+" The table of failed commands has the CDB; please report it if it was refused as invalid.",
			"It asked for %s %s, and it never worked, the last time because of %s.", o.name, times(failed), reason)
	case len(without) == 0 && p.expects(i):
		p.say(Note, "", "It never asked for %s. %s", o.name, o.never)
	}
}

// call returns what units are called in a sentence, in order; those that are gone last.
func (p *patient) call(units map[sbd.GUID]scsi.UnitAccount) (names []string) {
	left := len(units)
	for _, u := range p.units {
		if _, ok := units[u.unit.unit.Identity().GUID]; ok {
			names = append(names, callIt(u.info))
			left--
		}
	}
	if left > 0 {
		names = append(names, fmt.Sprintf("%d %s that went", left, plural(left, "unit")))
	}
	return names
}

// cachedAdvice is remembers, for hosts that do.
func (p *patient) cachedAdvice() string {
	if p.kind == esxi {
		return remembers
	}
	return "lunar has no such command on these units."
}

// expects reports whether the patient could be expected to ask for a primitive.
func (p *patient) expects(i scsi.Primitive) bool {
	switch {
	case len(p.sessions) == 0:
		return false
	case p.kind == esxi:
		return i != scsi.TokenUse && (i != scsi.Reclaim || p.seesThin())
	}
	return p.kind == windows && i == scsi.TokenUse
}

func (p *patient) seesThin() bool {
	return slices.ContainsFunc(p.shown(), func(u seen) bool { return u.info.Thin })
}

// times counts in words: "once", "3 times".
func times(n uint64) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}
