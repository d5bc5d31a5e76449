package control

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"time"

	"github.com/lunarsan/lunar/sbd"
	"github.com/lunarsan/lunar/scsi"
	"github.com/lunarsan/lunar/stream/job"
)

// A merge makes of a configuration what a document says it is to become.
type merge struct {
	current configuration
	prune   bool                             // what the document does not name goes
	sizeOf  func(path string) (int64, error) // of a store that is there
	listen  func(groupRecord) groupRecord    // a portal group with the addresses that the daemon was started with

	wanted configuration
	notes  []string // what stays although the document has it otherwise
}

// merge fills in m.wanted. The parts that others refer to come first.
func (m *merge) merge(doc *document) error {
	m.wanted = m.current.clone()
	if m.prune {
		clear(m.wanted.units)
		clear(m.wanted.targets)
		clear(m.wanted.initiators)
		clear(m.wanted.peers)
		clear(m.wanted.jobs)
		clear(m.wanted.hostGroups)
		clear(m.wanted.targetGroups)
		clear(m.wanted.alarms)
		maps.DeleteFunc(m.wanted.groups, func(name string, _ groupRecord) bool { return name != DefaultGroup })
	}
	for _, g := range doc.ALUAGroups {
		r, err := g.record(m.current.access[numberKey(g.Number)])
		if err != nil {
			return fmt.Errorf("target port group %d: %w", g.Number, err)
		}
		m.wanted.access[numberKey(g.Number)] = r
	}
	if doc.Discovery != nil {
		r, err := doc.Discovery.record(m.current.discovery[discoveryName])
		if err != nil {
			return fmt.Errorf("discovery: %w", err)
		}
		m.wanted.discovery[discoveryName] = r
	}
	if doc.ISNS != nil {
		r := m.current.isns[isnsName]
		r.Disabled = doc.ISNS.Disabled
		var err error
		if r.Server, err = parseISNSServer(doc.ISNS.Server); err != nil {
			return fmt.Errorf("isns: %w", err)
		}
		if r.Server != "" {
			r.Entity = cmp.Or(r.Entity, inventEntity())
		}
		m.wanted.isns[isnsName] = r
	}
	if doc.RADIUS != nil {
		r, err := doc.RADIUS.record(m.current.radius[radiusName])
		if err != nil {
			return fmt.Errorf("radius: %w", err)
		}
		m.wanted.radius[radiusName] = r
	}
	return inOrder(
		func() error { return enter(m, "host group", doc.HostGroups, m.wanted.hostGroups, m.hostGroup) },
		func() error { return enter(m, "target group", doc.TargetGroups, m.wanted.targetGroups, m.targetGroup) },
		func() error { return enter(m, "unit", doc.Units, m.wanted.units, m.unit) },
		func() error { return enter(m, "portal group", doc.PortalGroups, m.wanted.groups, m.group) },
		func() error { return enter(m, "target", doc.Targets, m.wanted.targets, m.target) },
		func() error { return enter(m, "initiator", doc.Initiators, m.wanted.initiators, m.initiator) },
		func() error { return enter(m, "alarm", doc.Alarms, m.wanted.alarms, m.alarm) },
		func() error { return enter(m, "peer", doc.Peers, m.wanted.peers, m.peer) },
		func() error { return enter(m, "job", doc.Jobs, m.wanted.jobs, m.job) },
		func() error { return distinctPeers(slices.Collect(maps.Values(m.wanted.peers))) },
		m.numberGroups,
		func() error { return onceOnly(HostGroups, m.wanted.hostGroups) },
		func() error { return onceOnly(TargetGroups, m.wanted.targetGroups) },
		m.tellUnitsApart,
		m.placeViews,
		m.wanted.checkRADIUS,
	)
}

// enter puts what record makes of parts into records, and notes what is there beside them.
func enter[D, R any](m *merge, what string, parts []D, records map[string]R, record func(*D) (name string, r R, err error)) error {
	named := make(map[string]bool)
	for i := range parts {
		name, r, err := record(&parts[i])
		switch {
		case err != nil:
			return fmt.Errorf("%s %q: %w", what, name, err)
		case named[name]:
			return refuse(fmt.Sprintf("%s %q is in the document twice", what, name), "Leave one of them out.")
		}
		named[name], records[name] = true, r
	}
	for _, name := range slices.Sorted(maps.Keys(records)) {
		if !named[name] && name != DefaultGroup {
			m.notes = append(m.notes, fmt.Sprintf("%s %s is not in the document and stays: --prune removes it", what, name))
		}
	}
	return nil
}

func (m *merge) unit(u *documentUnit) (name string, r unitRecord, err error) {
	name = u.GUID.String()
	if u.GUID == (sbd.GUID{}) {
		return name, r, refuse("a unit needs a GUID", guidHint)
	}
	before, there := m.current.units[name]
	size := u.Size
	switch {
	case there:
		size = before.Size
		if u.Size != 0 && u.Size != before.Size {
			m.notes = append(m.notes, fmt.Sprintf("unit %s keeps its %d bytes, where the document says %d: lunar lu resize changes that", name, before.Size, u.Size))
		}
	case size == 0:
		if size, err = m.sizeOf(u.Path); err != nil {
			return name, r, refuse(fmt.Sprintf("it has no size, and its store cannot be asked: %v", err), "Say the size in bytes.")
		}
	}
	r, err = UnitCreate{
		GUID:       name,
		Path:       u.Path,
		Size:       size,
		Alias:      u.Alias,
		Serial:     cmp.Or(u.Serial, before.Serial),
		Vendor:     cmp.Or(u.Vendor, before.Vendor),
		Product:    cmp.Or(u.Product, before.Product),
		Revision:   cmp.Or(u.Revision, before.Revision),
		Version:    cmp.Or(u.Version, before.Version),
		BlockSize:  cmp.Or(u.BlockSize, before.BlockSize),
		Thin:       u.Thin,
		Alarm:      u.Alarm,
		ReadOnly:   u.ReadOnly,
		Direct:     u.Direct,
		WriteCache: u.WriteCache,
	}.record()
	if err != nil {
		return name, r, err
	}
	if u.Offset < 0 {
		return name, r, refuse(fmt.Sprintf("it cannot begin at byte %d of its store", u.Offset), "An offset is not negative.")
	}
	r.Offset, r.DeviceType = u.Offset, u.DeviceType
	r.OwnStore, r.Clone, r.Fault = before.OwnStore, before.Clone, before.Fault
	switch u.State {
	case "", UnitOnline:
	case documentRetired:
		r.Retired = true
	case documentOffline:
		r.Offline = true
	case documentMaintenance:
		r.Offline, r.Purpose = true, ForMaintenance
	default:
		return name, r, refuse(fmt.Sprintf("%q is no state of a unit in a document", u.State), "Choose offline, maintenance or retired, or leave it out.")
	}
	r.Created = createdAt(u.Created, before.Created)
	if r.Views, err = viewsOf(u.Views); err != nil {
		return name, r, err
	}
	if there {
		if r.Offline && r.Purpose == "" && before.Purpose == ForRepair {
			r.Purpose = ForRepair // which is the same
		}
		err = keepsStore(&before, &r)
	}
	return name, r, err
}

// createdAt is when an object was made: what the document says, or what is known, or now.
func createdAt(said *time.Time, known time.Time) time.Time {
	switch {
	case said != nil:
		return said.UTC()
	case !known.IsZero():
		return known
	}
	return time.Now().UTC().Truncate(time.Second)
}

// keepsStore refuses what would show initiators of a unit that is there other data.
func keepsStore(before, after *unitRecord) error {
	for _, f := range []struct {
		name string
		same bool
	}{
		{"path", before.Path == after.Path},
		{"offset", before.Offset == after.Offset},
		{"block_size", before.BlockSize == after.BlockSize},
		{"device_type", before.DeviceType == after.DeviceType},
		{"thin", before.Thin == after.Thin},
		{"direct", before.Direct == after.Direct},
	} {
		if !f.same {
			return conflict(fmt.Sprintf("it is there with another %s, which says how its store is opened", f.name),
				fmt.Sprintf("Delete it first and keep its store (lunar lu delete %s --keep-store), and apply the document again.", before.GUID))
		}
	}
	return nil
}

// tellUnitsApart refuses what two units have.
func (m *merge) tellUnitsApart() error {
	seen := make(map[string]string)
	for _, name := range slices.Sorted(maps.Keys(m.wanted.units)) {
		r := m.wanted.units[name]
		for _, what := range []string{fmt.Sprintf("the serial number %q", r.Serial), "the store " + r.Path} {
			if other, there := seen[what]; there {
				return conflict(fmt.Sprintf("units %s and %s would both have %s", other, name, what), "Change one of them, or take it out.")
			}
			seen[what] = name
		}
	}
	return nil
}

func (m *merge) group(g *documentPortalGroup) (name string, r groupRecord, err error) {
	before := m.current.groups[g.Name]
	if g.Name == DefaultGroup {
		if len(g.Portals) > 0 {
			return g.Name, r, refuse("it has portals in the document", "The default portal group listens where lunar serve --listen says: leave them out.")
		}
		if g.Tag != 0 && g.Tag != before.Tag {
			return g.Name, r, refuse(fmt.Sprintf("its tag is %d", before.Tag), "Leave the tag out.")
		}
		r = groupRecord{Name: DefaultGroup, Moved: g.Permanent, Access: g.ALUAGroup}
		if r.Announce, err = parseHostPorts(g.Announce, DefaultPort); err != nil {
			return g.Name, r, err
		}
		if r.Networks, err = parseNetworks(g.Networks); err != nil {
			return g.Name, r, err
		}
		r.Redirect, err = parseRedirect(g.Redirect, g.Permanent)
	} else {
		r, _, err = GroupCreate{Name: g.Name, Portals: g.Portals, Announce: g.Announce, Redirect: g.Redirect, Permanent: g.Permanent, Networks: g.Networks}.record()
		r.Access = g.ALUAGroup
	}
	r.Tag = cmp.Or(g.Tag, before.Tag)
	if before.Tag != 0 && r.Tag != before.Tag && err == nil {
		err = conflict(fmt.Sprintf("it is there with tag %d, and initiators know it by that", before.Tag), "Leave the tag out, or delete the portal group first.")
	}
	return g.Name, r, err
}

// numberGroups gives portal groups without a tag the lowest that are free, and refuses what two
// groups have, and what targets name and is not there.
func (m *merge) numberGroups() error {
	used := make(map[uint16]string)
	names := slices.Sorted(maps.Keys(m.wanted.groups))
	for _, name := range names {
		g := m.wanted.groups[name]
		if other, there := used[g.Tag]; there && g.Tag != 0 {
			return conflict(fmt.Sprintf("portal groups %q and %q would both have tag %d", other, name, g.Tag), "Leave one of the tags out.")
		}
		used[g.Tag] = name
	}
	listening := make(map[string][]netip.AddrPort)
	for _, name := range names {
		g := m.wanted.groups[name]
		for tag := 1; g.Tag == 0; tag++ {
			if tag > maxGroupTag {
				return conflict("all portal group tags are taken", "Delete a portal group first.")
			}
			if _, there := used[uint16(tag)]; !there {
				g.Tag = uint16(tag)
				used[g.Tag], m.wanted.groups[name] = name, g
			}
		}
		addresses, err := parsePortals(m.listen(g).Portals)
		if err != nil {
			return fmt.Errorf("portal group %q: %w", name, err)
		}
		for other, theirs := range listening {
			for _, a := range addresses {
				if slices.ContainsFunc(theirs, func(b netip.AddrPort) bool { return same(a, b) }) {
					return conflict(fmt.Sprintf("portal groups %q and %q would both listen on %s", other, name, a),
						"Choose another address or port, or start the daemon with another --listen.")
				}
			}
		}
		listening[name] = addresses
	}
	for _, name := range slices.Sorted(maps.Keys(m.wanted.targets)) {
		for _, g := range m.wanted.targets[name].Groups {
			if _, there := m.wanted.groups[g]; !there {
				return missing(fmt.Sprintf("target %s: there would be no portal group %q", name, g), "Add it to the document, or name another.")
			}
		}
	}
	return nil
}

func (m *merge) target(t *documentTarget) (name string, r targetRecord, err error) {
	if name, err = parseName(t.Name); err != nil {
		return t.Name, r, err
	}
	before := m.current.targets[name]
	r = targetRecord{
		Name:    name,
		Alias:   t.Alias,
		Groups:  t.PortalGroups,
		Auth:    cmp.Or(t.Auth, "none"),
		Offline: t.Offline,
		Created: createdAt(t.Created, before.Created),
	}
	if err := checkAlias(r.Alias); err != nil {
		return name, r, err
	}
	if r.Initiators, err = parseNames(t.Initiators); err != nil {
		return name, r, err
	}
	if r.Self, err = t.Self.credential(name, before.Self); err != nil {
		return name, r, err
	}
	for _, p := range t.Ports {
		m.port(portRecord{name, p.Tag, p.Number})
	}
	_, err = authOf(r.Auth, r.Self)
	return name, r, err
}

// port wants a port to have its number. One that initiators know by another keeps that.
func (m *merge) port(p portRecord) {
	key := numberKey(p.Number)
	if other, there := m.wanted.ports[key]; there && other != p || p.Number == 0 {
		m.notes = append(m.notes, fmt.Sprintf("target port %s,%d does not get the relative identifier %d, which is another's", p.Target, p.Tag, p.Number))
		return
	}
	for _, known := range m.current.ports {
		if known.Target == p.Target && known.Tag == p.Tag && known.Number != p.Number {
			m.notes = append(m.notes, fmt.Sprintf("target port %s,%d keeps its relative identifier %d, where the document says %d", p.Target, p.Tag, known.Number, p.Number))
			return
		}
	}
	m.wanted.ports[key] = p
}

func (m *merge) initiator(i *documentInitiator) (name string, r initiatorRecord, err error) {
	if name, err = parseName(i.Name); err != nil {
		return i.Name, r, err
	}
	r.Name, r.Alias = name, i.Alias
	if err := checkAlias(r.Alias); err != nil {
		return name, r, err
	}
	if r.RADIUSUser, err = checkRADIUSUser(i.RADIUSUser); err != nil {
		return name, r, err
	}
	r.CHAP, err = i.CHAP.credential(name, m.current.initiators[name].CHAP)
	return name, r, err
}

func (m *merge) peer(p *documentPeer) (name string, r peerRecord, err error) {
	r, err = PeerCreate{p.Name, p.Fingerprint, p.Address, p.Roots, p.Sources, p.AppendOnly, p.MinAge, p.Failover, p.Secrets}.record()
	r.Created = createdAt(p.Created, m.current.peers[p.Name].Created)
	return p.Name, r, err
}

// job takes a job as it is: one whose peer is not there is refused.
func (m *merge) job(j *job.Job) (name string, r job.Job, err error) {
	if err := checkJob(j); err != nil {
		return j.Name, *j, err
	}
	if _, there := m.wanted.peers[j.Peer]; j.Peer != "" && !there {
		err = missing(fmt.Sprintf("there would be no peer %q", j.Peer), "Add it to the document, or name another.")
	}
	return j.Name, *j, err
}

func (d *documentDiscovery) record(before discoveryRecord) (r discoveryRecord, err error) {
	r.Auth = d.Auth
	if r.Self, err = d.Self.credential("lunar", before.Self); err != nil {
		return r, err
	}
	_, err = authOf(r.Auth, r.Self)
	return r, err
}

func (d *documentRADIUS) record(before radiusRecord) (r radiusRecord, err error) {
	r.Unsigned = d.Unsigned
	switch {
	case d.Secret != "":
		r.Shared = &credential{Secret: Secret(d.Secret)}
	case len(d.Servers) > 0:
		r.Shared = before.Shared
	}
	r.Servers, err = parseRADIUSServers(d.Servers)
	return r, err
}

func (g *documentALUAGroup) record(before accessRecord) (accessRecord, error) {
	mode := cmp.Or(g.ALUA, accessImplicit)
	change := PathChange{Group: &g.Number, State: &g.State, Preferred: &g.Preferred, Mode: &mode}
	if err := change.check(); err != nil {
		return before, err
	}
	r := accessRecord{Number: g.Number, State: before.State, Preferred: g.Preferred, Explicit: mode == accessExplicit, Cause: before.Cause}
	if err := r.State.UnmarshalText([]byte(g.State)); err != nil {
		return before, err
	}
	if r.State != before.State {
		r.Cause = scsi.ChangedImplicitly
	}
	return r, nil
}

// errNoSecret says that a document has a credential whose secret nobody knows.
var errNoSecret = errors.New("there is no secret")

// credential is what c stands for: without a secret, the one that is there. The user falls back to
// name.
func (c *documentCHAP) credential(name string, before *credential) (*credential, error) {
	switch {
	case c == nil:
		return nil, nil
	case c.Secret != "":
		return newCredential(c.User, name, Secret(c.Secret))
	case before != nil && before.User == cmp.Or(c.User, name):
		return before, nil
	}
	p := refuse(fmt.Sprintf("CHAP user %q has no secret in the document, and none is known here", cmp.Or(c.User, name)),
		"Export the document with --secrets, or write the secret into it.")
	p.cause = errNoSecret
	return nil, p
}
