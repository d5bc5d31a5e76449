package control

import "time"

// What travels between the API's server and its clients. Lengths are in bytes.

// A UnitInfo describes a logical unit.
type UnitInfo struct {
	GUID       string     `json:"guid"`
	LUNs       []int      `json:"luns"` // of its views, in order, each once
	Alias      string     `json:"alias,omitempty"`
	State      string     `json:"state"`            // online, offline, failed, retired
	Reason     string     `json:"reason,omitempty"` // why it is not online
	Path       string     `json:"path"`
	Size       int64      `json:"size"`
	Offset     int64      `json:"offset,omitempty"` // where it begins in the store
	BlockSize  int        `json:"block_size"`
	Serial     string     `json:"serial"`
	Vendor     string     `json:"vendor"`
	Product    string     `json:"product"`
	Revision   string     `json:"revision"`
	Version    byte       `json:"version"`
	DeviceType byte       `json:"device_type"`
	Thin       bool       `json:"thin"`
	Alarm      int        `json:"alarm,omitempty"`    // percent of the pool in use that is an alarm
	Space      *SpaceInfo `json:"space,omitempty"`    // of a thin unit, as measured last
	Sanitize   string     `json:"sanitize,omitempty"` // how far an initiator's SANITIZE is; failed
	ReadOnly   bool       `json:"read_only"`
	Direct     bool       `json:"direct,omitempty"` // past the page cache
	WriteCache bool       `json:"write_cache"`
	OwnStore   bool       `json:"own_store"`       // lunar made the store, and may remove it
	Clone      string     `json:"clone,omitempty"` // VOLUME@SNAPSHOT that the store is a clone of
	Created    time.Time  `json:"created"`

	Reservations *ReservationInfo `json:"reservations,omitempty"` // nil: nothing is registered or reserved
}

// A ReservationInfo tells who has reserved a unit, and who is registered to.
type ReservationInfo struct {
	Type       string             `json:"type,omitempty"`   // RESERVE, or a persistent one: "write exclusive"; empty: none
	Holder     string             `json:"holder,omitempty"` // initiator port; empty: all registrants
	Persists   bool               `json:"persists"`         // through a loss of power
	Registered []RegistrationInfo `json:"registered,omitempty"`
}

// A RegistrationInfo tells who is registered.
type RegistrationInfo struct {
	Key           string `json:"key"`            // 16 hexadecimal digits after "0x"
	InitiatorPort string `json:"initiator_port"` // "iqn.…,i,0x00023d000001", or "iqn.…": all of its ports
	TargetPort    string `json:"target_port"`    // "iqn.…,t,0x0001"
}

// The states of a unit.
const (
	UnitOnline  = "online"
	UnitOffline = "offline" // no store, or an operator's wish
	UnitFailed  = "failed"  // a sync failed, or the store has gone; it answers errors until an operator looks
	UnitRetired = "retired" // initiators do not see it, and are told that it is gone for good
)

// A SpaceInfo tells what a unit takes and what is left where it lives.
type SpaceInfo struct {
	Pool     string `json:"pool"` // a mount point, or a ZFS pool
	Used     int64  `json:"used"`
	PoolSize int64  `json:"pool_size"`
	PoolFree int64  `json:"pool_free"`
}

// A PoolInfo describes where thin units have their space: all that share it.
type PoolInfo struct {
	Name  string   `json:"name"` // a mount point, or a ZFS pool
	Size  int64    `json:"size"`
	Free  int64    `json:"free"`
	Units []string `json:"units"`
	Alarm bool     `json:"alarm"` // fuller than one of the units wants it
	Full  bool     `json:"full"`  // nothing is left but the reserve
}

// A UnitCreate asks for a logical unit.
type UnitCreate struct {
	Path       string `json:"path"`              // absolute
	Size       int64  `json:"size,omitempty"`    // needed when there is nothing at Path
	GUID       string `json:"guid,omitempty"`    // empty: a new one; GUIDAsCOMSTAR: a new one of its form
	LUN        *int   `json:"lun,omitempty"`     // of its view for all; nil: the lowest that is free
	NoView     bool   `json:"no_view,omitempty"` // nobody sees it until it gets a view
	Alias      string `json:"alias,omitempty"`
	Serial     string `json:"serial,omitempty"`
	Vendor     string `json:"vendor,omitempty"`
	Product    string `json:"product,omitempty"`
	Revision   string `json:"revision,omitempty"`
	Version    byte   `json:"version,omitempty"`
	BlockSize  int    `json:"block_size,omitempty"` // 0: 512
	Thin       bool   `json:"thin,omitempty"`
	Alarm      int    `json:"alarm,omitempty"` // percent; 0: 80
	ReadOnly   bool   `json:"read_only,omitempty"`
	Direct     bool   `json:"direct,omitempty"` // past the page cache
	WriteCache bool   `json:"write_cache,omitempty"`
	AsOriginal bool   `json:"as_original,omitempty"` // the identity is that in the header of the VMFS volume at Path
}

// GUIDAsCOMSTAR stands for a new GUID of the form that COMSTAR's have.
const GUIDAsCOMSTAR = "comstar"

// A UnitImport asks for a logical unit on a store that another program has served.
type UnitImport struct {
	Path string `json:"path"`           // absolute
	Meta string `json:"meta,omitempty"` // absolute; where COMSTAR's metadata are, if they are not in the store
	GUID string `json:"guid,omitempty"` // where no metadata have it
	LUN  *int   `json:"lun,omitempty"`  // of its view for all; nil: the lowest that is free

	NoView   bool `json:"no_view,omitempty"`   // nobody sees it until it gets a view
	NeedMeta bool `json:"need_meta,omitempty"` // refuse a store without metadata

	AsOriginal bool `json:"as_original,omitempty"` // the identity is that in the header of the VMFS volume at Path
}

// A UnitImported tells what was found and done.
type UnitImported struct {
	UnitInfo
	Metadata string   `json:"metadata,omitempty"` // the version of COMSTAR's; empty: there were none
	Lost     []string `json:"lost,omitempty"`     // what was not carried
}

// A UnitModify changes what is not nil.
type UnitModify struct {
	Force bool `json:"force,omitempty"` // although sessions use it, or take it for another disk

	Alias      *string `json:"alias,omitempty"`
	Alarm      *int    `json:"alarm,omitempty"` // percent
	ReadOnly   *bool   `json:"read_only,omitempty"`
	WriteCache *bool   `json:"write_cache,omitempty"`

	// These make another disk of the unit to initiators, and need Force.
	GUID     *string `json:"guid,omitempty"`
	Serial   *string `json:"serial,omitempty"`
	Vendor   *string `json:"vendor,omitempty"`
	Product  *string `json:"product,omitempty"`
	Revision *string `json:"revision,omitempty"`
	Version  *byte   `json:"version,omitempty"`
	LUN      *int    `json:"lun,omitempty"` // of its one view
}

// A UnitModified tells what was done.
type UnitModified struct {
	UnitInfo
	Follows []string `json:"follows,omitempty"` // what a change of identity leads to
}

// A UnitResize asks for another capacity.
type UnitResize struct {
	Size  int64 `json:"size"`
	Force bool  `json:"force,omitempty"` // shrink, and lose what lies behind the new end
	Try   bool  `json:"try,omitempty"`   // tell whether it would be done, and do nothing
}

// A UnitTakeOffline asks for a unit's store to be closed.
type UnitTakeOffline struct {
	Purpose string `json:"purpose,omitempty"` // ForRepair, ForMaintenance; empty: ForRepair
	Force   bool   `json:"force,omitempty"`   // although sessions use it
	Try     bool   `json:"try,omitempty"`     // tell whether it would be done, and do nothing
}

// What a unit is offline for, as initiators are told.
const (
	ForRepair      = "repair"      // until somebody has looked: 02/04/03
	ForMaintenance = "maintenance" // for minutes: 02/04/01, and initiators wait
)

// A UnitRetire asks for a unit to be shown no more.
type UnitRetire struct {
	Force bool `json:"force,omitempty"` // although sessions use it
	Try   bool `json:"try,omitempty"`   // tell whether it would be done, and do nothing
}

// A UnitDelete asks for a unit's end. A store that lunar did not make always stays.
type UnitDelete struct {
	RemoveStore bool `json:"remove_store,omitempty"`
	Force       bool `json:"force,omitempty"` // although sessions use it
	Try         bool `json:"try,omitempty"`   // tell whether it would be done, and do nothing
}

// A UnitDeleted tells what was done.
type UnitDeleted struct {
	UnitInfo
	StoreRemoved bool `json:"store_removed"`
}

// A TargetInfo describes a target.
type TargetInfo struct {
	Name     string    `json:"name"`
	Alias    string    `json:"alias,omitempty"`
	State    string    `json:"state"`            // online, offline
	Reason   string    `json:"reason,omitempty"` // why it is offline against an operator's wish
	Groups   []string  `json:"portal_groups,omitempty"`
	Auth     string    `json:"auth"`
	SelfUser string    `json:"self_user,omitempty"`
	Sessions int       `json:"sessions"`
	Created  time.Time `json:"created"`

	Initiators []string `json:"initiators,omitempty"` // who may find it and log in; empty: all
}

// The states of a target.
const (
	TargetOnline  = "online"
	TargetOffline = "offline"
)

// A TargetCreate asks for a target.
type TargetCreate struct {
	Name       string   `json:"name,omitempty"` // empty: one is made up
	Alias      string   `json:"alias,omitempty"`
	Groups     []string `json:"portal_groups,omitempty"`
	Auth       string   `json:"auth,omitempty"` // empty: none
	SelfUser   string   `json:"self_user,omitempty"`
	SelfSecret Secret   `json:"self_secret,omitempty"`
	Initiators []string `json:"initiators,omitempty"` // empty: all
}

// A TargetModify changes what is not nil. Sessions that may no longer be on the target are closed.
type TargetModify struct {
	Name  *string `json:"name,omitempty"`  // initiators log in afresh
	Force bool    `json:"force,omitempty"` // close the sessions that are in the way of another name

	Alias      *string   `json:"alias,omitempty"`
	Groups     *[]string `json:"portal_groups,omitempty"` // empty: all
	Auth       *string   `json:"auth,omitempty"`
	SelfUser   *string   `json:"self_user,omitempty"`
	SelfSecret Secret    `json:"self_secret,omitempty"` // kept where it is empty, and dropped where Auth has no use for it
	Initiators *[]string `json:"initiators,omitempty"`  // empty: all
}

// A TargetDelete asks for a target's end.
type TargetDelete struct {
	Force bool `json:"force,omitempty"` // closes its sessions
}

// A GroupInfo describes a portal group.
type GroupInfo struct {
	Name      string       `json:"name"`
	Tag       uint16       `json:"tag"`
	Portals   []PortalInfo `json:"portals"`
	Announce  []string     `json:"announce,omitempty"`
	Redirect  string       `json:"redirect,omitempty"`
	Permanent bool         `json:"permanent,omitempty"`
	Networks  []string     `json:"networks,omitempty"` // whose connections it takes; empty: everybody's
	ALUAGroup uint16       `json:"alua_group"`
	ALUAState string       `json:"alua_state"` // optimized, non-optimized, standby, unavailable, transitioning
	Preferred bool         `json:"preferred,omitempty"`
	ALUA      string       `json:"alua"` // implicit, explicit
}

// A PathChange says what a portal group's paths to the units are like (asymmetric logical unit
// access): it changes what is not nil of the target port group that the portal group is in.
type PathChange struct {
	Group     *uint16 `json:"alua_group,omitempty"` // the portal group goes there
	State     *string `json:"alua_state,omitempty"`
	Preferred *bool   `json:"preferred,omitempty"`
	Mode      *string `json:"alua,omitempty"`
}

// A PortalInfo describes where a portal group listens.
type PortalInfo struct {
	Address string `json:"address"`
	State   string `json:"state"`            // listening, waiting, unsupported
	Reason  string `json:"reason,omitempty"` // why it waits
}

// The states of a portal.
const (
	PortalListening = "listening"
	PortalWaiting   = "waiting" // the address cannot be had yet; it is tried again

	PortalUnsupported = "unsupported" // this machine has no such addresses at all (IPv6)
)

// A GroupCreate asks for a portal group.
type GroupCreate struct {
	Name      string   `json:"name"`
	Tag       uint16   `json:"tag,omitempty"` // 0: the lowest that is free
	Portals   []string `json:"portals"`
	Announce  []string `json:"announce,omitempty"`
	Redirect  string   `json:"redirect,omitempty"`
	Permanent bool     `json:"permanent,omitempty"`
	Networks  []string `json:"networks,omitempty"` // "10.0.0.0/8", or an address
	PathChange
}

// A GroupModify changes what is not nil.
type GroupModify struct {
	Announce  *[]string `json:"announce,omitempty"`
	Redirect  *string   `json:"redirect,omitempty"` // empty: no more
	Permanent *bool     `json:"permanent,omitempty"`
	Networks  *[]string `json:"networks,omitempty"` // sessions from elsewhere are closed
	PathChange
}

// A PortalsModify says where a portal group listens.
type PortalsModify struct {
	Portals []string `json:"portals"`
}

// A GroupDelete asks for a portal group's end.
type GroupDelete struct {
	Force bool `json:"force,omitempty"` // closes its sessions
}

// An InitiatorInfo describes a known initiator.
type InitiatorInfo struct {
	Name     string `json:"name"`
	Alias    string `json:"alias,omitempty"`
	CHAPUser string `json:"chap_user,omitempty"`
	Reason   string `json:"reason,omitempty"` // why it cannot prove itself

	RADIUSUser string `json:"radius_user,omitempty"` // who it is to a RADIUS server; empty: the CHAP user, or its name
}

// An InitiatorCreate makes an initiator known.
type InitiatorCreate struct {
	Name       string `json:"name"`
	Alias      string `json:"alias,omitempty"`     // a name for people
	CHAPUser   string `json:"chap_user,omitempty"` // empty: its name
	CHAPSecret Secret `json:"chap_secret,omitempty"`
	RADIUSUser string `json:"radius_user,omitempty"` // who it is to a RADIUS server; empty: the CHAP user
}

// An InitiatorModify changes what is not empty.
type InitiatorModify struct {
	CHAPUser   *string `json:"chap_user,omitempty"`
	CHAPSecret Secret  `json:"chap_secret,omitempty"`
	NoCHAP     bool    `json:"no_chap,omitempty"`     // forget its credential
	RADIUSUser *string `json:"radius_user,omitempty"` // empty: that of CHAP, or its name
}

// A MemberGroupInfo describes a host group or a target group.
type MemberGroupInfo struct {
	Name     string   `json:"name"`
	Members  []string `json:"members"`             // in order
	CHAPUser string   `json:"chap_user,omitempty"` // of a host group: any member may use it
	Reason   string   `json:"reason,omitempty"`    // why no member can prove itself with that
}

// A MemberGroupCreate asks for a host group or a target group.
type MemberGroupCreate struct {
	Name string `json:"name"`
}

// A MembersChange names who comes into a group, or leaves it.
type MembersChange struct {
	Members []string `json:"members"`
}

// A HostGroupModify changes what is not empty of a host group's credential.
type HostGroupModify struct {
	CHAPUser   *string `json:"chap_user,omitempty"`
	CHAPSecret Secret  `json:"chap_secret,omitempty"`
	NoCHAP     bool    `json:"no_chap,omitempty"` // forget it
}

// A ViewInfo describes a view: to whom a unit is shown, and at which LUN.
type ViewInfo struct {
	Unit        string `json:"unit"` // GUID
	Entry       int    `json:"entry"`
	HostGroup   string `json:"host_group,omitempty"`   // empty: all initiators
	TargetGroup string `json:"target_group,omitempty"` // empty: all targets
	LUN         int    `json:"lun"`
	Warning     string `json:"warning,omitempty"` // of a view that was just made
}

// A ViewAdd asks for a view.
type ViewAdd struct {
	Unit        string `json:"unit"` // GUID, or what else names a unit
	HostGroup   string `json:"host_group,omitempty"`
	TargetGroup string `json:"target_group,omitempty"`
	LUN         *int   `json:"lun"` // nil: the lowest that is free
}

// A DiscoveryInfo describes what discovery asks of initiators.
type DiscoveryInfo struct {
	Auth     string `json:"auth"`
	SelfUser string `json:"self_user,omitempty"`
	Reason   string `json:"reason,omitempty"` // why it is closed
}

// A DiscoveryModify changes what discovery asks.
type DiscoveryModify struct {
	Auth       string `json:"auth"`
	SelfUser   string `json:"self_user,omitempty"`
	SelfSecret Secret `json:"self_secret,omitempty"`
}

// A Session describes one session.
type Session struct {
	ID         uint64    `json:"id"`
	Initiator  string    `json:"initiator"`
	Alias      string    `json:"alias,omitempty"`
	Target     string    `json:"target,omitempty"` // empty: discovery
	Group      uint16    `json:"portal_group_tag"`
	ISID       string    `json:"isid"`
	TSIH       uint16    `json:"tsih"`
	Peer       string    `json:"peer"`
	Local      string    `json:"local"`
	CHAPUser   string    `json:"chap_user,omitempty"`
	Digests    string    `json:"digests"` // none, header, data, header+data
	Since      time.Time `json:"since"`
	Commands   int64     `json:"commands"`
	ReadBytes  int64     `json:"read_bytes"`
	WriteBytes int64     `json:"write_bytes"`
}
