package control

import (
	"fmt"
	"maps"
	"slices"

	"github.com/lunarsan/lunar/scsi"
	"github.com/lunarsan/lunar/target"
)

// The views and the groups of a merge.

// unplaced is the LUN of a view until placeViews.
const unplaced = -1

// viewsOf returns the views of a unit in order of their entries; those without one come last.
func viewsOf(views []documentView) (records []viewRecord, err error) {
	var unnumbered []viewRecord
	for _, v := range views {
		r := viewRecord{HostGroup: v.HostGroup, TargetGroup: v.TargetGroup, LUN: unplaced}
		if v.LUN != nil {
			if err := checkLUN(*v.LUN); err != nil {
				return nil, err
			}
			r.LUN = *v.LUN
		}
		if v.Entry == nil {
			unnumbered = append(unnumbered, r)
			continue
		}
		r.Entry = *v.Entry
		at, there := slices.BinarySearchFunc(records, r, func(a, b viewRecord) int { return a.Entry - b.Entry })
		if there || r.Entry < 0 || r.Entry > scsi.MaxLUN {
			return nil, refuse(fmt.Sprintf("view %d is there twice, or is no number", r.Entry), "Leave the entry out.")
		}
		records = slices.Insert(records, at, r)
	}
	for _, r := range unnumbered {
		r.Entry = freeEntry(records)
		records = slices.Insert(records, r.Entry, r)
	}
	return records, nil
}

// overlaps reports whether there may be somebody who sees both views.
func (v viewRecord) overlaps(o viewRecord) bool {
	meet := func(a, b string) bool { return a == b || a == "" || b == "" }
	return meet(v.HostGroup, o.HostGroup) && meet(v.TargetGroup, o.TargetGroup)
}

// placeViews gives views without a LUN the lowest that is free for their groups, and refuses
// views of groups that are not there, and those that somebody would see in each other's place.
func (m *merge) placeViews() error {
	type placed struct {
		viewRecord
		unit string
	}
	byLUN := make(map[int][]placed)
	place := func(unit string, v viewRecord) error {
		for _, o := range byLUN[v.LUN] {
			if o.overlaps(v) {
				return conflict(fmt.Sprintf("views %d of unit %s and %d of unit %s would both show LUN %d to somebody", o.Entry, o.unit, v.Entry, unit, v.LUN),
					"Choose another LUN or other groups for one of them.")
			}
		}
		byLUN[v.LUN] = append(byLUN[v.LUN], placed{v, unit})
		return nil
	}
	names := slices.Sorted(maps.Keys(m.wanted.units))
	for _, name := range names {
		views := m.wanted.units[name].Views
		for i, v := range views {
			if _, there := m.wanted.hostGroups[v.HostGroup]; !there && v.HostGroup != "" {
				return missing(fmt.Sprintf("unit %s: there would be no host group %q", name, v.HostGroup), "Add it to the document, or name another.")
			}
			if _, there := m.wanted.targetGroups[v.TargetGroup]; !there && v.TargetGroup != "" {
				return missing(fmt.Sprintf("unit %s: there would be no target group %q", name, v.TargetGroup), "Add it to the document, or name another.")
			}
			if slices.ContainsFunc(views[:i], v.overlaps) {
				return conflict(fmt.Sprintf("unit %s: somebody would see it through view %d and another one", name, v.Entry), "Leave one of them out.")
			}
			if v.LUN == unplaced {
				continue
			}
			if err := place(name, v); err != nil {
				return err
			}
		}
	}
	for _, name := range names {
		for i, v := range m.wanted.units[name].Views {
			if v.LUN != unplaced {
				continue
			}
			for v.LUN = 0; place(name, v) != nil; v.LUN++ {
				if v.LUN == scsi.MaxLUN {
					return conflict(fmt.Sprintf("unit %s: all %d LUNs are taken for view %d", name, scsi.MaxLUN+1, v.Entry), "Choose other groups.")
				}
			}
			m.wanted.units[name].Views[i] = v // the merge made them
		}
	}
	return nil
}

func (m *merge) hostGroup(g *documentGroup) (name string, r memberGroupRecord, err error) {
	if r, err = g.record(HostGroups); err == nil {
		r.CHAP, err = g.CHAP.credential(g.Name, m.current.hostGroups[g.Name].CHAP)
	}
	return g.Name, r, err
}

func (m *merge) targetGroup(g *documentGroup) (name string, r memberGroupRecord, err error) {
	if g.CHAP != nil {
		return g.Name, r, refuse("a target group has no credential", "Give it to the targets, or to a host group.")
	}
	r, err = g.record(TargetGroups)
	return g.Name, r, err
}

func (g *documentGroup) record(kind GroupKind) (r memberGroupRecord, err error) {
	if err := checkAlias(g.Name); err != nil || g.Name == "" {
		return r, refuse(fmt.Sprintf("%q is no name for a %v", g.Name, kind), fmt.Sprintf("Use up to %d bytes of text on one line.", maxAlias))
	}
	r.Name = g.Name
	if len(g.Members) == 0 {
		return r, nil
	}
	if err := checkMembers(g.Members); err != nil {
		return r, err
	}
	for _, s := range g.Members {
		name, _ := target.ParseMember(s) // it was checked
		r.Members = append(r.Members, name)
	}
	slices.Sort(r.Members)
	return r, nil
}

// onceOnly refuses members that are in two groups of a kind.
func onceOnly(kind GroupKind, groups map[string]memberGroupRecord) error {
	in := make(map[string]string)
	for _, name := range slices.Sorted(maps.Keys(groups)) {
		for _, member := range groups[name].Members {
			if other, there := in[member]; there {
				return conflict(fmt.Sprintf("%s would be a member of %v %q and of %q", member, kind, other, name), fmt.Sprintf("A name is in one %v at most.", kind))
			}
			in[member] = name
		}
	}
	return nil
}
