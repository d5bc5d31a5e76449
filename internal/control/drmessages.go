package control

import "time"

// What travels between the API's server and its clients of disaster recovery.

// A DRTest asks for the replicas of a job to be shown to hosts, on clones.
type DRTest struct {
	Job       string     `json:"job"`                  // or PEER/JOB
	Name      string     `json:"name,omitempty"`       // empty: the job's, with a number if need be
	At        *time.Time `json:"at,omitempty"`         // the newest snapshot that is not younger; nil: the newest
	Snapshot  string     `json:"snapshot,omitempty"`   // this one
	Hosts     []string   `json:"hosts,omitempty"`      // initiators, in a host group that is made for the test
	HostGroup string     `json:"host_group,omitempty"` // one that is there
	Fresh     bool       `json:"fresh,omitempty"`      // identities of their own instead of the originals'
	Units     []string   `json:"units,omitempty"`      // GUIDs of originals; empty: all of the job
	DryRun    bool       `json:"dry_run,omitempty"`
}

// A DRInfo is a DR test or a failover, or the plan of one.
type DRInfo struct {
	Name      string    `json:"name"`
	Kind      string    `json:"kind"` // DRKindTest, …
	Site      string    `json:"site"` // PEER/JOB
	Phase     string    `json:"phase"`
	Begun     time.Time `json:"begun,omitzero"`
	Snapshot  string    `json:"snapshot"`
	Taken     time.Time `json:"taken"`
	Fresh     bool      `json:"fresh"`
	HostGroup string    `json:"host_group,omitempty"`
	Hosts     []string  `json:"hosts,omitempty"`
	Units     []DRUnit  `json:"units"`
	Steps     []DRStep  `json:"steps"`             // done
	Problem   string    `json:"problem,omitempty"` // why it went no further
	Busy      bool      `json:"busy,omitempty"`    // something is being done
	Plan      []string  `json:"plan,omitempty"`
	Warnings  []string  `json:"warnings,omitempty"`
	Risks     []string  `json:"risks,omitempty"` // what needs Force
}

// The kinds of a DRInfo.
const (
	DRKindTest     = "test"
	DRKindFailover = "failover" // of another site's units, to here
	DRKindYielded  = "yielded"  // our units were taken over by another site
)

// DREnded is the phase of what is not there any more.
const DREnded = "ended"

// A DRUnit is a unit that is shown in place of one of the other site.
type DRUnit struct {
	GUID     string `json:"guid"`
	Original string `json:"original"`
	Replica  string `json:"replica"`
	Path     string `json:"path,omitempty"`
	LUN      int    `json:"lun"`
	State    string `json:"state,omitempty"`
	InUse    bool   `json:"in_use,omitempty"`
	Header   string `json:"header,omitempty"` // how a VMFS volume's header fits the identity
}

// A DRStep is something that was done.
type DRStep struct {
	Time time.Time `json:"time"`
	What string    `json:"what"`
}

// A DRFailover asks for the replicas of a job to take the place of the originals.
type DRFailover struct {
	Job      string     `json:"job"`
	At       *time.Time `json:"at,omitempty"`        // as of the newest snapshot that is not younger; nil: as of now
	Snapshot string     `json:"snapshot,omitempty"`  // as of this one
	NoSource bool       `json:"no_source,omitempty"` // do not ask the other site: it has failed
	Force    bool       `json:"force,omitempty"`     // although hosts use the originals, or the configuration here changes at a cost
	DryRun   bool       `json:"dry_run,omitempty"`
}

// A DRFailback asks for what was taken over to be given back, with what has changed since.
type DRFailback struct {
	Job    string `json:"job"`
	Force  bool   `json:"force,omitempty"` // although hosts use the units here, or the originals
	DryRun bool   `json:"dry_run,omitempty"`
}

// A DREnd asks for a test to be thrown away.
type DREnd struct {
	Force bool `json:"force,omitempty"` // although hosts use it
	Try   bool `json:"try,omitempty"`   // tell what would be, and do nothing
}
