package job

import (
	"fmt"
	"time"

	"github.com/lunarsan/lunar/stream"
	"github.com/lunarsan/lunar/stream/retain"
)

// A decision is what a job would do with a snapshot, and why.
type decision struct {
	stream.Snapshot
	There bool // it is the destination's
	Keep  bool
	by    *retain.Verdict // nil: the snapshot is not the job's
}

// why says why in words.
func (d *decision) why() string {
	if d.by == nil {
		return "not of this job"
	}
	return d.by.Why()
}

// decideHere decides about the snapshots of the source, which others send, too.
func (j *checked) decideHere(now time.Time, source stream.Side, others []*checked) []decision {
	// The destination may have any of them, although it was not asked yet.
	needs := j.needs(now, source.Snapshots, 0)
	wanted := needsOf(others, now, source.Snapshots)
	return j.decide(now, source.Snapshots, j.Keep, false, func(at int) (guards []string) {
		if n := needs(at); n != "" {
			guards = append(guards, string(n))
		}
		return append(guards, wanted(at)...)
	})
}

// decideThere decides about the snapshots of the destination, which others send on.
func (j *checked) decideThere(now time.Time, source, destination stream.Side, others []*checked) []decision {
	rule := j.KeepThere
	if j.AppendOnly {
		rule = retain.Rule{}
	}
	common := stream.Common(source, destination)
	wanted := needsOf(others, now, destination.Snapshots)
	return j.decide(now, destination.Snapshots, rule, true, func(at int) (guards []string) {
		s := &destination.Snapshots[at]
		if common != nil && s.GUID == common.GUID {
			guards = append(guards, string(goesOn))
		}
		if p := destination.Partial; p != nil && p.From == s.GUID {
			guards = append(guards, "a stream that was cut goes on from it")
		}
		return append(guards, wanted(at)...)
	})
}

// decide puts the job's snapshots to the rule. Others stay.
func (j *checked) decide(now time.Time, all []stream.Snapshot, rule retain.Rule, there bool, guards func(at int) []string) []decision {
	var out []decision
	var ours []retain.Snapshot
	places := map[uint64]int{} // in out, by GUID
	for at := range all {
		s := &all[at]
		if s.Bookmark {
			continue
		}
		d := decision{Snapshot: *s, There: there, Keep: true}
		if j.Owns(s.Name) {
			places[s.GUID] = len(out)
			ours = append(ours, retain.Snapshot{Name: s.Name, GUID: s.GUID, Created: s.Created, Guards: append(kept(s), guards(at)...)})
		}
		out = append(out, d)
	}
	setting := retain.Setting{Now: now, Zone: j.zone}
	if there {
		setting.MinAge = time.Duration(j.MinAge)
	}
	verdicts := rule.Plan(setting, ours)
	for i := range verdicts {
		v := &verdicts[i]
		d := &out[places[v.GUID]]
		d.Keep, d.by = v.Keep, v
	}
	return out
}

// dropped are those of the decisions that something goes by.
func dropped(decided []decision) (out []Pruned) {
	for _, d := range decided {
		if !d.Keep {
			out = append(out, d.pruned())
		}
	}
	return out
}

func (d *decision) pruned() Pruned { return Pruned{d.There, d.Name, d.GUID, d.Used, d.why()} }

// kept says what keeps a snapshot from being destroyed at all.
func kept(s *stream.Snapshot) (guards []string) {
	for _, tag := range s.Holds {
		guards = append(guards, "held by "+tag)
	}
	for _, clone := range s.Clones {
		guards = append(guards, fmt.Sprintf("has the clone %s", clone))
	}
	return guards
}
