package control

import (
	"time"

	"github.com/lunarsan/lunar/sbd"
	"github.com/lunarsan/lunar/stream/job"
)

// A document is the configuration as one readable YAML text. Lists are in the order of names or
// numbers, and a field is left out where it has its zero value, so that the same configuration is
// always the same text. How things are at the moment is not in it: sessions, reservations, what
// failed.
//
// Nor is whether lunar made a unit's store and may remove it: the document goes to other machines,
// whose files lunar did not make.
type document struct {
	Format       int                   `yaml:"lunar"` // documentFormat
	Units        []documentUnit        `yaml:"units,omitempty"`
	HostGroups   []documentGroup       `yaml:"host_groups,omitempty"`
	TargetGroups []documentGroup       `yaml:"target_groups,omitempty"`
	PortalGroups []documentPortalGroup `yaml:"portal_groups,omitempty"`
	ALUAGroups   []documentALUAGroup   `yaml:"alua_groups,omitempty"`
	Targets      []documentTarget      `yaml:"targets,omitempty"`
	Initiators   []documentInitiator   `yaml:"initiators,omitempty"`
	Peers        []documentPeer        `yaml:"peers,omitempty"`
	Jobs         []job.Job             `yaml:"jobs,omitempty"`
	Discovery    *documentDiscovery    `yaml:"discovery,omitempty"` // nil: as it is
	ISNS         *documentISNS         `yaml:"isns,omitempty"`      // nil: as it is
	RADIUS       *documentRADIUS       `yaml:"radius,omitempty"`    // nil: as it is
	Alarms       []documentAlarm       `yaml:"alarms,omitempty"`
}

// documentFormat is raised when an older program must not read a document.
const documentFormat = 1

// A documentUnit is a logical unit. Of its identity and size, what is left out is as lunar lu create
// makes it, or stays as it is. Nobody sees a unit without views.
type documentUnit struct {
	GUID       sbd.GUID   `yaml:"guid"`
	Alias      string     `yaml:"alias,omitempty"`
	Path       string     `yaml:"path"`
	Size       int64      `yaml:"size,omitempty"`   // bytes; 0: all of the store
	Offset     int64      `yaml:"offset,omitempty"` // bytes
	BlockSize  int        `yaml:"block_size,omitempty"`
	Serial     string     `yaml:"serial,omitempty"`
	Vendor     string     `yaml:"vendor,omitempty"`
	Product    string     `yaml:"product,omitempty"`
	Revision   string     `yaml:"revision,omitempty"`
	Version    byte       `yaml:"version,omitempty"`
	DeviceType byte       `yaml:"device_type,omitempty"`
	Thin       bool       `yaml:"thin,omitempty"`
	Alarm      int        `yaml:"alarm,omitempty"` // percent
	ReadOnly   bool       `yaml:"read_only,omitempty"`
	Direct     bool       `yaml:"direct,omitempty"` // past the page cache
	WriteCache bool       `yaml:"write_cache,omitempty"`
	State      string     `yaml:"state,omitempty"` // offline, maintenance, retired; empty: online
	Created    *time.Time `yaml:"created,omitempty"`

	Views []documentView `yaml:"views,omitempty"`
}

// A documentView is a view of the unit that it stands with.
type documentView struct {
	Entry       *int   `yaml:"entry,omitempty"`        // nil: the lowest that is free
	HostGroup   string `yaml:"host_group,omitempty"`   // empty: all
	TargetGroup string `yaml:"target_group,omitempty"` // empty: all
	LUN         *int   `yaml:"lun,omitempty"`          // nil: the lowest that is free for the groups
}

// A documentGroup is a host group or a target group.
type documentGroup struct {
	Name    string        `yaml:"name"`
	Members []string      `yaml:"members,omitempty"`
	CHAP    *documentCHAP `yaml:"chap,omitempty"` // of a host group: any member may use it
}

// The states in a document that an operator puts units into and takes them out of.
const (
	documentOffline     = "offline"
	documentMaintenance = "maintenance"
	documentRetired     = "retired"
)

// A documentPortalGroup is a portal group. The default one has no portals here: where it listens
// is said when the daemon starts.
type documentPortalGroup struct {
	Name      string   `yaml:"name"`
	Tag       uint16   `yaml:"tag,omitempty"` // 0: the one it has, or the lowest that is free
	Portals   []string `yaml:"portals,omitempty"`
	Announce  []string `yaml:"announce,omitempty"`
	Redirect  string   `yaml:"redirect,omitempty"`
	Permanent bool     `yaml:"permanent,omitempty"`
	ALUAGroup uint16   `yaml:"alua_group,omitempty"`
	Networks  []string `yaml:"networks,omitempty"` // whose connections it takes; empty: everybody's
}

// A documentALUAGroup is a target port group that portal groups are in.
type documentALUAGroup struct {
	Number    uint16 `yaml:"number"`
	State     string `yaml:"state"`
	Preferred bool   `yaml:"preferred,omitempty"`
	ALUA      string `yaml:"alua,omitempty"` // implicit, explicit; empty: implicit
}

// A documentTarget is a target.
type documentTarget struct {
	Name         string         `yaml:"name"`
	Alias        string         `yaml:"alias,omitempty"`
	PortalGroups []string       `yaml:"portal_groups,omitempty"` // empty: all
	Auth         string         `yaml:"auth,omitempty"`          // empty: none
	Self         *documentCHAP  `yaml:"self,omitempty"`          // what it proves itself with
	Initiators   []string       `yaml:"initiators,omitempty"`    // who may log in; empty: all
	Offline      bool           `yaml:"offline,omitempty"`
	Ports        []documentPort `yaml:"ports,omitempty"`
	Created      *time.Time     `yaml:"created,omitempty"`
}

// A documentPort is the relative target port identifier of a target's port: initiators know a
// path again by it.
type documentPort struct {
	Tag    uint16 `yaml:"tag"` // of the portal group
	Number uint16 `yaml:"number"`
}

// A documentInitiator is a known initiator.
type documentInitiator struct {
	Name  string        `yaml:"name"`
	Alias string        `yaml:"alias,omitempty"`
	CHAP  *documentCHAP `yaml:"chap,omitempty"`

	RADIUSUser string `yaml:"radius_user,omitempty"`
}

// A documentPeer is another lunar, with what it may do here.
type documentPeer struct {
	Name        string     `yaml:"name"`
	Fingerprint string     `yaml:"fingerprint,omitempty"`
	Address     string     `yaml:"address,omitempty"`
	Roots       []string   `yaml:"roots,omitempty"`
	Sources     []string   `yaml:"sources,omitempty"`
	AppendOnly  bool       `yaml:"append_only,omitempty"`
	MinAge      string     `yaml:"min_age,omitempty"`
	Failover    bool       `yaml:"failover,omitempty"`
	Secrets     bool       `yaml:"secrets,omitempty"`
	Created     *time.Time `yaml:"created,omitempty"`
}

// A documentDiscovery is what discovery asks of initiators.
type documentDiscovery struct {
	Auth string        `yaml:"auth"`
	Self *documentCHAP `yaml:"self,omitempty"`
}

// A documentISNS is where targets are registered. What this host is called there is its own.
type documentISNS struct {
	Server   string `yaml:"server"` // "host:port"; empty: nowhere
	Disabled bool   `yaml:"disabled,omitempty"`
}

// A documentRADIUS is who is asked about CHAP responses. Where there are servers and no secret, the
// secret stays that is there.
type documentRADIUS struct {
	Servers  []string       `yaml:"servers"` // "host:port"
	Secret   documentSecret `yaml:"secret,omitempty"`
	Unsigned bool           `yaml:"unsigned,omitempty"` // answers without a Message-Authenticator are believed
}

// A documentCHAP is a credential. Without its secret it stands for the one that is there.
type documentCHAP struct {
	User   string         `yaml:"user"`
	Secret documentSecret `yaml:"secret,omitempty"`
}

// A documentSecret is a secret that a YAML encoder writes and nothing else prints.
type documentSecret string
