// Package target says who may see what: targets, portal groups, initiators, and the nexuses
// between them. It is not iSCSI's: a second port provider stands on the same types.
//
// A Device holds the targets, the portal groups and the units. A port provider asks it three
// things: which targets an initiator may find from a portal (Discover), whether it may log in
// to one (Admit), and for the nexus once it has (Connect). Who may see which unit is decided
// by inventory alone: a view shows a unit to a host group, or all, on a target group, or all,
// at a LUN. A change of views, of who is in which group, or of units reaches the nexuses that
// it concerns before it returns; nobody else hears of it.
//
//	device.go    Device: what exists; changes reach live nexuses
//	portal.go    portals and portal groups
//	port.go      target ports and their relative identifiers
//	access.go    target port groups: asymmetric access to the units
//	target.go    targets
//	initiator.go initiators and their credentials
//	admit.go     discovery, login: who may
//	proof.go     what a RADIUS server is asked
//	membergroup.go host groups and target groups
//	view.go      views: who sees a unit, where; what stands in another's way
//	inventory.go which units a nexus sees, and where
//	nexus.go     nexuses: identity, reinstatement, lifetime
//	name.go      iSCSI names: iqn., eui., naa.
package target
