package control

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/lunarsan/lunar/sbd"
)

// A site is the configuration that a job has carried here from the site whose units it replicates.
// Nothing of it is in use until a DR test or a failover makes it so.

// A siteRecord is the site of one job.
type siteRecord struct {
	Peer     string        `json:"peer"`
	Job      string        `json:"job"`
	Volumes  []siteVolume  `json:"volumes"` // in order of their units
	Snapshot string        `json:"snapshot"`
	Taken    time.Time     `json:"taken"`    // the snapshot
	Received time.Time     `json:"received"` // the configuration, last
	Versions []siteVersion `json:"versions"` // the oldest first
	Rewrites []siteRewrite `json:"rewrites,omitempty"`
}

// A siteVolume is a unit of the other site, and where it is replicated to.
type siteVolume struct {
	Unit    sbd.GUID `json:"unit"`
	Source  string   `json:"source"`  // its volume there
	Replica string   `json:"replica"` // its volume here
}

// A siteVersion is a configuration of the site. Since is when the first snapshot was taken that it is
// known with.
type siteVersion struct {
	Number uint64    `json:"number"`
	Since  time.Time `json:"since"`
}

// A siteDocumentRecord is the text of a version. It may have secrets, and is sealed as they are.
type siteDocumentRecord struct {
	Text *credential `json:"text"`
}

const (
	siteKind         kind[siteRecord]         = "site/"
	siteDocumentKind kind[siteDocumentRecord] = "site-document/"
)

// Bounds of what peers may fill the state with. The oldest versions are forgotten first.
const (
	maxSites         = 256
	maxSiteVersions  = 30
	maxSiteDocuments = 8 << 20 // bytes of all versions of a site
)

func (r *siteRecord) name() string { return r.Peer + "/" + r.Job }

func (r *siteRecord) documentName(n uint64) string { return fmt.Sprintf("%s/%020d", r.name(), n) }

// depositSite keeps what peer says goes along with a run of its job.
func (d *Daemon) depositSite(ctx context.Context, peer string, q SiteDeposit) error {
	if err := q.check(); err != nil {
		return err
	}
	end, err := d.begin(ctx)
	if err != nil {
		return err
	}
	defer end()
	return d.state.Update(func(tx Tx) error {
		name := peer + "/" + q.Job
		r, there, err := siteKind.get(tx, name)
		if err != nil {
			return err
		}
		if !there {
			count := 0
			for range tx.Scan(string(siteKind)) {
				count++
			}
			if count >= maxSites {
				return conflict(fmt.Sprintf("there are %d sites already", count), "lunar site list shows them; lunar site remove forgets one.")
			}
			r = siteRecord{Peer: peer, Job: q.Job}
		}
		r.Volumes, r.Snapshot, r.Taken, r.Received = q.volumes(), q.Snapshot, q.Taken.UTC(), time.Now().UTC().Truncate(time.Second)
		return errors.Join(r.keepDocument(tx, q), siteKind.put(tx, name, r))
	})
}

// check refuses what is no deposit.
func (q *SiteDeposit) check() error {
	if !isHostName(q.Job) {
		return refuse(fmt.Sprintf("%q is not the name of a job", q.Job), "Use letters, digits, hyphens and dots.")
	}
	doc, err := parseDocument(q.Document)
	if err != nil {
		return err
	}
	for _, v := range q.Volumes {
		if v.Replica == "" || !slices.ContainsFunc(doc.Units, func(u documentUnit) bool { return u.GUID == v.Unit }) {
			return refuse(fmt.Sprintf("unit %s has no replica, or is not in the document", v.Unit), "Are both daemons of the same version?")
		}
	}
	return nil
}

func (q *SiteDeposit) volumes() []siteVolume {
	volumes := make([]siteVolume, 0, len(q.Volumes))
	for _, v := range q.Volumes {
		volumes = append(volumes, siteVolume(v))
	}
	slices.SortFunc(volumes, func(a, b siteVolume) int { return strings.Compare(a.Unit.String(), b.Unit.String()) })
	return volumes
}

// keepDocument makes q's document the newest version, unless it is that already.
func (r *siteRecord) keepDocument(tx Tx, q SiteDeposit) error {
	size := len(q.Document)
	for i, v := range slices.Backward(r.Versions) {
		kept, _, err := siteDocumentKind.get(tx, r.documentName(v.Number))
		if err != nil {
			return err
		}
		if i == len(r.Versions)-1 && kept.Text != nil && string(kept.Text.Secret) == q.Document {
			return nil
		}
		if kept.Text != nil {
			size += len(kept.Text.Secret)
		}
		if size > maxSiteDocuments || len(r.Versions)-i >= maxSiteVersions {
			for _, old := range r.Versions[:i+1] {
				if err := siteDocumentKind.delete(tx, r.documentName(old.Number)); err != nil {
					return err
				}
			}
			r.Versions = r.Versions[i+1:]
			break
		}
	}
	number := uint64(1)
	if n := len(r.Versions); n > 0 {
		number = r.Versions[n-1].Number + 1
	}
	r.Versions = append(r.Versions, siteVersion{number, q.Taken.UTC()})
	return siteDocumentKind.put(tx, r.documentName(number), siteDocumentRecord{&credential{Secret: Secret(q.Document)}})
}

// Sites returns the sites in order of their names.
func (d *Daemon) Sites(context.Context) ([]SiteInfo, error) {
	records, err := siteKind.list(d.state)
	if err != nil {
		return nil, err
	}
	infos := make([]SiteInfo, 0, len(records))
	for _, r := range records {
		infos = append(infos, r.info())
	}
	return infos, nil
}

// Site returns the site that name means: that of a job, "JOB" or "PEER/JOB".
func (d *Daemon) Site(_ context.Context, name string) (SiteInfo, error) {
	r, err := d.findSite(name)
	return r.info(), err
}

// DeleteSite forgets the configuration of a site. Its replicas stay.
func (d *Daemon) DeleteSite(ctx context.Context, name string) (SiteInfo, error) {
	end, err := d.begin(ctx)
	if err != nil {
		return SiteInfo{}, err
	}
	defer end()
	r, err := d.findSite(name)
	if err != nil {
		return SiteInfo{}, err
	}
	if err := d.unusedSite(r); err != nil {
		return SiteInfo{}, err
	}
	err = d.state.Update(func(tx Tx) error {
		for _, v := range r.Versions {
			if err := siteDocumentKind.delete(tx, r.documentName(v.Number)); err != nil {
				return err
			}
		}
		return siteKind.delete(tx, r.name())
	})
	return r.info(), err
}

// findSite finds the site that a job has carried here, by its name, the job's, or that of a
// failover to it.
func (d *Daemon) findSite(name string) (siteRecord, error) {
	records, err := siteKind.list(d.state)
	if err != nil {
		return siteRecord{}, err
	}
	var found []siteRecord
	for _, r := range records {
		if r.name() == name || r.Job == name || failoverName(r.Job) == name {
			found = append(found, r)
		}
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		return siteRecord{}, missing(fmt.Sprintf("no job %q has carried a configuration here", name),
			"lunar site list shows those that have; a job carries it at the end of each run.")
	}
	names := make([]string, 0, len(found))
	for _, r := range found {
		names = append(names, r.name())
	}
	return siteRecord{}, conflict(fmt.Sprintf("%d peers have a job %q", len(found), name), "Say which: "+strings.Join(names, ", "))
}

func (r *siteRecord) info() SiteInfo {
	s := SiteInfo{Name: r.name(), Peer: r.Peer, Job: r.Job, Snapshot: r.Snapshot, Taken: r.Taken, Received: r.Received,
		Volumes: []SiteVolume{}, Versions: []SiteVersion{}, Rewrites: []SiteRewrite{}}
	for _, v := range r.Volumes {
		s.Volumes = append(s.Volumes, SiteVolume(v))
	}
	for _, v := range r.Versions {
		s.Versions = append(s.Versions, SiteVersion(v))
	}
	for _, w := range r.Rewrites {
		s.Rewrites = append(s.Rewrites, SiteRewrite(w))
	}
	return s
}

// mayServe refuses to serve a replica: what hosts write to it would be lost, or be in the way of what
// comes. Daemon.change is held.
func (d *Daemon) mayServe(r *unitRecord) error {
	if r.ReadOnly {
		return nil
	}
	sites, err := siteKind.list(d.state)
	if err != nil {
		return err
	}
	for _, s := range sites {
		for _, v := range s.Volumes {
			replica, err := d.volume(v.Replica)
			if err == nil && replica.Path() == r.Path {
				return conflict(fmt.Sprintf("%s is a replica of site %s", r.Path, s.name()),
					fmt.Sprintf("Show it with lunar dr test %s or lunar dr failover %s, or serve it with --read-only.", s.Job, s.Job))
			}
		}
	}
	return nil
}

// versionAt is the newest version that is not younger than a snapshot; 0: there is none.
func (r *siteRecord) versionAt(taken time.Time) uint64 {
	for _, v := range slices.Backward(r.Versions) {
		if !v.Since.After(taken) {
			return v.Number
		}
	}
	if len(r.Versions) > 0 { // what is older was not carried along yet
		return r.Versions[0].Number
	}
	return 0
}

// siteDocument reads a version of a site's configuration, as it came.
func (d *Daemon) siteDocument(r siteRecord, number uint64) (*document, error) {
	kept, there, err := siteDocumentKind.find(d.state, r.documentName(number))
	switch {
	case err != nil:
		return nil, err
	case !there || kept.Text == nil:
		return nil, missing(fmt.Sprintf("site %s has no version %d", r.name(), number), "lunar site show tells its versions.")
	case kept.Text.Secret.sealed():
		return nil, conflict(fmt.Sprintf("the configuration of site %s cannot be opened: %s is not the key that it was sealed with", r.name(), d.vault.path),
			"Restore the file from a backup, or let the job run again.")
	}
	return parseDocument(string(kept.Text.Secret))
}
