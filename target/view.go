package target

import (
	"fmt"
	"slices"

	"github.com/lunarsan/lunar/scsi"
)

// A View shows a unit to a host group on a target group, at a LUN. A view for all has no name
// of a group.
type View struct {
	Unit        *scsi.LogicalUnit
	Entry       int // tells the views of a unit apart
	HostGroup   string
	TargetGroup string
	LUN         int
}

func (v View) String() string {
	return fmt.Sprintf("view %s:%d (%v, LUN %d)", v.Unit.Unit().Identity().GUID, v.Entry, v.scope(), v.LUN)
}

func (v View) scope() scope { return scope{v.HostGroup, v.TargetGroup} }

// A scope is a host group and a target group: of a view, where empty means all of them, or of
// a nexus, where empty means that its end is in none.
type scope struct{ hosts, targets string }

func (s scope) String() string {
	hosts, targets := "all host groups", "all target groups"
	if s.hosts != "" {
		hosts = fmt.Sprintf("host group %q", s.hosts)
	}
	if s.targets != "" {
		targets = fmt.Sprintf("target group %q", s.targets)
	}
	return hosts + ", " + targets
}

// overlaps reports whether a nexus can be in both, as scopes of views.
func (s scope) overlaps(o scope) bool {
	return (s.hosts == "" || o.hosts == "" || s.hosts == o.hosts) &&
		(s.targets == "" || o.targets == "" || s.targets == o.targets)
}

// holds reports whether a nexus with the groups n is in s, the scope of a view.
func (s scope) holds(n scope) bool {
	return (s.hosts == "" || s.hosts == n.hosts) && (s.targets == "" || s.targets == n.targets)
}

// views are all views, indexed by what they are looked up by.
type views struct {
	byUnit  map[*scsi.LogicalUnit][]View
	byLUN   map[int][]View
	byScope map[scope]map[int]*scsi.LogicalUnit
	hidden  map[*scsi.LogicalUnit]bool // units that keep their views, and are not seen
}

func newViews() views {
	return views{
		byUnit:  make(map[*scsi.LogicalUnit][]View),
		byLUN:   make(map[int][]View),
		byScope: make(map[scope]map[int]*scsi.LogicalUnit),
		hidden:  make(map[*scsi.LogicalUnit]bool),
	}
}

// check refuses a view that stands in another's way: a nexus that is in both would see two
// units at one LUN, or one unit twice.
func (vs *views) check(v View) error {
	if v.LUN < 0 || v.LUN > scsi.MaxLUN {
		return fmt.Errorf("LUN %d is out of range: 0 to %d", v.LUN, scsi.MaxLUN)
	}
	for _, o := range vs.byUnit[v.Unit] {
		switch {
		case o.Entry == v.Entry:
			return fmt.Errorf("the unit has a view %d already: the %v", v.Entry, o)
		case o.scope().overlaps(v.scope()):
			return fmt.Errorf("the unit would be seen twice: %v overlap with the %v", v.scope(), o)
		}
	}
	for _, o := range vs.byLUN[v.LUN] {
		if o.scope().overlaps(v.scope()) {
			return fmt.Errorf("LUN %d is taken for %v by the %v", v.LUN, v.scope(), o)
		}
	}
	return nil
}

func (vs *views) add(v View) {
	vs.byUnit[v.Unit] = append(vs.byUnit[v.Unit], v)
	vs.byLUN[v.LUN] = append(vs.byLUN[v.LUN], v)
	vs.show(v)
}

// remove takes v out. It is an error if it is not there.
func (vs *views) remove(v View) error {
	if !slices.Contains(vs.byUnit[v.Unit], v) {
		return fmt.Errorf("there is no %v", v)
	}
	without(vs.byUnit, v.Unit, v)
	without(vs.byLUN, v.LUN, v)
	vs.hide(v)
	return nil
}

// without takes v out of the list of key.
func without[K comparable](lists map[K][]View, key K, v View) {
	list := lists[key]
	i := slices.Index(list, v)
	if list = slices.Delete(list, i, i+1); len(list) > 0 {
		lists[key] = list
	} else {
		delete(lists, key)
	}
}

// show enters v where Inventory looks, unless its unit is hidden.
func (vs *views) show(v View) {
	if vs.hidden[v.Unit] {
		return
	}
	seen := vs.byScope[v.scope()]
	if seen == nil {
		seen = make(map[int]*scsi.LogicalUnit)
		vs.byScope[v.scope()] = seen
	}
	seen[v.LUN] = v.Unit
}

func (vs *views) hide(v View) {
	seen := vs.byScope[v.scope()]
	if seen[v.LUN] != v.Unit {
		return // it was hidden
	}
	if delete(seen, v.LUN); len(seen) == 0 {
		delete(vs.byScope, v.scope())
	}
}

// of returns the views for a group, by LUN.
func (vs *views) of(kind GroupKind, group string) (found []View) {
	for lun := range scsi.MaxLUN + 1 {
		for _, v := range vs.byLUN[lun] {
			if kind == OfHosts && v.HostGroup == group || kind == OfTargets && v.TargetGroup == group {
				found = append(found, v)
			}
		}
	}
	return found
}

// FreeLUN returns the lowest LUN that no view has in a scope that overlaps with v's.
func (d *Device) FreeLUN(v View) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	overlaps := func(o View) bool { return o.scope().overlaps(v.scope()) }
	for lun := range scsi.MaxLUN + 1 {
		if !slices.ContainsFunc(d.views.byLUN[lun], overlaps) {
			return lun, nil
		}
	}
	return 0, fmt.Errorf("all %d LUNs are taken for %v", scsi.MaxLUN+1, v.scope())
}

// CheckView tells whether ChangeViews would add v as things are; without a unit, it asks for a
// unit that is not there yet.
func (d *Device) CheckView(v View) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.mayAdd(v)
}

// ChangeViews takes views away and adds others, all or none: an error names the view that
// stands in the way. Nexuses see the change at once, and as one (06/3F/0E).
func (d *Device) ChangeViews(remove, add []View) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.exchange(remove, add); err != nil {
		return err
	}
	d.reshow(append(slices.Clone(remove), add...))
	return nil
}

// exchange is ChangeViews without a word to nexuses.
func (d *Device) exchange(remove, add []View) (err error) {
	var removed, added []View
	defer func() {
		if err == nil {
			return
		}
		for _, v := range added {
			_ = d.views.remove(v) // it was just added
		}
		for _, v := range removed {
			d.views.add(v)
		}
	}()
	for _, v := range remove {
		if err := d.views.remove(v); err != nil {
			return err
		}
		removed = append(removed, v)
	}
	for _, v := range add {
		if err := d.mayAdd(v); err != nil {
			return err
		}
		d.views.add(v)
		added = append(added, v)
	}
	return nil
}

func (d *Device) mayAdd(v View) error {
	for kind, group := range [groupKinds]string{OfHosts: v.HostGroup, OfTargets: v.TargetGroup} {
		if _, there := d.rosters[kind].groups[group]; !there && group != "" {
			return fmt.Errorf("there is no %v %q", GroupKind(kind), group)
		}
	}
	return d.views.check(v)
}

// Views returns the views of a unit in order of their entries.
func (d *Device) Views(lu *scsi.LogicalUnit) []View {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.SortedFunc(slices.Values(d.views.byUnit[lu]), func(a, b View) int { return a.Entry - b.Entry })
}

// HideUnit takes a unit out of everybody's sight. Its views stay, and keep their LUNs.
func (d *Device) HideUnit(lu *scsi.LogicalUnit) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, v := range d.views.byUnit[lu] {
		d.views.hide(v)
	}
	d.views.hidden[lu] = true
	d.reshow(d.views.byUnit[lu])
}

// ShowUnit ends what HideUnit began.
func (d *Device) ShowUnit(lu *scsi.LogicalUnit) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.views.hidden, lu)
	for _, v := range d.views.byUnit[lu] {
		d.views.show(v)
	}
	d.reshow(d.views.byUnit[lu])
}

// RemoveUnit forgets a unit and its views.
func (d *Device) RemoveUnit(lu *scsi.LogicalUnit) {
	d.mu.Lock()
	defer d.mu.Unlock()
	gone := slices.Clone(d.views.byUnit[lu])
	for _, v := range gone {
		_ = d.views.remove(v) // it is there
	}
	delete(d.views.hidden, lu)
	d.reshow(gone)
}
