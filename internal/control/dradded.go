package control

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// What a failover adds to the configuration here, and what a failback takes away of that: nothing that was
// changed since, or that others use.

// A drAddition is a record that a failover has added.
type drAddition struct {
	Key    string `json:"key"`
	Change uint64 `json:"change"` // of the history, which did it
}

// addSite brings the configuration of a site into use, and notes what that adds, before it is done. It may
// be repeated.
func (d *Daemon) addSite(ctx context.Context, site *siteRecord, r *drRecord) error {
	plan, added, err := d.applySite(ctx, *site, r, ConfigApply{DryRun: true})
	if err != nil {
		return err
	}
	for _, key := range added {
		r.Added = slices.DeleteFunc(slices.Clone(r.Added), func(a drAddition) bool { return a.Key == key })
		r.Added = append(r.Added, drAddition{key, plan.Base + 1})
	}
	if err := d.saveDR(r, r.Phase); err != nil {
		return err
	}
	if plan, _, err = d.applySite(ctx, *site, r, ConfigApply{Force: true, Base: &plan.Base}); err == nil {
		r.note("brought the configuration of %s into use: %d changes", site.name(), len(plan.Steps))
	}
	return err
}

// additions are the keys of what after has beside units, and before has not.
func additions(before, after configuration) []string {
	return slices.Concat(
		comers(targetKind, deltas(before.targets, after.targets)),
		comers(groupKind, deltas(before.groups, after.groups)),
		comers(hostGroupKind, deltas(before.hostGroups, after.hostGroups)),
		comers(targetGroupKind, deltas(before.targetGroups, after.targetGroups)),
		comers(initiatorKind, deltas(before.initiators, after.initiators)),
	)
}

func comers[R any](k kind[R], changed []delta[R]) (keys []string) {
	for _, c := range changed {
		if c.comes() {
			keys = append(keys, string(k)+c.name)
		}
	}
	return keys
}

// heir is another failover from the same peer, which needs what r has added; nil: there is none.
func (d *Daemon) heir(r *drRecord) (*drRecord, error) {
	records, err := drKind.list(d.state)
	if err != nil {
		return nil, err
	}
	peer, _, _ := strings.Cut(r.Site, "/")
	for i := range records {
		o := &records[i]
		if o.Kind == DRKindFailover && o.Site != r.Site && strings.HasPrefix(o.Site, peer+"/") && o.Phase != drFailed && o.Phase != drAsking {
			return o, nil
		}
	}
	return nil, nil
}

// bequeath leaves what r has added to another failover, which takes it away when it is given back. It may be
// repeated.
func (d *Daemon) bequeath(r *drRecord) error {
	heir, err := d.heir(r)
	if heir == nil || err != nil {
		return err
	}
	done, err := d.drills.begin(heir.Site)
	if err != nil {
		return err
	}
	defer done()
	if heir, err = d.heir(r); heir == nil || err != nil { // afresh: nothing is done with it now
		return err
	}
	for _, a := range r.Added {
		if !slices.ContainsFunc(heir.Added, func(o drAddition) bool { return o.Key == a.Key }) {
			heir.Added = append(heir.Added, a)
		}
	}
	if err := d.saveDR(heir, heir.Phase); err != nil {
		return err
	}
	r.Added = nil
	return d.saveDR(r, r.Phase)
}

// dropSite takes the units of a failover, and what it has added, out of the configuration. The notes of the
// plan tell what stays, and why.
func (d *Daemon) dropSite(ctx context.Context, r *drRecord, q ConfigApply) (ConfigPlan, error) {
	touched, err := d.touched(r.Added)
	if err != nil {
		return ConfigPlan{}, err
	}
	shown := make(map[string]string) // host groups, by the DR tests that they see
	records, err := drKind.list(d.state)
	if err != nil {
		return ConfigPlan{}, err
	}
	for _, o := range records {
		if o.Kind == DRKindTest {
			shown[o.HostGroup] = o.Name
		}
	}
	return d.reconfigure(ctx, q, func(current configuration) (configuration, []string, error) {
		c := current.clone()
		for _, u := range r.Units {
			delete(c.units, u.GUID.String())
		}
		var notes []string
		// Targets go before what they use.
		for _, a := range slices.SortedStableFunc(slices.Values(r.Added), func(a, b drAddition) int { return rank(a.Key) - rank(b.Key) }) {
			noun, name := nounOf(a.Key)
			user := c.userOf(a.Key)
			if test := shown[name]; test != "" && strings.HasPrefix(a.Key, string(hostGroupKind)) {
				user = "DR test " + test
			}
			switch {
			case !c.has(a.Key):
			case touched[a.Key]:
				notes = append(notes, fmt.Sprintf("%s %s was changed since, and stays", noun, name))
			case user != "":
				notes = append(notes, fmt.Sprintf("%s %s stays: %s uses it", noun, name, user))
			default:
				c.drop(a.Key)
			}
		}
		return c, notes, nil
	})
}

func rank(key string) int {
	if strings.HasPrefix(key, string(targetKind)) {
		return 0
	}
	return 1
}

// touched tells which of the records were changed after they were added. Of those that the history does not
// reach back to that is not known, and taken for granted.
func (d *Daemon) touched(added []drAddition) (map[string]bool, error) {
	changes, err := historyKind.list(d.state)
	if err != nil {
		return nil, err
	}
	touched := make(map[string]bool)
	for _, a := range added {
		touched[a.Key] = len(changes) == 0 || changes[0].Number > a.Change+1
		for _, c := range changes {
			if c.Number > a.Change && slices.ContainsFunc(c.Keys, func(k historyItem) bool { return k.Key == a.Key }) {
				touched[a.Key] = true
			}
		}
	}
	return touched, nil
}

// userOf is who needs the record of a group, in words; empty: nobody.
func (c *configuration) userOf(key string) string {
	noun, name := nounOf(key)
	if noun == nouns[string(groupKind)] {
		for _, t := range slices.Sorted(maps.Keys(c.targets)) {
			if slices.Contains(c.targets[t].Groups, name) {
				return "target " + t
			}
		}
		return ""
	}
	for _, u := range slices.Sorted(maps.Keys(c.units)) {
		for _, v := range c.units[u].Views {
			if noun == nouns[string(hostGroupKind)] && v.HostGroup == name || noun == nouns[string(targetGroupKind)] && v.TargetGroup == name {
				return "unit " + u
			}
		}
	}
	return ""
}

// has reports whether there is a record that a failover may have added, and drop takes it away.
func (c *configuration) has(key string) bool {
	was := c.clone()
	was.drop(key)
	return len(additions(was, *c)) > 0
}

func (c *configuration) drop(key string) {
	kind, name, _ := strings.Cut(key, "/")
	switch kind + "/" {
	case string(targetKind):
		delete(c.targets, name)
	case string(groupKind):
		delete(c.groups, name)
	case string(hostGroupKind):
		delete(c.hostGroups, name)
	case string(targetGroupKind):
		delete(c.targetGroups, name)
	case string(initiatorKind):
		delete(c.initiators, name)
	}
}
