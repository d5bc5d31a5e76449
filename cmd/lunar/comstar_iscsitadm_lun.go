package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/lunarsan/lunar/internal/control"
)

// makeLUN makes a unit on a store, and shows it to all initiators as lun of the target with a local
// name, which is made if it is not there. On failure all that was made goes again.
func (c *cli) makeLUN(ctx context.Context, local string, lun int, store string, bytes size) (err error) {
	client := c.client()
	var undo []func()
	defer func() {
		for _, f := range slices.Backward(undo) {
			if err != nil {
				f()
			}
		}
	}()
	t, err := c.tgtTarget(ctx, local)
	if isNotFound(err) {
		if t, err = client.CreateTarget(ctx, control.TargetCreate{Alias: local}); err == nil {
			undo = append(undo, func() { _, _ = client.DeleteTarget(ctx, t.Name, control.TargetDelete{}) }) // the first error is told
		}
	}
	if err != nil {
		return err
	}
	group, err := c.ownGroup(ctx, t.Name)
	if err != nil {
		return err
	}
	if group == "" {
		group = local
		if _, err := client.CreateMemberGroup(ctx, control.TargetGroups, control.MemberGroupCreate{Name: group}); err != nil {
			return err
		}
		undo = append(undo, func() { _, _ = client.DeleteMemberGroup(ctx, control.TargetGroups, group) })
		if _, err := client.AddMembers(ctx, control.TargetGroups, group, control.MembersChange{Members: []string{t.Name}}); err != nil {
			return err
		}
	}
	r := asCOMSTAR(store)
	r.Product, r.Revision, r.Size = "SOLARIS", "1", int64(bytes)
	u, err := client.CreateUnit(ctx, r)
	if err != nil {
		return err
	}
	undo = append(undo, func() { _, _ = client.DeleteUnit(ctx, u.GUID, control.UnitDelete{RemoveStore: u.OwnStore}) })
	v, err := client.AddView(ctx, control.ViewAdd{Unit: u.GUID, TargetGroup: group, LUN: &lun})
	if err == nil && len(t.Initiators) == 0 {
		c.warn("%s, until iscsitadm modify target --acl", v.Warning)
	}
	return err
}

// ownGroup is the target group that a target is in; "" if it is in none.
func (c *cli) ownGroup(ctx context.Context, target string) (string, error) {
	groups, err := c.client().MemberGroups(ctx, control.TargetGroups)
	if err != nil {
		return "", err
	}
	for _, g := range groups {
		if slices.Contains(g.Members, target) {
			return g.Name, nil
		}
	}
	return "", nil
}

// A tgtLUN is a unit as a target shows it.
type tgtLUN struct {
	control.ViewInfo
	unit control.UnitInfo
}

// lunsOf are the units that t shows to anybody, in order of their LUNs.
func (c *cli) lunsOf(ctx context.Context, t control.TargetInfo) (luns []tgtLUN, err error) {
	group, err := c.ownGroup(ctx, t.Name)
	if err != nil {
		return nil, err
	}
	views, err := c.client().Views(ctx)
	if err != nil {
		return nil, err
	}
	list, err := c.client().Units(ctx)
	if err != nil {
		return nil, err
	}
	for _, v := range views {
		i := slices.IndexFunc(list, func(u control.UnitInfo) bool { return u.GUID == v.Unit })
		if i >= 0 && (v.TargetGroup == "" || v.TargetGroup == group) {
			luns = append(luns, tgtLUN{v, list[i]})
		}
	}
	slices.SortStableFunc(luns, func(a, b tgtLUN) int { return a.LUN - b.LUN })
	return luns, nil
}

func (c *cli) findLUN(ctx context.Context, t control.TargetInfo, lun int) (tgtLUN, error) {
	luns, err := c.lunsOf(ctx, t)
	if err != nil {
		return tgtLUN{}, err
	}
	i := slices.IndexFunc(luns, func(l tgtLUN) bool { return l.LUN == lun })
	if i < 0 {
		return tgtLUN{}, &control.Problem{Title: fmt.Sprintf("target %s has no LUN %d", t.Name, lun), Hint: "iscsitadm list target -v shows the LUNs."}
	}
	return luns[i], nil
}

// deleteLUN ends a unit of t's own, and t with its group after the last one, which is LUN 0.
func (c *cli) deleteLUN(ctx context.Context, t control.TargetInfo, lun int) error {
	l, err := c.findLUN(ctx, t, lun)
	if err != nil {
		return err
	}
	luns, err := c.lunsOf(ctx, t)
	if err != nil {
		return err
	}
	group, err := c.ownGroup(ctx, t.Name)
	if err != nil {
		return err
	}
	switch {
	case l.TargetGroup == "":
		return &control.Problem{Title: fmt.Sprintf("LUN %d is not of this target alone", lun), Hint: "All targets show it: stmfadm delete-lu " + strings.ToUpper(l.Unit)}
	case lun == 0 && len(luns) > 1:
		return &control.Problem{Title: "LUN 0 must be the last one deleted", Hint: "Delete the target's other LUNs first."}
	}
	if _, err := c.client().DeleteUnit(ctx, l.Unit, control.UnitDelete{}); err != nil || len(luns) > 1 {
		return err
	}
	if _, err := c.client().DeleteTarget(ctx, t.Name, control.TargetDelete{}); err != nil {
		return err
	}
	_, err = c.client().DeleteMemberGroup(ctx, control.TargetGroups, group)
	return err
}
