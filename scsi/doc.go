// Package scsi is the device server: it executes commands against the units of package sbd.
// It knows no sockets and no files, and nothing of the protocol that carries a command.
//
// # The life of a command
//
// A port provider (package target/iscsi) owns a Task, fills in the request, and calls:
//
//	Nexus.Prepare(t)   finds the unit and the opcode's row, checks the CDB and enters the
//	                   task set; afterwards t.OutLen() says how many bytes the command wants
//	(the port gathers t.Out)
//	Nexus.Submit(t)    executes; true: t holds the result now, on this goroutine, nothing
//	                   was handed over (run to completion); false: t.Done will be called once
//	                   (SubmitHere: the port may keep what blocks, and run it itself)
//	(the port sends t.In, t.Status and t.Sense)
//	Task.Release()     gives t.In's buffer back
//
// Every prepared task is submitted or abandoned, exactly once. A task that was aborted comes
// back with Aborted() true: the port frees it and says nothing to the initiator.
//
// Submit checks in the order of SAM-5 and SPC-5: unit there, abort, unit attention, CDB,
// access state, reservation, unit online, write protection, then runs the row's handler. A
// handler first runs in a mode that may not block (Task.mayBlock false): whatever would have
// to wait returns sbd.ErrWouldBlock, and the unit's workers run the handler again from its
// start, free to wait. Handlers are thus written once, in straight lines. What waits for its
// turn, for a worker or for memory can be aborted on the spot. A handler that runs is left to
// its end, and its task then has its true status, unless it is one that works for long: that
// asks now and then whether it is still wanted (Task.cancelled).
//
// # Locks, from the outside in
//
//	Nexus.mu         changes of what a nexus sees, and its end
//	LogicalUnit.reserving   one change of what is registered at a time: held while it is saved
//	LogicalUnit.mu   paths, unit attentions, reservations: short, never across I/O
//	taskSet.mu       the tasks of a unit: short, never across I/O or callbacks
//	Histories.mu, History.mu, slowLog.mu   what is remembered: short, with nothing inside
//
// What is reserved is a table behind an atomic pointer, nil while nothing is: commands look at it
// when they begin to run, and again when a worker runs them.
//
// Byte-range locks belong to the sbd.Unit and are held across I/O, never while taking the
// locks above.
//
// # Reading order
//
//	task.go       Task: request, data, result; what a handler may use
//	nexus.go      Nexus: an initiator port's view; Prepare and Submit
//	unit.go       LogicalUnit: one device server per sbd.Unit
//	cdb.go        the fields of a CDB
//	opcode.go     the table of commands: one row per opcode and service action
//	execute.go    the checks, then the handler
//	taskset.go    task attributes, order, abort
//	workers.go    what blocks
//	taskmgmt.go   task management functions
//	attention.go  unit attentions, per nexus
//	portgroups.go, portgroups_report.go, portgroups_set.go   asymmetric access: target port groups
//	lost.go, carry.go   what nexuses that come back, and the next daemon, have to know
//	use.go        who does I/O
//	reservation.go   what is registered and reserved, and whom it is in the way of; then
//	reserve.go (SPC-2), persistent_in.go, persistent_out.go with what it reads
//	(persistent_list.go, transportid.go) and its service actions (persistent_register.go,
//	persistent_preempt.go); rename.go for target ports that get other names
//	sense.go, sensedata.go, storeerror.go
//	limits.go     what one command may ask for
//	latency.go, metrics.go, history.go, dealings.go, event.go, managed.go, slow.go   what is remembered
//	then a command family per file: transfer.go has what those that move blocks share,
//	vpd.go and designator.go what INQUIRY tells, modepage.go what the mode commands do,
//	logsense.go the log pages, provisioning.go what a thin unit takes and what is left,
//	sanitize.go and sanitizing.go what ends all data;
//	third-party copies: extendedcopy.go and extendedcopy_list.go, copyrun.go for a copy under
//	way, copyresults.go and copyresults_held.go for what is told of it, vpd_copy.go; token.go,
//	token_ranges.go, token_populate.go, token_write.go and token_info.go for ROD tokens
package scsi
