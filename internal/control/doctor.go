package control

import (
	"cmp"
	"context"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/lunarsan/lunar/sbd"
	"github.com/lunarsan/lunar/scsi"
	"github.com/lunarsan/lunar/target/iscsi"
)

// Doctor tells what each initiator has asked for and got since the start, what is wrong about
// that, and what to do. It looks at what is counted anyway, and changes nothing.
func (d *Daemon) Doctor(ctx context.Context) (Diagnosis, error) {
	status, err := d.Status(ctx)
	if err != nil {
		return Diagnosis{}, err
	}
	w := &ward{units: d.snapshot(), groups: status.Groups, names: make(map[sbd.GUID]string), sessions: make(map[string][]iscsi.SessionInfo), metrics: d.server.Metrics()}
	for _, u := range w.units {
		w.names[u.unit.unit.Identity().GUID] = u.info.Alias
	}
	for _, s := range d.server.Sessions() {
		if s.Target != "" {
			w.sessions[s.Initiator] = append(w.sessions[s.Initiator], s)
		}
	}
	all := Diagnosis{Since: d.started.UTC(), SlowMS: d.slow().Milliseconds(), Findings: w.general(status), Initiators: []Patient{}}
	all.SlowCount, all.Slow = w.slowCommands()
	for _, a := range d.device.Histories().Accounts() {
		p := &patient{ward: w, account: a, kind: familyOf(a.Initiator), sessions: w.sessions[a.Initiator], slow: all.Slow}
		all.Initiators = append(all.Initiators, p.examine())
	}
	return all, nil
}

// slow is how long a command takes to be remembered as slow.
func (d *Daemon) slow() time.Duration { return cmp.Or(d.opts.Slow, DefaultSlow) }

// A ward is what all patients share.
type ward struct {
	units    []seen
	groups   []GroupInfo
	names    map[sbd.GUID]string // aliases
	sessions map[string][]iscsi.SessionInfo
	metrics  iscsi.Metrics
}

// A patient is an initiator while it is examined.
type patient struct {
	*ward
	account  scsi.Account
	kind     family
	sessions []iscsi.SessionInfo // to targets, oldest first
	slow     []SlowCommand       // of everybody
	findings []Finding
}

// examinations look at one side of a patient each, and say what they find.
var examinations = []func(*patient){
	(*patient).examinePaths,
	(*patient).examineSettings,
	(*patient).examineUnits,
	(*patient).examineOffloads,
	(*patient).examineTrouble,
	(*patient).examineWarnings,
	(*patient).examineRefusals,
	(*patient).examineManagement,
	(*patient).examineSlowness,
}

// say adds a finding.
func (p *patient) say(level Level, advice, what string, args ...any) {
	p.findings = append(p.findings, Finding{level, fmt.Sprintf(what, args...), advice})
}

func (p *patient) examine() Patient {
	for _, look := range examinations {
		look(p)
	}
	slices.SortStableFunc(p.findings, func(a, b Finding) int { return levels[a.Level] - levels[b.Level] })
	a := p.account
	out := Patient{Name: a.Initiator, Kind: p.kind.name, Since: a.Since.UTC(), Left: a.Left.UTC(),
		Findings: p.findings, Sessions: []SessionDetail{}, Primitives: uses(p.sum(a.Units)), Units: []PatientUnit{},
		Trouble: []Mishap{}, Attentions: []Mishap{}, Functions: []FunctionCount{}}
	for _, s := range p.sessions {
		out.Alias = cmp.Or(out.Alias, s.Params.InitiatorAlias)
		out.Sessions = append(out.Sessions, detailOf(s))
	}
	for guid, u := range a.Units {
		out.Units = append(out.Units, p.unitOf(guid, u))
	}
	slices.SortFunc(out.Units, func(a, b PatientUnit) int { return strings.Compare(a.GUID, b.GUID) })
	for _, e := range a.Events {
		if e.Request == "" {
			out.Attentions = append(out.Attentions, mishapOf(e))
		} else {
			out.Trouble = append(out.Trouble, mishapOf(e))
		}
	}
	for _, m := range a.Managed {
		out.Functions = append(out.Functions, FunctionCount{m.Function.String(), outcomeOf(m), m.Count,
			m.Longest.Milliseconds(), m.Last.UTC(), m.LUN.String(), unitID(m.Unit)})
	}
	return out
}

func detailOf(s iscsi.SessionInfo) SessionDetail {
	p := s.Params
	return SessionDetail{sessionOf(s), p.InitialR2T, p.ImmediateData, p.FirstBurst, p.MaxBurst, p.PeerMaxRecvSegment, p.MaxOutstandingR2T}
}

// sum adds up what was asked of units.
func (p *patient) sum(units map[sbd.GUID]scsi.UnitAccount) (all scsi.UnitAccount) {
	for _, u := range units {
		for i := range scsi.Primitives {
			all.Good[i] = plus(all.Good[i], u.Good[i])
			if u.Failed[i].Count > 0 && !u.Failed[i].Last.Before(all.Failed[i].Last) {
				all.Status[i], all.Sense[i] = u.Status[i], u.Sense[i]
			}
			all.Failed[i] = plus(all.Failed[i], u.Failed[i])
		}
		for i := range scsi.Troubles {
			all.Trouble[i] = plus(all.Trouble[i], u.Trouble[i])
		}
	}
	return all
}

func plus(a, b scsi.Tally) scsi.Tally {
	a.Count += b.Count
	if b.Last.After(a.Last) {
		a.Last = b.Last
	}
	return a
}

// uses lists all primitives, those that were never asked for too.
func uses(u scsi.UnitAccount) []PrimitiveUse {
	list := make([]PrimitiveUse, 0, scsi.Primitives)
	for i := range scsi.Primitives {
		use := PrimitiveUse{Primitive: i.String(), Good: u.Good[i].Count, Failed: u.Failed[i].Count,
			LastGood: u.Good[i].Last.UTC(), LastFail: u.Failed[i].Last.UTC()}
		if use.Failed > 0 {
			use.Reason = statusText(u.Status[i], u.Sense[i])
		}
		list = append(list, use)
	}
	return list
}

// troubleNames are what a PatientUnit calls the kinds of trouble.
var troubleNames = [scsi.Troubles]string{"miscompare", "conflict", "out_of_space", "offline", "store_error"}

func (w *ward) unitOf(guid sbd.GUID, u scsi.UnitAccount) PatientUnit {
	out := PatientUnit{GUID: guid.String(), Alias: w.names[guid], Primitives: uses(u), Trouble: make(map[string]int)}
	for i, t := range u.Trouble {
		if t.Count > 0 {
			out.Trouble[troubleNames[i]] = int(t.Count)
		}
	}
	return out
}

func mishapOf(e scsi.Event) Mishap {
	return Mishap{e.Request, statusText(e.Status, e.Sense), e.Count, e.Last.UTC(), cdbText(e.CDB), e.LUN.String(), unitID(e.Unit)}
}

// slowCommands lists those that the units keep, latest first, and counts those that there were.
func (w *ward) slowCommands() (count uint64, list []SlowCommand) {
	list = []SlowCommand{}
	for _, u := range w.units {
		n, kept := u.unit.lu.SlowCommands()
		count += n
		for _, c := range kept {
			outcome := statusText(c.Status, c.Sense)
			if c.Aborted {
				outcome = "aborted"
			}
			list = append(list, SlowCommand{c.Ended.UTC(), c.Took.Milliseconds(), c.CDB.Name(), cdbText(c.CDB), c.LUN.String(),
				u.info.GUID, u.info.Alias, c.Initiator, outcome})
		}
	}
	slices.SortStableFunc(list, func(a, b SlowCommand) int { return b.Ended.Compare(a.Ended) })
	return count, list
}

// cdbText is a CDB in hexadecimal, as long as its opcode says.
func cdbText(c scsi.CDB) string { return hex.EncodeToString(c[:c.Len()]) }

// unitID is the GUID of a unit, or nothing.
func unitID(g sbd.GUID) string {
	if g == (sbd.GUID{}) {
		return ""
	}
	return g.String()
}

// statusTexts are the statuses beside GOOD and CHECK CONDITION that commands end with.
var statusTexts = map[scsi.Status]string{
	scsi.Good:                "good",
	scsi.ConditionMet:        "good",
	scsi.Busy:                "BUSY",
	scsi.ReservationConflict: "RESERVATION CONFLICT",
	scsi.TaskSetFull:         "TASK SET FULL",
	scsi.TaskAborted:         "TASK ABORTED",
}

// statusText says how a command ended.
func statusText(status scsi.Status, sense scsi.Sense) string {
	if status == scsi.CheckCondition {
		return sense.String()
	}
	return cmp.Or(statusTexts[status], status.Error())
}

// outcomeOf says what came of a task management function, in words.
func outcomeOf(m scsi.Managed) string {
	if m.Function == scsi.AbortTask {
		switch m.Response {
		case scsi.FunctionComplete:
			return "aborted in time"
		case scsi.TaskNotThere:
			return "too late: the command was answered"
		}
	}
	return m.Response.String()
}

// list writes names as a sentence has them, and counts those beyond a few.
func list(names []string) string {
	const few = 4
	if more := len(names) - few; more > 1 {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:few], ", "), more)
	}
	if n := len(names) - 1; n > 0 {
		return strings.Join(names[:n], ", ") + " and " + names[n]
	}
	return strings.Join(names, "")
}
