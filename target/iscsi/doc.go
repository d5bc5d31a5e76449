// Package iscsi is the iSCSI port provider: RFC 7143 at error recovery level 0.
//
// # The life of a PDU
//
// A connection owns one goroutine. It reads as much as the socket has, views each header in
// place, and executes each command right there; responses gather in the outbox and leave in
// one writev when the input is drained. Only what would block leaves this path: the unit's
// workers finish it and hand it to the outbox, whose own goroutine sends it.
//
//	socket → rx → BHS view → header step → payload → task → outbox → writev
//	                                          ↘ worker ↗
//
// # Ownership
//
// A command owns its task and its Data-Out buffer from the header step until its last
// response is on the wire. Immediate data that lies whole in the receive buffer is executed in
// place; everything else lands directly in the command's own buffer.
//
// # Locks, from the outside in
//
//	Server.mu    sessions and connections by key
//	session.mu   the session's connection and its state
//	outbox.mu    what waits to be sent; StatSN is given out under it
//
// # Reading order
//
//	bhs.go opcode.go trace.go   the header and the table of opcodes
//	command.go data.go r2t.go taskmgmt.go nop.go text.go login.go logout.go async.go
//	reject.go snack.go one PDU pair a file, in the order of RFC 7143 §11
//	keyvalue.go continue.go keys.go negotiate.go   text keys: the codec, the table, the rules
//	login_*.go chap.go discovery.go    logging in, and finding targets
//	sn.go digest.go                    serial numbers, CRC32C
//	rx.go conn.go outbox.go            one connection
//	session.go server.go               many
package iscsi
