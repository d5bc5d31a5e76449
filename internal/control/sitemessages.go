package control

import (
	"time"

	"github.com/lunarsan/lunar/sbd"
)

// What travels of other sites' configurations: between peers, and between the API's server and its
// clients.

// A SiteDeposit is what a job carries to the site of its replicas after a run.
type SiteDeposit struct {
	Job      string       `json:"job"`
	Snapshot string       `json:"snapshot"`
	Taken    time.Time    `json:"taken"`
	Volumes  []SiteVolume `json:"volumes"`
	Document string       `json:"document"` // YAML: the job's units, and who sees them
}

// A SiteVolume is a unit of another site, and where it is replicated to.
type SiteVolume struct {
	Unit    sbd.GUID `json:"unit"`
	Source  string   `json:"source"`
	Replica string   `json:"replica"`
}

// A SiteVersion is a configuration that a site had since a snapshot was taken.
type SiteVersion struct {
	Number uint64    `json:"number"`
	Since  time.Time `json:"since"`
}

// A SiteInfo is the configuration that a job has carried here.
type SiteInfo struct {
	Name     string        `json:"name"` // PEER/JOB
	Peer     string        `json:"peer"`
	Job      string        `json:"job"`
	Snapshot string        `json:"snapshot"` // the newest
	Taken    time.Time     `json:"taken"`
	Received time.Time     `json:"received"`
	Volumes  []SiteVolume  `json:"volumes"`
	Versions []SiteVersion `json:"versions"`
	Rewrites []SiteRewrite `json:"rewrites"`
}

// A SiteRewrite is what is otherwise here than at the other site.
type SiteRewrite struct {
	Kind string `json:"kind"` // RewritePath, …
	From string `json:"from"`
	To   string `json:"to"`
}

// The kinds of rewrites.
const (
	RewritePath        = "path"         // the beginning of a replica's path
	RewritePortal      = "portal"       // an address, with a port or for all of its ports
	RewritePortalGroup = "portal-group" // a name
)

// A SiteModify changes what is rewritten of a site.
type SiteModify struct {
	Rewrites []SiteRewrite `json:"rewrites"` // To empty: this one is not rewritten any more
	Clear    bool          `json:"clear,omitempty"`
}

// A SiteShow asks for the configuration of a site.
type SiteShow struct {
	Version uint64 `json:"version,omitempty"` // 0: the newest
	There   bool   `json:"there,omitempty"`   // as it came, without rewrites
}

// A SiteDocument is the configuration of a site as a YAML document, without secrets.
type SiteDocument struct {
	Version  uint64   `json:"version"`
	Document string   `json:"document"`
	Notes    []string `json:"notes,omitempty"` // what is otherwise here
}
