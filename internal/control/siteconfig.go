package control

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// What goes along with a job, and what it would be here.

// siteDeposit is what goes along with a run of a job: the units of the volumes, and who sees them.
func (d *Daemon) siteDeposit(ctx context.Context, job, snapshot string, taken time.Time, volumes []SiteVolume, secrets bool) (SiteDeposit, error) {
	end, err := d.begin(ctx)
	if err != nil {
		return SiteDeposit{}, err
	}
	c, err := d.configuration()
	end()
	if err != nil {
		return SiteDeposit{}, err
	}
	doc := c.document(secrets)
	doc.ofUnits()
	doc.Units = slices.DeleteFunc(doc.Units, func(u documentUnit) bool {
		return !slices.ContainsFunc(volumes, func(v SiteVolume) bool { return v.Unit == u.GUID })
	})
	text, err := doc.encode()
	return SiteDeposit{Job: job, Snapshot: snapshot, Taken: taken, Volumes: volumes, Document: text}, err
}

// ofUnits leaves of doc what units are and who sees them: the rest is a site's own.
func (doc *document) ofUnits() {
	*doc = document{Format: doc.Format, Units: doc.Units, HostGroups: doc.HostGroups, TargetGroups: doc.TargetGroups,
		PortalGroups: doc.PortalGroups, Targets: doc.Targets, Initiators: doc.Initiators}
}

// ShowSite returns a version of a site's configuration.
func (d *Daemon) ShowSite(_ context.Context, name string, q SiteShow) (SiteDocument, error) {
	r, err := d.findSite(name)
	if err != nil {
		return SiteDocument{}, err
	}
	version := cmp.Or(q.Version, r.versionAt(r.Taken))
	var doc *document
	var notes []string
	if q.There {
		doc, err = d.siteDocument(r, version)
	} else {
		doc, notes, err = d.siteHere(r, version, nil)
	}
	if err != nil {
		return SiteDocument{}, err
	}
	doc.hide()
	text, err := doc.encode()
	return SiteDocument{Version: version, Document: text, Notes: notes}, err
}

// DiffSite tells what a failover would change of the configuration here.
func (d *Daemon) DiffSite(ctx context.Context, name string) (ConfigPlan, error) {
	r, err := d.findSite(name)
	if err != nil {
		return ConfigPlan{}, err
	}
	plan, _, err := d.applySite(ctx, r, &drRecord{}, ConfigApply{DryRun: true})
	return plan, err
}

// siteHere reads a version of a site's configuration as it would be here, with the replicas as stores,
// or what a failover has in their place.
func (d *Daemon) siteHere(r siteRecord, version uint64, places []drUnit) (*document, []string, error) {
	doc, err := d.siteDocument(r, version)
	if err != nil {
		return nil, nil, err
	}
	paths := make(map[string]string)
	for _, v := range r.Volumes {
		replica, err := d.volume(v.Replica)
		if err != nil {
			return nil, nil, err
		}
		paths[v.Unit.String()] = replica.Path()
	}
	for _, u := range places {
		if u.Volume != "" {
			paths[u.Original.String()] = u.Volume
		}
	}
	var groups map[string]groupRecord
	if err := d.state.View(func(tx Tx) (err error) {
		groups, err = groupKind.byName(tx)
		return err
	}); err != nil {
		return nil, nil, err
	}
	groups[DefaultGroup] = groupRecord{}
	return doc, r.here(doc, paths, groups), nil
}

// applySite adds the configuration of a site to the one here, the newest or that of the snapshot which f
// fails over to, and returns the keys of what comes to it beside units. What has the same name becomes what
// the site says.
func (d *Daemon) applySite(ctx context.Context, r siteRecord, f *drRecord, q ConfigApply) (plan ConfigPlan, added []string, err error) {
	version := r.versionAt(r.Taken)
	if f.Past {
		version = r.versionAt(f.Taken)
	}
	doc, notes, err := d.siteHere(r, version, f.Units)
	if err != nil {
		return plan, nil, err
	}
	plan, err = d.reconfigure(ctx, q, func(current configuration) (configuration, []string, error) {
		m := merge{current: current, listen: d.asStarted, sizeOf: d.sizeOf}
		joinHere(doc, current)
		err := m.merge(doc)
		added = additions(current, m.wanted)
		return m.wanted, nil, err
	})
	plan.Notes = append(notes, plan.Notes...)
	if errors.Is(err, errNoSecret) {
		err = &Problem{Title: oneLine(err), cause: err,
			Hint: fmt.Sprintf("Have secrets go along (at %s: lunar peer modify NAME --secrets, and run the job), or make it known here with its secret.", r.Peer)}
	}
	return plan, added, err
}

// joinHere lets groups that are here keep the members that they have.
func joinHere(doc *document, current configuration) {
	for _, side := range []struct {
		groups []documentGroup
		here   map[string]memberGroupRecord
	}{{doc.HostGroups, current.hostGroups}, {doc.TargetGroups, current.targetGroups}} {
		for i := range side.groups {
			g := &side.groups[i]
			g.Members = slices.Compact(slices.Sorted(slices.Values(slices.Concat(g.Members, side.here[g.Name].Members))))
		}
	}
}
