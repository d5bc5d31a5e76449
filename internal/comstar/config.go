package comstar

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/lunarsan/lunar/sbd"
)

// A Config is what an export says. Lists are in order of their names, and refer to each other by
// them. Nothing is checked that only the receiving system can know: whether a store is there, an
// address is this host's, or two views collide.
type Config struct {
	Units        []Unit        `json:"units,omitempty"`
	HostGroups   []Group       `json:"host_groups,omitempty"`
	TargetGroups []Group       `json:"target_groups,omitempty"`
	Views        []View        `json:"views,omitempty"`
	Targets      []Target      `json:"targets,omitempty"`
	PortalGroups []PortalGroup `json:"portal_groups,omitempty"`
	Initiators   []Initiator   `json:"initiators,omitempty"`
	Defaults     Defaults      `json:"defaults,omitzero"`
	Lost         []Loss        `json:"lost,omitempty"` // in the order in which it was met
}

// A Unit is a logical unit.
type Unit struct {
	Name    string   `json:"name"`              // what views call it: the GUID, or TARGET/LUN of the older daemon
	GUID    sbd.GUID `json:"guid,omitzero"`     // zero: it needs a new one
	Path    string   `json:"path,omitempty"`    // the store; COMSTAR's may begin with metadata, see ReadMeta
	Size    int64    `json:"size,omitempty"`    // bytes; 0: as the store or its metadata says
	Vendor  string   `json:"vendor,omitempty"`  // of INQUIRY; empty: as the metadata says
	Product string   `json:"product,omitempty"` // likewise
}

// A Group is a host group or a target group.
type Group struct {
	Name    string   `json:"name"`
	Members []string `json:"members,omitempty"` // iqn., eui., naa. and wwn. names
}

// A View shows a unit as a LUN.
type View struct {
	Unit        string `json:"unit"`  // its name
	Entry       int    `json:"entry"` // its number among the views of the unit
	HostGroup   string `json:"host_group,omitempty"`
	TargetGroup string `json:"target_group,omitempty"` // as HostGroup, empty stands for all
	LUN         int    `json:"lun"`
}

// A Target is an iSCSI target.
type Target struct {
	Name       string     `json:"name"`
	Alias      string     `json:"alias,omitempty"`
	Auth       string     `json:"auth,omitempty"` // none, chap, radius; empty: Defaults.Auth
	CHAPUser   string     `json:"chap_user,omitempty"`
	CHAPSecret Secret     `json:"chap_secret,omitempty"` // what it proves itself with
	Groups     []GroupTag `json:"portal_groups,omitempty"`
}

// A GroupTag ties a target to a portal group by a tag that is the target's own.
type GroupTag struct {
	Name string `json:"name"`
	Tag  uint16 `json:"tag"`
}

// A PortalGroup is where targets can be reached.
type PortalGroup struct {
	Name    string   `json:"name"`
	Portals []string `json:"portals,omitempty"` // "address:port"
}

// An Initiator is one that has a secret.
type Initiator struct {
	Name       string `json:"name"`
	CHAPUser   string `json:"chap_user,omitempty"`
	CHAPSecret Secret `json:"chap_secret,omitempty"`
}

// Defaults are what holds for all targets.
type Defaults struct {
	Alias        string   `json:"alias,omitempty"`
	Auth         string   `json:"auth,omitempty"` // none, chap, radius
	RADIUSServer string   `json:"radius_server,omitempty"`
	RADIUSSecret Secret   `json:"radius_secret,omitempty"`
	ISNS         bool     `json:"isns,omitempty"`
	ISNSServers  []string `json:"isns_servers,omitempty"`
}

// A Loss is something that could not be carried, or not as it was.
type Loss struct {
	What string `json:"what"`
	Why  string `json:"why"`
}

func (l Loss) String() string { return l.What + ": " + l.Why }

// A Secret prints as "[secret]", whatever the verb, and travels in no JSON.
type Secret []byte

func (Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte("[secret]")) }

// MarshalText hides the secret from encoders.
func (Secret) MarshalText() ([]byte, error) { return []byte("[secret]"), nil }

func (c *Config) lose(why, what string, args ...any) {
	c.Lost = append(c.Lost, Loss{fmt.Sprintf(what, args...), why})
}

// sort puts the lists in order.
func (c *Config) sort() {
	slices.SortFunc(c.Units, func(a, b Unit) int { return cmp.Compare(a.Name, b.Name) })
	slices.SortFunc(c.HostGroups, byGroupName)
	slices.SortFunc(c.TargetGroups, byGroupName)
	slices.SortFunc(c.Views, func(a, b View) int {
		return cmp.Or(cmp.Compare(a.Unit, b.Unit), cmp.Compare(a.Entry, b.Entry))
	})
	slices.SortFunc(c.Targets, func(a, b Target) int { return cmp.Compare(a.Name, b.Name) })
	slices.SortFunc(c.PortalGroups, func(a, b PortalGroup) int { return cmp.Compare(a.Name, b.Name) })
	slices.SortFunc(c.Initiators, func(a, b Initiator) int { return cmp.Compare(a.Name, b.Name) })
}

func byGroupName(a, b Group) int { return cmp.Compare(a.Name, b.Name) }
