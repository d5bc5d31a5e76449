// Package iscsi is the iSCSI port provider: RFC 7143 at error recovery level 0.
//
// # The life of a PDU
//
// A connection owns one goroutine. It reads as much as the socket has, views each header in
// place, and executes each command right there; responses gather in the outbox and leave in
// one writev when the input is drained. Only what would block leaves this path, unless it is all
// there is to do: the unit's workers finish it and hand it to the outbox, whose own goroutine
// sends it.
//
//	socket → rx → BHS view → header step → payload → task → outbox → writev
//	                                          ↘ worker ↗
//
// # Ownership
//
// A command owns its task and its Data-Out buffer from the header step until its last
// response is on the wire. Immediate data that lies whole in the receive buffer is executed in
// place; everything else lands directly in the command's own buffer. Data-In leaves from the
// buffer that the store read into, which is given back once it was written to the socket.
//
// # Goroutines
//
//	receiver  conn.receive: reads, handles, executes, flushes before it waits for input; where
//	          the initiator has nothing else to say, it also waits for the medium
//	sender    conn.send: flushes what is posted while the receiver waits, and relieves it when
//	          the medium takes long
//	lookout   looks for receivers to be relieved, while any wait for the medium
//	workers   of package scsi: finish what blocks and post it; they never wait for a socket
//	ticker    Server.tick: once a second, while there are connections
//
// # Locks, from the outside in
//
//	outbox.sending  one flush at a time: the batch, StatSN, what the encoder goes by
//	Server.mu       sessions and connections; who takes whose place
//	conn.mu         the connection's commands, and what waits to be sent
//
// No lock but outbox.sending is held while a socket is written to, or a buffer is given back:
// that may call others, who take their own conn.mu.
//
// # Reading order
//
//	bhs.go opcode.go trace.go   the header and the table of opcodes
//	command.go data.go r2t.go taskmgmt.go nop.go text.go login_pdu.go logout.go async.go
//	reject.go snack.go          one PDU pair a file, in the order of RFC 7143 §11
//	keyvalue.go continue.go keys.go negotiate.go   text keys: the codec, the table, the rules
//	login.go login_security.go login_status.go chap.go discovery.go   logging in, finding targets
//	sn.go window.go digest.go   serial numbers, the command window, CRC32C
//
//	rx.go inlet.go conn.go      one connection: PDUs off the stream
//	spinner.go habit.go         waiting busily, where that pays
//	relay.go lookout.go         who receives, and who sends
//	conn_login.go conn_end.go   its beginning and its end
//	conn_request.go             what becomes of a PDU; Reject
//	task.go inflight.go         the commands of a connection
//	conn_command.go conn_data.go conn_memory.go   a command and its Data-Out
//	conn_manage.go conn_nop.go conn_text.go conn_logout.go   the other requests
//	conn_dismiss.go             a session that ends from our side
//	conn_hold.go                requests that came before their turn
//	outbox.go batch.go answer.go reply.go   what goes back
//	watch.go limits.go          silence, stalls, gaps; caps
//	session.go sessions.go      sessions, and who takes whose place
//	load.go ledger.go           what sessions do, and what initiators have done
//	server.go options.go shutdown.go socket.go metrics.go   many connections
//
// Package initiator is the other end, for tests and benchmarks.
package iscsi
