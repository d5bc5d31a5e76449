package control

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/lunarsan/lunar/stream/job"
)

// plan tells what a change of the configuration would do, step by step, and what it would cost.
func (d *Daemon) plan(before, after configuration) ConfigPlan {
	p := ConfigPlan{Steps: []ConfigStep{}}
	p.add(stepsOf("unit", deltas(before.units, after.units), unitRecord.document))
	p.add(stepsOf("host group", deltas(before.hostGroups, after.hostGroups), memberGroupRecord.document))
	p.add(stepsOf("target group", deltas(before.targetGroups, after.targetGroups), memberGroupRecord.document))
	p.add(stepsOf("portal group", deltas(before.groups, after.groups), groupRecord.document))
	p.add(stepsOf("target port group", deltas(before.access, after.access), accessRecord.document))
	p.add(stepsOf("target", deltas(before.targets, after.targets), configuration{}.targetDocument))
	p.add(stepsOf("initiator", deltas(before.initiators, after.initiators), initiatorRecord.document))
	p.add(stepsOf("peer", deltas(before.peers, after.peers), peerRecord.document))
	p.add(stepsOf("job", deltas(before.jobs, after.jobs), func(j job.Job) job.Job { return j }))
	p.add(stepsOf("discovery", deltas(before.discovery, after.discovery), func(r discoveryRecord) documentDiscovery { return *r.document() }))
	p.add(stepsOf("isns", deltas(before.isns, after.isns), func(r isnsRecord) documentISNS { return *r.document() }))
	p.add(stepsOf("radius", deltas(before.radius, after.radius), func(r radiusRecord) documentRADIUS { return *r.document() }))
	p.add(stepsOf("alarm", deltas(before.alarms, after.alarms), alarmRecord.document))
	for _, c := range deltas(before.units, after.units) {
		p.Risks = append(p.Risks, d.unitRisks(c)...)
		p.Warnings = append(p.Warnings, viewWarnings(c)...)
	}
	for _, c := range deltas(before.targets, after.targets) {
		if c.comes() || !c.gone() && (c.before.Offline || !c.after.Offline) {
			continue
		}
		if n := d.countSessions(c.name); n > 0 {
			p.Risks = append(p.Risks, fmt.Sprintf("target %s has %d %s, which end", c.name, n, plural(n, "session")))
		}
	}
	for _, c := range deltas(before.groups, after.groups) {
		if !c.gone() {
			continue
		}
		if n := len(d.sessionsThrough(c.before.Tag)); n > 0 {
			p.Risks = append(p.Risks, fmt.Sprintf("portal group %q has %d %s, which end", c.name, n, plural(n, "session")))
		}
	}
	return p
}

// viewWarnings warns of the views of a unit that come, as they are warned of alone.
func viewWarnings(c delta[unitRecord]) (warnings []string) {
	if c.gone() {
		return nil
	}
	for _, v := range c.after.Views {
		if warning := v.warning(); warning != "" && (c.comes() || !slices.Contains(c.before.Views, v)) {
			warnings = append(warnings, fmt.Sprintf("unit %s, LUN %d: %s", c.name, v.LUN, warning))
		}
	}
	return warnings
}

// unitRisks tells what a change of a unit takes away from those who use it.
func (d *Daemon) unitRisks(c delta[unitRecord]) (risks []string) {
	if c.comes() {
		return nil
	}
	d.mu.RLock()
	u := d.units[c.before.GUID]
	d.mu.RUnlock()
	if u == nil {
		return nil
	}
	if !c.gone() {
		identity := *c.after
		identity.Views = c.before.Views
		for _, lun := range c.before.luns() {
			if !slices.Contains(c.after.luns(), lun) {
				risks = append(risks, fmt.Sprintf("unit %s is at LUN %d no more: who uses it there loses it", c.name, lun))
			}
		}
		for _, follows := range changesIdentity(c.before, &identity) {
			risks = append(risks, fmt.Sprintf("unit %s becomes another disk: %s", c.name, follows))
		}
		harmless := c.before.ReadOnly || !c.after.ReadOnly
		if harmless && (c.before.offlineReason() != nil || c.after.offlineReason() == nil) && (c.before.WriteCache || !c.after.WriteCache) {
			return risks
		}
	}
	if err := d.checkIdle(u, false); err != nil {
		risks = append(risks, oneLine(err))
	}
	return risks
}

func (p *ConfigPlan) add(steps []ConfigStep) { p.Steps = append(p.Steps, steps...) }

// stepsOf describes changes of one kind of records.
func stepsOf[R, D any](what string, changed []delta[R], document func(R) D) (steps []ConfigStep) {
	for _, c := range changed {
		s := ConfigStep{Kind: what, Name: c.name}
		var before, after D
		if !c.comes() {
			before = document(*c.before)
		}
		if !c.gone() {
			after = document(*c.after)
		}
		switch {
		case c.comes():
			s.Action = ConfigCreate
		case c.gone():
			s.Action = ConfigRemove
		default:
			s.Action = ConfigChange
		}
		if !c.gone() {
			s.Details = differences(before, after)
		}
		if onlyOne(what) {
			s.Name = ""
		}
		s.Name = strings.TrimLeft(s.Name, "0") // of a numberKey
		steps = append(steps, s)
	}
	return steps
}

// untold are the fields that a step's name says, or that nobody asks for.
var untold = []string{"guid", "name", "number", "created"}

// differences tells which fields of two parts of a document differ, and of secrets only that they
// do.
func differences(before, after any) (lines []string) {
	b, a := reflect.ValueOf(before), reflect.ValueOf(after)
	for i := range b.NumField() {
		name, _, _ := strings.Cut(b.Type().Field(i).Tag.Get("yaml"), ",")
		if slices.Contains(untold, name) || reflect.DeepEqual(b.Field(i).Interface(), a.Field(i).Interface()) {
			continue
		}
		was, is := wordOf(b.Field(i)), wordOf(a.Field(i))
		switch {
		case was == is:
			lines = append(lines, name+": another secret")
		case was == "":
			lines = append(lines, name+": "+is)
		default:
			lines = append(lines, fmt.Sprintf("%s: %s -> %s", name, was, cmp.Or(is, "none")))
		}
	}
	return lines
}

// wordOf shows the value of a field on one line; a zero value is empty.
func wordOf(v reflect.Value) string {
	if v.IsZero() {
		return ""
	}
	if c, ok := v.Interface().(*documentCHAP); ok {
		return c.User
	}
	if v.Kind() == reflect.Pointer {
		v = v.Elem()
	}
	switch value := v.Interface().(type) {
	case []string:
		return strings.Join(value, ", ")
	case []documentView:
		words := make([]string, 0, len(value))
		for _, w := range value {
			words = append(words, fmt.Sprintf("LUN %d for %s on %s", *w.LUN, cmp.Or(w.HostGroup, "all"), cmp.Or(w.TargetGroup, "all")))
		}
		return strings.Join(words, ", ")
	}
	return fmt.Sprint(v.Interface())
}
