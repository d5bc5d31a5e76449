package control

import "time"

// What travels between the API's server and its clients of peers.

// A PeerIdentity is what this daemon proves itself with to peers.
type PeerIdentity struct {
	Fingerprint string `json:"fingerprint"`
	Listen      string `json:"listen,omitempty"` // "address:port"; empty: peers cannot come here
}

// A PeerCreate asks for a peer to be known, and says what it may do here.
type PeerCreate struct {
	Name        string   `json:"name"`
	Fingerprint string   `json:"fingerprint"`
	Address     string   `json:"address,omitempty"`     // "host[:port]"; empty: it comes to us
	Roots       []string `json:"roots,omitempty"`       // folders and datasets in which it may make volumes and receive
	Sources     []string `json:"sources,omitempty"`     // what it may take snapshots of and read: "lu:" all units, "lu:GUID", paths, datasets
	AppendOnly  bool     `json:"append_only,omitempty"` // nothing that is there is ended or taken back by it
	MinAge      string   `json:"min_age,omitempty"`     // snapshots that are younger are not ended by it: "14d"
	Failover    bool     `json:"failover,omitempty"`    // it may take jobs that go to it over, and give them back
	Secrets     bool     `json:"secrets,omitempty"`     // CHAP secrets go along with the configuration
}

// A PeerModify changes a peer; what is nil stays.
type PeerModify struct {
	Fingerprint *string   `json:"fingerprint,omitempty"`
	Address     *string   `json:"address,omitempty"`
	Roots       *[]string `json:"roots,omitempty"`
	Sources     *[]string `json:"sources,omitempty"`
	AppendOnly  *bool     `json:"append_only,omitempty"`
	MinAge      *string   `json:"min_age,omitempty"`
	Failover    *bool     `json:"failover,omitempty"`
	Secrets     *bool     `json:"secrets,omitempty"`
}

// A PeerInfo is a peer.
type PeerInfo struct {
	PeerCreate
	Created time.Time `json:"created"`
}
