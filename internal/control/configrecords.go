package control

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/lunarsan/lunar/stream/job"
)

// A configuration is all records that operators change, by their names in the state.
type configuration struct {
	units      map[string]unitRecord
	groups     map[string]groupRecord // the default one is always there
	access     map[string]accessRecord
	targets    map[string]targetRecord
	ports      map[string]portRecord
	initiators map[string]initiatorRecord
	discovery  map[string]discoveryRecord // one
	isns       map[string]isnsRecord      // one
	radius     map[string]radiusRecord    // one
	alarms     map[string]alarmRecord     // by way
	peers      map[string]peerRecord
	jobs       map[string]job.Job

	hostGroups, targetGroups map[string]memberGroupRecord
}

// configuration reads the configuration. Daemon.change is held.
func (d *Daemon) configuration() (c configuration, err error) {
	err = d.state.View(func(tx Tx) error {
		c, err = readConfiguration(tx)
		return err
	})
	for _, g := range d.device.AccessGroups() { // those that were never changed have no record
		c.access[numberKey(g.Number)] = accessRecord(g)
	}
	return c, err
}

func readConfiguration(tx Tx) (c configuration, err error) {
	if err := inOrder(
		func() (err error) { c.units, err = unitKind.byName(tx); return err },
		func() (err error) { c.groups, err = groupKind.byName(tx); return err },
		func() (err error) { c.access, err = accessKind.byName(tx); return err },
		func() (err error) { c.targets, err = targetKind.byName(tx); return err },
		func() (err error) { c.ports, err = portKind.byName(tx); return err },
		func() (err error) { c.initiators, err = initiatorKind.byName(tx); return err },
		func() (err error) { c.discovery, err = discoveryKind.byName(tx); return err },
		func() (err error) { c.isns, err = isnsKind.byName(tx); return err },
		func() (err error) { c.radius, err = radiusKind.byName(tx); return err },
		func() (err error) { c.alarms, err = alarmKind.byName(tx); return err },
		func() (err error) { c.peers, err = peerKind.byName(tx); return err },
		func() (err error) { c.jobs, err = jobKind.byName(tx); return err },
		func() (err error) { c.hostGroups, err = hostGroupKind.byName(tx); return err },
		func() (err error) { c.targetGroups, err = targetGroupKind.byName(tx); return err },
	); err != nil {
		return c, err
	}
	maps.DeleteFunc(c.units, func(_ string, r unitRecord) bool { return r.DR != "" })
	maps.DeleteFunc(c.hostGroups, func(_ string, r memberGroupRecord) bool { return r.DR != "" })
	if _, there := c.groups[DefaultGroup]; !there {
		c.groups[DefaultGroup] = groupRecord{Name: DefaultGroup, Tag: defaultGroupTag}
	}
	if _, there := c.discovery[discoveryName]; !there {
		c.discovery[discoveryName] = discoveryRecord{Auth: "none"}
	}
	if _, there := c.isns[isnsName]; !there {
		c.isns[isnsName] = isnsRecord{}
	}
	if _, there := c.radius[radiusName]; !there {
		c.radius[radiusName] = radiusRecord{}
	}
	return c, nil
}

// byName returns the records by their names.
func (k kind[R]) byName(tx Tx) (map[string]R, error) {
	records := make(map[string]R)
	for key, value := range tx.Scan(string(k)) {
		r, err := k.decode(key, value)
		if err != nil {
			return nil, err
		}
		reveal(tx, key, &r)
		records[strings.TrimPrefix(key, string(k))] = r
	}
	return records, nil
}

// clone returns a copy whose maps are its own.
func (c configuration) clone() configuration {
	return configuration{
		maps.Clone(c.units), maps.Clone(c.groups), maps.Clone(c.access), maps.Clone(c.targets),
		maps.Clone(c.ports), maps.Clone(c.initiators), maps.Clone(c.discovery), maps.Clone(c.isns), maps.Clone(c.radius), maps.Clone(c.alarms), maps.Clone(c.peers), maps.Clone(c.jobs),
		maps.Clone(c.hostGroups), maps.Clone(c.targetGroups),
	}
}

// document is c as a document, with secrets or without.
func (c configuration) document(secrets bool) *document {
	d := &document{
		Format:       documentFormat,
		Units:        inNames(c.units, unitRecord.document),
		HostGroups:   inNames(c.hostGroups, memberGroupRecord.document),
		TargetGroups: inNames(c.targetGroups, memberGroupRecord.document),
		PortalGroups: inNames(c.groups, groupRecord.document),
		ALUAGroups:   inNames(c.access, accessRecord.document),
		Targets:      inNames(c.targets, c.targetDocument),
		Initiators:   inNames(c.initiators, initiatorRecord.document),
		Alarms:       inNames(c.alarms, alarmRecord.document),
		Peers:        inNames(c.peers, peerRecord.document),
		Jobs:         inNames(c.jobs, func(j job.Job) job.Job { return j }),
	}
	for _, r := range c.discovery {
		d.Discovery = r.document()
	}
	for _, r := range c.isns {
		d.ISNS = r.document()
	}
	for _, r := range c.radius {
		d.RADIUS = r.document()
	}
	slices.SortStableFunc(d.PortalGroups, func(a, b documentPortalGroup) int { return int(a.Tag) - int(b.Tag) })
	if !secrets {
		d.hide()
	}
	return d
}

// inNames turns records into parts of a document, in order of their names.
func inNames[R, D any](records map[string]R, document func(R) D) []D {
	parts := make([]D, 0, len(records))
	for _, name := range slices.Sorted(maps.Keys(records)) {
		parts = append(parts, document(records[name]))
	}
	return parts
}

func (r unitRecord) document() documentUnit {
	u := documentUnit{
		GUID:       r.GUID,
		Alias:      r.Alias,
		Path:       r.Path,
		Size:       r.Size,
		Offset:     r.Offset,
		BlockSize:  r.BlockSize,
		Serial:     r.Serial,
		Vendor:     r.Vendor,
		Product:    r.Product,
		Revision:   r.Revision,
		Version:    r.Version,
		DeviceType: r.DeviceType,
		Thin:       r.Thin,
		Alarm:      r.Alarm,
		ReadOnly:   r.ReadOnly,
		Direct:     r.Direct,
		WriteCache: r.WriteCache,
		Created:    timeOf(r.Created),
	}
	for _, v := range r.Views {
		u.Views = append(u.Views, documentView{&v.Entry, v.HostGroup, v.TargetGroup, &v.LUN})
	}
	switch {
	case r.Retired:
		u.State = documentRetired
	case r.Offline && r.Purpose == ForMaintenance:
		u.State = documentMaintenance
	case r.Offline:
		u.State = documentOffline
	}
	return u
}

func timeOf(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

func (r groupRecord) document() documentPortalGroup {
	g := documentPortalGroup{r.Name, r.Tag, r.Portals, r.Announce, r.Redirect, r.Moved, r.Access, r.Networks}
	if g.Name == DefaultGroup {
		g.Portals = nil
	}
	return g
}

func (r accessRecord) document() documentALUAGroup {
	g := documentALUAGroup{Number: r.Number, State: r.State.String(), Preferred: r.Preferred}
	if r.Explicit {
		g.ALUA = accessExplicit
	}
	return g
}

// targetDocument is r with its ports, as far as their portal groups are there.
func (c configuration) targetDocument(r targetRecord) documentTarget {
	t := documentTarget{
		Name:         r.Name,
		Alias:        r.Alias,
		PortalGroups: r.Groups,
		Auth:         r.Auth,
		Self:         r.Self.document(),
		Initiators:   r.Initiators,
		Offline:      r.Offline,
		Created:      timeOf(r.Created),
	}
	tags := make(map[uint16]bool)
	for _, g := range c.groups {
		tags[g.Tag] = true
	}
	for _, p := range c.ports {
		if p.Target == r.Name && tags[p.Tag] {
			t.Ports = append(t.Ports, documentPort{p.Tag, p.Number})
		}
	}
	slices.SortFunc(t.Ports, func(a, b documentPort) int { return int(a.Tag) - int(b.Tag) })
	return t
}

func (r memberGroupRecord) document() documentGroup {
	return documentGroup{r.Name, r.Members, r.CHAP.document()}
}

func (r initiatorRecord) document() documentInitiator {
	return documentInitiator{r.Name, r.Alias, r.CHAP.document(), r.RADIUSUser}
}

func (r peerRecord) document() documentPeer {
	return documentPeer{r.Name, r.Fingerprint, r.Address, r.Roots, r.Sources, r.AppendOnly, r.MinAge, r.Failover, r.Secrets, timeOf(r.Created)}
}

func (r discoveryRecord) document() *documentDiscovery {
	return &documentDiscovery{r.Auth, r.Self.document()}
}

func (r isnsRecord) document() *documentISNS { return &documentISNS{r.Server, r.Disabled} }

func (r radiusRecord) document() *documentRADIUS {
	d := &documentRADIUS{Servers: r.Servers, Unsigned: r.Unsigned}
	if shared := r.Shared.document(); shared != nil {
		d.Secret = shared.Secret
	}
	return d
}

func (c *credential) document() *documentCHAP {
	if c == nil {
		return nil
	}
	if c.Secret.sealed() {
		return &documentCHAP{User: c.User}
	}
	return &documentCHAP{c.User, documentSecret(c.Secret)}
}

// hide takes the secrets out of d.
func (d *document) hide() {
	for _, t := range d.Targets {
		t.Self.hide()
	}
	for _, i := range d.Initiators {
		i.CHAP.hide()
	}
	for _, g := range d.HostGroups {
		g.CHAP.hide()
	}
	if d.Discovery != nil {
		d.Discovery.Self.hide()
	}
	if d.RADIUS != nil {
		d.RADIUS.Secret = ""
	}
	for i := range d.Alarms {
		d.Alarms[i].URL = ""
		d.Alarms[i].Login.hide()
	}
}

func (c *documentCHAP) hide() {
	if c != nil {
		c.Secret = ""
	}
}

// A delta is a record that becomes another. One of the two is nil where it comes or goes.
type delta[R any] struct {
	name          string
	before, after *R
}

// deltas returns what becomes other, in order of the names.
func deltas[R any](before, after map[string]R) (changed []delta[R]) {
	names := slices.Concat(slices.Collect(maps.Keys(before)), slices.Collect(maps.Keys(after)))
	slices.Sort(names)
	for _, name := range slices.Compact(names) {
		b, was := before[name]
		a, is := after[name]
		switch {
		case !was:
			changed = append(changed, delta[R]{name, nil, &a})
		case !is:
			changed = append(changed, delta[R]{name, &b, nil})
		case !reflect.DeepEqual(a, b):
			changed = append(changed, delta[R]{name, &b, &a})
		}
	}
	return changed
}

// gone reports whether the record goes, and comes whether it is new.
func (d delta[R]) gone() bool  { return d.after == nil }
func (d delta[R]) comes() bool { return d.before == nil }

// save puts what the records become.
func save[R any](tx Tx, k kind[R], changed []delta[R]) error {
	for _, c := range changed {
		var err error
		if c.gone() {
			err = k.delete(tx, c.name)
		} else {
			err = k.put(tx, c.name, *c.after)
		}
		if err != nil {
			return fmt.Errorf("saving %s%s: %w", k, c.name, err)
		}
	}
	return nil
}
