package control

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/lunarsan/lunar/scsi"
	"github.com/lunarsan/lunar/target"
)

// Views are kept with the unit that they show: they go where it goes.

// views are the views of r as the device takes them.
func (r *unitRecord) views(lu *scsi.LogicalUnit) []target.View {
	views := make([]target.View, 0, len(r.Views))
	for _, v := range r.Views {
		views = append(views, target.View{Unit: lu, Entry: v.Entry, HostGroup: v.HostGroup, TargetGroup: v.TargetGroup, LUN: v.LUN})
	}
	return views
}

// luns are the LUNs of r's views in order, each once.
func (r *unitRecord) luns() []int {
	luns := make([]int, 0, len(r.Views))
	for _, v := range r.Views {
		luns = append(luns, v.LUN)
	}
	slices.Sort(luns)
	return slices.Compact(luns)
}

func (r *unitRecord) viewInfo(v viewRecord) ViewInfo {
	return ViewInfo{Unit: r.GUID.String(), Entry: v.Entry, HostGroup: v.HostGroup, TargetGroup: v.TargetGroup, LUN: v.LUN}
}

// moveView gives r's one view another LUN.
func (r *unitRecord) moveView(lun int) error {
	if len(r.Views) != 1 {
		return conflict(fmt.Sprintf("unit %s has %d views", r.GUID, len(r.Views)),
			"A LUN is a view's: add the view that you want with lunar view add, and remove the other with lunar view remove.")
	}
	v := r.Views[0]
	v.LUN = lun
	r.Views = []viewRecord{v}
	return checkLUN(lun)
}

func checkLUN(lun int) error {
	if lun < 0 || lun > scsi.MaxLUN {
		return refuse(fmt.Sprintf("LUN %d is out of range", lun), fmt.Sprintf("Choose one from 0 to %d; ESXi looks at those below 1024.", scsi.MaxLUN))
	}
	return nil
}

// viewConflict tells an operator about a view that stands in another's way.
func viewConflict(err error) *Problem {
	return conflict(err.Error(), "Choose another LUN or other groups, or remove the other view; lunar view list shows the views.")
}

// placeView gives v the LUN asked for, or the lowest that is free for its groups.
func (d *Daemon) placeView(v viewRecord, asked *int) (viewRecord, error) {
	if asked != nil {
		v.LUN = *asked
		if err := checkLUN(v.LUN); err != nil {
			return v, err
		}
		if err := d.device.CheckView(target.View{HostGroup: v.HostGroup, TargetGroup: v.TargetGroup, LUN: v.LUN}); err != nil {
			return v, viewConflict(err)
		}
		return v, nil
	}
	var err error
	if v.LUN, err = d.device.FreeLUN(target.View{HostGroup: v.HostGroup, TargetGroup: v.TargetGroup}); err != nil {
		return v, conflict(err.Error(), "Remove a view first.")
	}
	return v, nil
}

// changeViews shows u as record has it, saves record and makes it current.
func (d *Daemon) changeViews(u *unit, record unitRecord) error {
	before, after := u.record.views(u.lu), record.views(u.lu)
	if slices.Equal(before, after) {
		return d.saveUnit(u, record)
	}
	if err := d.device.ChangeViews(before, after); err != nil {
		return viewConflict(err)
	}
	if err := d.saveUnit(u, record); err != nil {
		return joinUndo(err, d.device.ChangeViews(after, before))
	}
	return nil
}

// Views returns all views in the order of Units, those of a unit in order of their entries.
func (d *Daemon) Views(context.Context) ([]ViewInfo, error) {
	infos := []ViewInfo{}
	for _, s := range d.snapshot() {
		infos = append(infos, d.viewsOf(s.unit)...)
	}
	return infos, nil
}

// UnitViews returns the views of a unit in order of their entries.
func (d *Daemon) UnitViews(_ context.Context, name string) ([]ViewInfo, error) {
	u, err := d.find(name)
	if err != nil {
		return nil, err
	}
	return d.viewsOf(u), nil
}

func (d *Daemon) viewsOf(u *unit) []ViewInfo {
	d.mu.RLock()
	defer d.mu.RUnlock()
	infos := make([]ViewInfo, 0, len(u.record.Views))
	for _, v := range u.record.Views {
		infos = append(infos, u.record.viewInfo(v))
	}
	return infos
}

// AddView shows a unit to a host group on a target group. Those who are logged in see it at
// once.
func (d *Daemon) AddView(ctx context.Context, r ViewAdd) (ViewInfo, error) {
	end, err := d.begin(ctx)
	if err != nil {
		return ViewInfo{}, err
	}
	defer end()
	u, err := d.find(r.Unit)
	if err != nil {
		return ViewInfo{}, err
	}
	for kind, group := range map[GroupKind]string{HostGroups: r.HostGroup, TargetGroups: r.TargetGroup} {
		if group == "" {
			continue
		}
		if _, err := d.findMemberGroup(kind, group); err != nil {
			return ViewInfo{}, err
		}
	}
	record := u.record
	v := viewRecord{Entry: freeEntry(record.Views), HostGroup: r.HostGroup, TargetGroup: r.TargetGroup}
	if v, err = d.placeView(v, r.LUN); err != nil {
		return ViewInfo{}, err
	}
	record.Views = slices.Insert(slices.Clone(record.Views), v.Entry, v)
	if err := d.changeViews(u, record); err != nil {
		return ViewInfo{}, err
	}
	info := record.viewInfo(v)
	info.Warning = v.warning()
	d.log.Info("added a view", "unit", record.GUID, "entry", v.Entry, "host_group", v.HostGroup, "target_group", v.TargetGroup, "lun", v.LUN)
	return info, nil
}

// freeEntry is the lowest entry that views, in order of their entries, leave free, and its place
// among them.
func freeEntry(views []viewRecord) int {
	for i, v := range views {
		if v.Entry != i {
			return i
		}
	}
	return len(views)
}

// warning tells what an operator should know of a view that shows a unit to everybody: two
// hosts that write to a file system that is not made for it destroy it.
func (v viewRecord) warning() string {
	switch {
	case v.HostGroup != "":
		return ""
	case v.TargetGroup != "":
		return fmt.Sprintf("every initiator sees it on the targets of group %q", v.TargetGroup)
	}
	return "every initiator sees it on every target"
}

// RemoveView ends a view, named GUID:ENTRY. Those who are logged in see the unit no more
// (05/25/00).
func (d *Daemon) RemoveView(ctx context.Context, name string) (ViewInfo, error) {
	end, err := d.begin(ctx)
	if err != nil {
		return ViewInfo{}, err
	}
	defer end()
	guid, word := name, ""
	if i := strings.LastIndexByte(name, ':'); i >= 0 {
		guid, word = name[:i], name[i+1:]
	}
	entry, err := strconv.Atoi(word)
	if err != nil {
		return ViewInfo{}, refuse(fmt.Sprintf("%q is no name of a view", name), "A view is named GUID:ENTRY, as lunar view list shows it.")
	}
	u, err := d.find(guid)
	if err != nil {
		return ViewInfo{}, err
	}
	record := u.record
	i := slices.IndexFunc(record.Views, func(v viewRecord) bool { return v.Entry == entry })
	if i < 0 {
		return ViewInfo{}, missing(fmt.Sprintf("unit %s has no view %d", record.GUID, entry), "lunar view list shows the views.")
	}
	v := record.Views[i]
	record.Views = slices.Delete(slices.Clone(record.Views), i, i+1)
	if err := d.changeViews(u, record); err != nil {
		return ViewInfo{}, err
	}
	d.log.Info("removed a view", "unit", record.GUID, "entry", entry, "host_group", v.HostGroup, "target_group", v.TargetGroup, "lun", v.LUN)
	return record.viewInfo(v), nil
}

// migrateUnits makes views of the LUNs that units had in format 1, all in one transaction.
func (d *Daemon) migrateUnits() error {
	records, err := unitKind.list(d.state)
	if err != nil {
		return err
	}
	records = slices.DeleteFunc(records, func(r unitRecord) bool { return r.LUN == nil })
	if len(records) == 0 {
		return nil
	}
	d.log.Info("making views of the LUNs of units", "units", len(records))
	return d.state.Update(func(tx Tx) error {
		for _, r := range records {
			r.Views, r.LUN = []viewRecord{{LUN: *r.LUN}}, nil
			if err := unitKind.put(tx, r.GUID.String(), r); err != nil {
				return err
			}
		}
		return nil
	})
}
