package control

import (
	"context"
	"fmt"
	"slices"

	"github.com/lunarsan/lunar/target"
)

// Host groups and target groups: who is meant by a view. Both are groups of names, and all but
// their members are alike.

// A GroupKind is host groups or target groups.
type GroupKind = target.GroupKind

const (
	HostGroups   = target.OfHosts
	TargetGroups = target.OfTargets
)

// recordsOf is where groups are kept.
func recordsOf(kind GroupKind) kind[memberGroupRecord] {
	if kind == TargetGroups {
		return targetGroupKind
	}
	return hostGroupKind
}

// noun is the command of the groups of a kind.
func noun(kind GroupKind) string {
	if kind == TargetGroups {
		return "tg"
	}
	return "hg"
}

// loadMemberGroups makes the groups of the state.
func (d *Daemon) loadMemberGroups(kind GroupKind) error {
	records, err := recordsOf(kind).list(d.state)
	if err != nil {
		return err
	}
	for _, r := range records {
		if err := d.showMemberGroup(kind, r); err != nil {
			return err
		}
	}
	return nil
}

// showMemberGroup makes the device know r.
func (d *Daemon) showMemberGroup(kind GroupKind, r memberGroupRecord) error {
	return inOrder(
		func() error { return d.device.AddGroup(kind, r.Name) },
		func() error { return d.device.ChangeMembers(kind, r.Name, r.Members, nil) },
		func() error {
			if r.CHAP == nil {
				return nil
			}
			return d.device.SetGroupCHAP(r.Name, credentialOf(r.CHAP))
		},
	)
}

// addMemberGroup makes a group with its members. Daemon.change is held.
func (d *Daemon) addMemberGroup(kind GroupKind, r memberGroupRecord) error {
	if err := d.device.AddGroup(kind, r.Name); err != nil {
		return conflict(err.Error(), "Choose another name.")
	}
	err := d.device.ChangeMembers(kind, r.Name, r.Members, nil)
	if err != nil {
		err = conflict(err.Error(), fmt.Sprintf("A name is in one %v at most; lunar %s list shows who is where.", kind, noun(kind)))
	} else {
		err = d.saveMemberGroup(kind, r)
	}
	if err != nil {
		return joinUndo(err, d.device.RemoveGroup(kind, r.Name))
	}
	return nil
}

// dropMemberGroup ends a group, if it is there. Daemon.change is held.
func (d *Daemon) dropMemberGroup(kind GroupKind, name string) error {
	if _, err := d.findMemberGroup(kind, name); isMissing(err) {
		return nil
	}
	if err := d.device.RemoveGroup(kind, name); err != nil {
		return err
	}
	return d.state.Update(func(tx Tx) error { return recordsOf(kind).delete(tx, name) })
}

// MemberGroups returns the groups of a kind in order of their names.
func (d *Daemon) MemberGroups(_ context.Context, kind GroupKind) ([]MemberGroupInfo, error) {
	records, err := recordsOf(kind).list(d.state)
	if err != nil {
		return nil, err
	}
	infos := make([]MemberGroupInfo, 0, len(records))
	for _, r := range records {
		info := r.info()
		info.Reason = d.lost(string(recordsOf(kind))+r.Name, r.CHAP)
		infos = append(infos, info)
	}
	return infos, nil
}

func (r memberGroupRecord) info() MemberGroupInfo {
	info := MemberGroupInfo{Name: r.Name, Members: append([]string{}, r.Members...)}
	if r.CHAP != nil {
		info.CHAPUser = r.CHAP.User
	}
	return info
}

// MemberGroup returns one group.
func (d *Daemon) MemberGroup(_ context.Context, kind GroupKind, name string) (MemberGroupInfo, error) {
	r, err := d.findMemberGroup(kind, name)
	return r.info(), err
}

func (d *Daemon) findMemberGroup(kind GroupKind, name string) (r memberGroupRecord, err error) {
	r, ok, err := recordsOf(kind).find(d.state, name)
	if err == nil && !ok {
		err = missing(fmt.Sprintf("there is no %v %q", kind, name), fmt.Sprintf("lunar %s list shows the %vs.", noun(kind), kind))
	}
	return r, err
}

func (d *Daemon) saveMemberGroup(kind GroupKind, r memberGroupRecord) error {
	return d.state.Update(func(tx Tx) error { return recordsOf(kind).put(tx, r.Name, r) })
}

// CreateMemberGroup makes a group without members.
func (d *Daemon) CreateMemberGroup(ctx context.Context, kind GroupKind, r MemberGroupCreate) (MemberGroupInfo, error) {
	if err := checkAlias(r.Name); err != nil || r.Name == "" {
		return MemberGroupInfo{}, refuse(fmt.Sprintf("%q is no name for a %v", r.Name, kind), fmt.Sprintf("Use up to %d bytes of text on one line.", maxAlias))
	}
	end, err := d.begin(ctx)
	if err != nil {
		return MemberGroupInfo{}, err
	}
	defer end()
	record := memberGroupRecord{Name: r.Name}
	if err := d.device.AddGroup(kind, r.Name); err != nil {
		return MemberGroupInfo{}, conflict(err.Error(), "Choose another name.")
	}
	if err := d.saveMemberGroup(kind, record); err != nil {
		return MemberGroupInfo{}, joinUndo(err, d.device.RemoveGroup(kind, r.Name))
	}
	d.log.Info(fmt.Sprintf("created a %v", kind), "group", r.Name)
	return record.info(), nil
}

// AddMembers puts names into a group. Those who are logged in see what the group sees at once.
func (d *Daemon) AddMembers(ctx context.Context, kind GroupKind, name string, r MembersChange) (MemberGroupInfo, error) {
	return d.changeMembers(ctx, kind, name, r.Members, nil)
}

// RemoveMembers takes names out of a group. They stop seeing what the group sees at once.
func (d *Daemon) RemoveMembers(ctx context.Context, kind GroupKind, name string, r MembersChange) (MemberGroupInfo, error) {
	return d.changeMembers(ctx, kind, name, nil, r.Members)
}

func (d *Daemon) changeMembers(ctx context.Context, kind GroupKind, name string, add, remove []string) (MemberGroupInfo, error) {
	end, err := d.begin(ctx)
	if err != nil {
		return MemberGroupInfo{}, err
	}
	defer end()
	record, err := d.findMemberGroup(kind, name)
	if err != nil {
		return MemberGroupInfo{}, err
	}
	if err := checkMembers(append(slices.Clone(add), remove...)); err != nil {
		return MemberGroupInfo{}, err
	}
	if err := d.device.ChangeMembers(kind, name, add, remove); err != nil {
		return MemberGroupInfo{}, conflict(err.Error(), fmt.Sprintf("A name is in one %v at most; lunar %s list shows who is where.", kind, noun(kind)))
	}
	record.Members, _ = d.device.Members(kind, name)
	if err := d.saveMemberGroup(kind, record); err != nil {
		return MemberGroupInfo{}, joinUndo(err, d.device.ChangeMembers(kind, name, remove, add))
	}
	d.log.Info(fmt.Sprintf("changed the members of a %v", kind), "group", name, "added", add, "removed", remove)
	return record.info(), nil
}

// checkMembers refuses what is no name of a member.
func checkMembers(names []string) error {
	if len(names) == 0 {
		return refuse("nobody is named", "Name at least one member.")
	}
	for _, s := range names {
		if _, err := target.ParseMember(s); err != nil {
			return refuse(err.Error(), "A member is named like iqn.1998-01.com.vmware:esx1, eui.02004567a425678d or wwn.210000e08b100163.")
		}
	}
	return nil
}

// ModifyHostGroup changes the credential that any member of a host group may use. Sessions that
// are logged in stay.
func (d *Daemon) ModifyHostGroup(ctx context.Context, name string, r HostGroupModify) (MemberGroupInfo, error) {
	end, err := d.begin(ctx)
	if err != nil {
		return MemberGroupInfo{}, err
	}
	defer end()
	before, err := d.findMemberGroup(HostGroups, name)
	if err != nil {
		return MemberGroupInfo{}, err
	}
	record := before
	chap := InitiatorModify{CHAPUser: r.CHAPUser, CHAPSecret: r.CHAPSecret, NoCHAP: r.NoCHAP}
	if record.CHAP, err = chap.credential(before.CHAP, name); err != nil {
		return MemberGroupInfo{}, err
	}
	if err := d.device.SetGroupCHAP(name, credentialOf(record.CHAP)); err != nil {
		return MemberGroupInfo{}, conflict(err.Error(), "Choose another secret or CHAP user.")
	}
	if err := d.saveMemberGroup(HostGroups, record); err != nil {
		return MemberGroupInfo{}, joinUndo(err, d.device.SetGroupCHAP(name, credentialOf(before.CHAP)))
	}
	d.log.Info("modified a host group", "group", name)
	return record.info(), nil
}

// DeleteMemberGroup ends a group; a view that is for it stands in the way.
func (d *Daemon) DeleteMemberGroup(ctx context.Context, kind GroupKind, name string) (MemberGroupInfo, error) {
	end, err := d.begin(ctx)
	if err != nil {
		return MemberGroupInfo{}, err
	}
	defer end()
	record, err := d.findMemberGroup(kind, name)
	if err != nil {
		return MemberGroupInfo{}, err
	}
	if err := d.device.RemoveGroup(kind, name); err != nil {
		return MemberGroupInfo{}, conflict(err.Error(), "Remove the views first: lunar view remove GUID ENTRY.")
	}
	if err := d.state.Update(func(tx Tx) error { return recordsOf(kind).delete(tx, name) }); err != nil {
		return MemberGroupInfo{}, joinUndo(err, d.showMemberGroup(kind, record))
	}
	d.log.Info(fmt.Sprintf("deleted a %v", kind), "group", name)
	return record.info(), nil
}

// The functions below bind what serves a route to a kind of groups.

func memberGroups(kind GroupKind) func(*Daemon, context.Context) ([]MemberGroupInfo, error) {
	return func(d *Daemon, ctx context.Context) ([]MemberGroupInfo, error) { return d.MemberGroups(ctx, kind) }
}

func memberGroup(kind GroupKind) func(*Daemon, context.Context, string) (MemberGroupInfo, error) {
	return func(d *Daemon, ctx context.Context, name string) (MemberGroupInfo, error) {
		return d.MemberGroup(ctx, kind, name)
	}
}

func createMemberGroup(kind GroupKind) func(*Daemon, context.Context, MemberGroupCreate) (MemberGroupInfo, error) {
	return func(d *Daemon, ctx context.Context, r MemberGroupCreate) (MemberGroupInfo, error) {
		return d.CreateMemberGroup(ctx, kind, r)
	}
}

func deleteMemberGroup(kind GroupKind) func(*Daemon, context.Context, string) (MemberGroupInfo, error) {
	return func(d *Daemon, ctx context.Context, name string) (MemberGroupInfo, error) {
		return d.DeleteMemberGroup(ctx, kind, name)
	}
}

func addMembers(kind GroupKind) func(*Daemon, context.Context, string, MembersChange) (MemberGroupInfo, error) {
	return func(d *Daemon, ctx context.Context, name string, r MembersChange) (MemberGroupInfo, error) {
		return d.AddMembers(ctx, kind, name, r)
	}
}

func removeMembers(kind GroupKind) func(*Daemon, context.Context, string, MembersChange) (MemberGroupInfo, error) {
	return func(d *Daemon, ctx context.Context, name string, r MembersChange) (MemberGroupInfo, error) {
		return d.RemoveMembers(ctx, kind, name, r)
	}
}
