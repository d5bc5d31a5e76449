// Package isns registers targets with an iSNS server (RFC 4171), where initiators look for them.
// It is a client and no more: it answers no inquiries and asks for no notifications.
//
// What a host registers is an Entity: its portals, its targets, and which target is reached
// through which portals. A Registrar registers it, keeps the registration alive, follows what
// changes, and takes it back at its end. A server that is away is asked again, ever more seldom.
// Messages carry no authentication blocks.
//
// # Reading order
//
//	pdu.go        messages and the PDUs that carry them (RFC 4171 §5.1, §5.2)
//	attribute.go  attributes: tag, length, value (RFC 4171 §5.3, §6)
//	status.go     what a server answers with (RFC 4171 §5.4)
//	entity.go     an Entity as the messages that register it (RFC 4171 §5.6)
//	exchange.go   one connection to a server: a request, its answer
//	registrar.go  Registrar
package isns
