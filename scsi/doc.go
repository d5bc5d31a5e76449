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
//	(the port sends t.In, t.Status and t.Sense)
//	Task.Release()     gives t.In's buffer back
//
// Every prepared task is submitted or abandoned, exactly once. A task that was aborted comes
// back with Aborted() true: the port frees it and says nothing to the initiator.
//
// Submit checks in the order of SAM-5 and SPC-5: unit there, abort, unit attention,
// reservation, unit online, then runs the row's handler. A handler first runs in a mode that
// may not block (Task.mayBlock false): whatever would have to wait returns
// sbd.ErrWouldBlock before it has changed anything, and the unit's workers run the handler
// again from its start, free to wait. Handlers are thus written once, in straight lines.
//
// # Locks, from the outside in
//
//	LogicalUnit.mu   nexuses, reservation, mode pages: short, never across I/O
//	taskSet.mu       the tasks of a unit: short, never across I/O or callbacks
//
// Byte-range locks belong to the sbd.Unit and are held across I/O, never while taking the
// locks above.
//
// # Reading order
//
//	task.go       Task: request, data, result
//	nexus.go      Nexus: an initiator port's view; Prepare and Submit
//	unit.go       LogicalUnit: one device server per sbd.Unit; attach, workers
//	opcode.go     the table of commands: one row per opcode and service action
//	execute.go    the checks, then the handler; inline or on a worker
//	taskset.go    task attributes, order, abort
//	taskmgmt.go   task management functions
//	attention.go  unit attentions, per nexus
//	sense.go, sensedata.go, storeerror.go
//	then a command family per file
package scsi
