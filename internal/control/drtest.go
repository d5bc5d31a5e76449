package control

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/lunarsan/lunar/sbd"
	"github.com/lunarsan/lunar/stream"
	"github.com/lunarsan/lunar/vmfs"
)

// maxDR bounds how many tests there are.
const maxDR = 64

// TestDR shows the replicas of a job as of a snapshot to chosen hosts, on clones: what hosts write
// is thrown away at the end, and the job goes on meanwhile.
func (d *Daemon) TestDR(ctx context.Context, q DRTest) (DRInfo, error) {
	site, err := d.findSite(q.Job)
	if err != nil {
		return DRInfo{}, err
	}
	end, err := d.drills.begin(site.name())
	if err != nil {
		return DRInfo{}, err
	}
	defer end()
	r, units, err := d.planTest(ctx, site, q)
	if err != nil {
		return DRInfo{}, err
	}
	if q.DryRun {
		info := d.drInfo(r)
		info.Plan = r.plan()
		return info, nil
	}
	if err := d.makeTest(ctx, &r, units); err != nil {
		undo, cancel := context.WithTimeout(d.background, undoTime) // also when nobody waits any more
		defer cancel()
		return DRInfo{}, joinUndo(err, d.dismantle(undo, &r))
	}
	d.log.Info("a DR test is ready", "dr", r.Name, "site", r.Site, "snapshot", r.Snapshot, "units", len(r.Units))
	info := d.drInfo(r)
	info.Warnings = d.drWarnings(ctx, &r)
	return info, nil
}

// undoTime is how long taking back may take.
const undoTime = 5 * time.Minute

// planTest checks q and returns the record that it makes, in no phase yet, and the units.
func (d *Daemon) planTest(ctx context.Context, site siteRecord, q DRTest) (r drRecord, units []unitRecord, err error) {
	if (len(q.Hosts) == 0) == (q.HostGroup == "") {
		return r, nil, refuse("a test needs to know which hosts see it", "Name initiators with --host, or a group of them with --host-group.")
	}
	records, err := drKind.list(d.state)
	if err != nil {
		return r, nil, err
	}
	r = drRecord{Name: q.Name, Kind: DRKindTest, Site: site.name(), Begun: time.Now().UTC().Truncate(time.Second), Fresh: q.Fresh, HostGroup: q.HostGroup}
	if r.Name == "" {
		if r.Name, err = d.freeDRName(site.Job); err != nil {
			return r, nil, err
		}
	}
	switch {
	case !isHostName(r.Name):
		return r, nil, refuse(fmt.Sprintf("%q is not a name for a test", r.Name), "Use letters, digits, hyphens and dots.")
	case slices.ContainsFunc(records, func(o drRecord) bool { return o.Name == r.Name }):
		return r, nil, conflict(fmt.Sprintf("there is a DR test %q already", r.Name), "Choose another name, or end it: lunar dr end "+r.Name)
	case len(records) >= maxDR:
		return r, nil, conflict(fmt.Sprintf("%d tests are under way", len(records)), "End one first: lunar dr list shows them.")
	}
	if err := d.chooseHosts(&r, q.Hosts); err != nil {
		return r, nil, err
	}
	volumes, err := site.chosen(q.Units)
	if err != nil {
		return r, nil, err
	}
	chosen, err := d.chooseSnapshot(ctx, volumes, q)
	if err != nil {
		return r, nil, err
	}
	r.Snapshot, r.Taken = chosen.Name, chosen.Created.UTC()
	doc, err := d.siteDocument(site, site.versionAt(r.Taken))
	if err != nil {
		return r, nil, err
	}
	for _, v := range volumes {
		unit, err := d.testUnit(&r, doc, v)
		if err != nil {
			return r, nil, err
		}
		units = append(units, unit)
	}
	return r, units, nil
}

// chooseHosts checks who is to see the test.
func (d *Daemon) chooseHosts(r *drRecord, hosts []string) (err error) {
	if r.HostGroup != "" {
		_, err := d.findMemberGroup(HostGroups, r.HostGroup)
		return err
	}
	if r.Hosts, err = parseNames(hosts); err != nil {
		return err
	}
	groups, err := hostGroupKind.list(d.state)
	if err != nil {
		return err
	}
	for _, g := range groups {
		for _, h := range r.Hosts {
			if slices.Contains(g.Members, h) {
				return conflict(fmt.Sprintf("%s is in host group %q, and a host is in one group", h, g.Name), "Show the test to all of that group: --host-group "+g.Name)
			}
		}
	}
	r.HostGroup = "dr-" + r.Name
	return nil
}

// chosen are the volumes of the units that were asked for.
func (s *siteRecord) chosen(units []string) ([]siteVolume, error) {
	if len(units) == 0 {
		return s.Volumes, nil
	}
	var volumes []siteVolume
	for _, name := range units {
		i := slices.IndexFunc(s.Volumes, func(v siteVolume) bool {
			return len(name) >= minPrefix && strings.HasPrefix(v.Unit.String(), strings.TrimPrefix(strings.ToLower(name), "naa."))
		})
		if i < 0 {
			return nil, missing(fmt.Sprintf("job %s replicates no unit %q", s.Job, name), "lunar site list shows the units of each job.")
		}
		volumes = append(volumes, s.Volumes[i])
	}
	return volumes, nil
}

// chooseSnapshot finds the snapshot that all replicas have and that q asks for. Those of one name were
// taken in one instant.
func (d *Daemon) chooseSnapshot(ctx context.Context, volumes []siteVolume, q DRTest) (stream.Snapshot, error) {
	var common []stream.Snapshot // the oldest first
	for i, v := range volumes {
		replica, err := d.volume(v.Replica)
		if err != nil {
			return stream.Snapshot{}, err
		}
		list, err := replica.Snapshots(ctx)
		if err != nil {
			return stream.Snapshot{}, conflict(fmt.Sprintf("the snapshots of %s cannot be listed: %v", v.Replica, err), "Has the job run yet? lunar site list tells.")
		}
		list = slices.DeleteFunc(list, func(s stream.Snapshot) bool {
			return s.Bookmark || q.Snapshot != "" && s.Name != q.Snapshot || q.At != nil && s.Created.After(*q.At)
		})
		if i == 0 {
			common = list
		}
		common = slices.DeleteFunc(common, func(s stream.Snapshot) bool {
			return !slices.ContainsFunc(list, func(o stream.Snapshot) bool { return o.Name == s.Name })
		})
	}
	if len(common) == 0 {
		what := "no snapshot is on all replicas"
		switch {
		case q.Snapshot != "":
			what = fmt.Sprintf("snapshot %q is not on all replicas", q.Snapshot)
		case q.At != nil:
			what = "no snapshot that is on all replicas is as old as " + q.At.UTC().Format(time.RFC3339)
		}
		return stream.Snapshot{}, conflict(what, "lunar lu snapshots shows those of a volume; choose fewer units with --unit.")
	}
	return common[len(common)-1], nil
}

// testUnit adds a unit to the test, and returns its record as far as it is known without the clone.
func (d *Daemon) testUnit(r *drRecord, doc *document, v siteVolume) (unitRecord, error) {
	i := slices.IndexFunc(doc.Units, func(u documentUnit) bool { return u.GUID == v.Unit })
	if i < 0 {
		return unitRecord{}, conflict(fmt.Sprintf("unit %s is not in the configuration that came with snapshot %s", v.Unit, r.Snapshot),
			"Choose another time with --at, or other units with --unit.")
	}
	u := doc.Units[i]
	unit, err := UnitCreate{GUID: u.GUID.String(), Path: u.Path, Size: u.Size, Alias: u.Alias, Serial: u.Serial, Vendor: u.Vendor, Product: u.Product,
		Revision: u.Revision, Version: u.Version, BlockSize: u.BlockSize, Thin: u.Thin, WriteCache: u.WriteCache}.record()
	if err != nil {
		return unit, fmt.Errorf("unit %s of site %s: %w", u.GUID, r.Site, err)
	}
	unit.DeviceType, unit.Created, unit.DR = u.DeviceType, r.Begun, r.Name
	if r.Fresh {
		unit.GUID = sbd.NewGUID()
		unit.Serial = unit.GUID.String()
	}
	view := viewRecord{HostGroup: r.HostGroup, LUN: unplaced}
	if len(u.Views) > 0 && u.Views[0].LUN != nil {
		view.LUN = *u.Views[0].LUN
	}
	unit.Views = []viewRecord{view}
	d.mu.RLock()
	err = d.distinct(&unit, nil)
	d.mu.RUnlock()
	if err != nil {
		return unit, conflict(fmt.Sprintf("the original of %s cannot be shown beside what is served here: %s", v.Replica, oneLine(err)),
			"Hosts take two disks with one identity for one: show the test with --fresh-identity, or end what is served.")
	}
	r.Units = append(r.Units, drUnit{Original: v.Unit, GUID: unit.GUID, Replica: v.Replica, Clone: "dr-" + r.Name, LUN: view.LUN})
	return unit, nil
}

// makeTest makes what was planned.
func (d *Daemon) makeTest(ctx context.Context, r *drRecord, units []unitRecord) error {
	end, err := d.begin(ctx)
	if err != nil {
		return err
	}
	if _, err = d.findDR(r.Name); err == nil {
		err = conflict(fmt.Sprintf("there is a DR test %q already", r.Name), "Choose another name with --name.")
	} else if isMissing(err) {
		err = d.saveDR(r, drMaking)
	}
	end()
	if err != nil {
		return err
	}
	for i := range r.Units {
		u := &r.Units[i]
		replica, err := d.volume(u.Replica)
		if err != nil {
			return err
		}
		if u.Path, err = replica.Clone(ctx, r.Snapshot, u.Clone); err != nil {
			return fmt.Errorf("cloning %s@%s: %w", u.Replica, r.Snapshot, err)
		}
		r.note("cloned %s@%s", u.Replica, r.Snapshot)
	}
	if end, err = d.begin(ctx); err != nil {
		return err
	}
	defer end()
	if len(r.Hosts) > 0 {
		g := memberGroupRecord{Name: r.HostGroup, Members: r.Hosts, DR: r.Name}
		if err := d.addMemberGroup(HostGroups, g); err != nil {
			return err
		}
		r.note("made host group %s", r.HostGroup)
	}
	for i, unit := range units {
		if err := d.showClone(&r.Units[i], unit); err != nil {
			return err
		}
		r.note("showed unit %s at LUN %d", r.Units[i].GUID, r.Units[i].LUN)
	}
	return d.saveDR(r, drReady)
}

// showClone makes the unit of a clone. Daemon.change is held.
func (d *Daemon) showClone(u *drUnit, r unitRecord) error {
	r.Path = u.Path
	if err := d.unserved(r.Path); err != nil {
		return err
	}
	wanted := &r.Views[0].LUN
	if r.Views[0].LUN == unplaced {
		wanted = nil
	}
	view, err := d.placeView(viewRecord{HostGroup: r.Views[0].HostGroup}, wanted)
	if err != nil && wanted != nil {
		view, err = d.placeView(viewRecord{HostGroup: r.Views[0].HostGroup}, nil)
	}
	if err != nil {
		return err
	}
	r.Views, u.LUN = []viewRecord{view}, view.LUN
	u.Header = headerFits(d.headerOn(r.Path), &r, view.LUN)
	s, err := d.opts.openStore(r.Path, r.openOptions())
	if err != nil {
		return storeProblem(r.Path, err)
	}
	_, err = d.addUnit(r, s)
	return err
}

// headerMatches is what headerFits says when ESXi will take the disk for the original.
const headerMatches = "VMFS: the header is this disk's"

// headerOn is the header of the VMFS volume on a store that nobody has open; nil: there is none.
func (d *Daemon) headerOn(path string) *vmfs.LVMHeader {
	h, err := d.originalOf(path, 0)
	if err != nil {
		return nil // what is wrong with the store is told when it is opened to be shown
	}
	return h
}

// headerFits tells how the header of a VMFS volume fits the identity of r; empty: there is no header.
func headerFits(h *vmfs.LVMHeader, r *unitRecord, lun int) string {
	if h == nil {
		return ""
	}
	disk := vmfs.Disk{NAA: r.GUID[:], LUN: uint16(lun), DeviceType: r.DeviceType, Version: r.Version, Vendor: r.Vendor, Product: r.Product, Revision: r.Revision}
	differences := h.DiskID().Differences(disk.DiskID())
	if len(differences) == 0 {
		return headerMatches
	}
	words := make([]string, 0, len(differences))
	for _, x := range differences {
		words = append(words, x.String())
	}
	return "VMFS: " + strings.Join(words, "; ")
}

// plan is what would be done, a line a step.
func (r *drRecord) plan() (lines []string) {
	for _, u := range r.Units {
		lines = append(lines, fmt.Sprintf("clone %s@%s, taken %s", u.Replica, r.Snapshot, r.Taken.Format(time.RFC3339)))
	}
	if len(r.Hosts) > 0 {
		lines = append(lines, fmt.Sprintf("make host group %s of %s", r.HostGroup, strings.Join(r.Hosts, ", ")))
	}
	for _, u := range r.Units {
		identity := "as " + u.Original.String() + ", the original"
		if r.Fresh {
			identity = "with an identity of its own, for " + u.Original.String()
		}
		where := "at the lowest LUN that is free"
		if u.LUN != unplaced {
			where = fmt.Sprintf("at LUN %d if it is free", u.LUN)
		}
		lines = append(lines, fmt.Sprintf("show the clone of %s read-write %s, %s, to host group %s", u.Replica, identity, where, r.HostGroup))
	}
	return lines
}

// drWarnings are what is allowed, and may be no intention.
func (d *Daemon) drWarnings(ctx context.Context, r *drRecord) (warnings []string) {
	targets, err := d.Targets(ctx)
	if err == nil && len(targets) == 0 {
		warnings = append(warnings, "no initiator sees it until there is a target: lunar target create")
	}
	for _, u := range r.Units {
		if u.Header != "" && u.Header != headerMatches {
			warnings = append(warnings, fmt.Sprintf("unit %s: %s: ESXi may take the volume for a snapshot", u.GUID, u.Header))
		}
	}
	return warnings
}
