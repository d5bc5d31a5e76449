package iscsi

import (
	"strings"
	"time"

	"github.com/lunarsan/lunar/scsi"
)

// functions says what the device server calls a task management function.
var functions = map[TaskMgmtFunction]scsi.Function{
	AbortTask:        scsi.AbortTask,
	AbortTaskSet:     scsi.AbortTaskSet,
	ClearACA:         scsi.ClearACA,
	ClearTaskSet:     scsi.ClearTaskSet,
	LogicalUnitReset: scsi.LogicalUnitReset,
	TargetWarmReset:  scsi.TargetReset,
	TargetColdReset:  scsi.TargetReset,
}

// results says what an initiator is told of a task management function's outcome.
var results = map[scsi.Response]TaskMgmtResult{
	scsi.FunctionComplete:     FunctionComplete,
	scsi.FunctionSucceeded:    FunctionSucceeded,
	scsi.TaskNotThere:         TaskNotThere,
	scsi.LUNNotThere:          LUNNotThere,
	scsi.FunctionNotSupported: FunctionNotSupported,
}

// handleTaskMgmt performs a task management function (RFC 7143 §11.5). Commands that still
// gather Data-Out are this connection's to end; the device server ends the others. The
// response follows those of the affected tasks.
func (c *conn) handleTaskMgmt(p *pdu) error {
	b, m := p.bhs, p.bhs.TaskMgmtRequest()
	c.count(b)
	r := c.newReply(OpTaskMgmtResp, b)
	r.awaits = 1 // the result
	f, ok := functions[m.Function()]
	begun, lun := time.Now(), b.LUN()
	// done is what came of the function, told what the initiator hears of it.
	answer := func(done scsi.Response, told TaskMgmtResult) {
		if ok {
			c.session.nexus.Managed(f, lun, done, time.Since(begun))
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		r.bhs.TaskMgmtResponse().SetResult(told)
		c.arrive(r)
	}
	c.server.metrics.TaskMgmt.Add(1)
	c.info("task management", "function", m.Function(), "pdu", b)

	switch {
	case m.Function() == TaskReassign:
		answer(scsi.FunctionNotSupported, ReassignNotSupported)
		return nil
	case !ok:
		answer(scsi.FunctionNotSupported, FunctionNotSupported)
		return nil
	case f == scsi.AbortTask:
		return c.abortTask(m, r, answer)
	case m.Function() == TargetColdReset:
		target := c.params.TargetName
		r.then = func() { c.server.closeTarget(target, errReset) }
	}
	if f != scsi.ClearACA {
		everywhere := f == scsi.TargetReset
		c.cancel(func(h *BHS) bool { return (everywhere || h.LUN() == b.LUN()) && h.CmdSN().Less(b.CmdSN()) })
		affected := func(cmd *command) bool { return everywhere || cmd.task.LUN == b.LUN() }
		c.dropWhere(affected)
		c.follow(r, affected)
	}
	c.session.nexus.Manage(f, b.LUN(), 0, func(done scsi.Response) { answer(done, results[done]) })
	return nil
}

// abortTask ends one task, wherever it is: not arrived, held, gathering or executing (RFC 7143
// §11.6.1).
func (c *conn) abortTask(m *TaskMgmtRequest, r *reply, answer func(scsi.Response, TaskMgmtResult)) error {
	b, tag := (*BHS)(m), m.Referenced()
	cmd, executing, left := c.find(tag)
	switch {
	case executing:
		c.follow(r, func(cmd *command) bool { return cmd.itt == tag })
		c.session.nexus.Manage(scsi.AbortTask, b.LUN(), uint64(tag), func(done scsi.Response) {
			answer(done, c.abortResult(results[done]))
		})
	case cmd != nil && cmd.task.LUN != b.LUN():
		answer(scsi.TaskNotThere, TaskNotThere)
	case cmd != nil:
		c.drop(cmd)
		answer(scsi.FunctionComplete, FunctionComplete)
	case c.cancel(func(h *BHS) bool { return h.ITT() == tag }):
		answer(scsi.FunctionComplete, FunctionComplete)
	case left:
		answer(scsi.TaskNotThere, c.abortResult(TaskNotThere))
	case m.RefCmdSN().In(c.window.expected(), c.window.limit()) && m.RefCmdSN().Less(b.CmdSN()):
		c.forget(tag)
		answer(scsi.FunctionComplete, FunctionComplete)
		return c.plug(m.RefCmdSN())
	default:
		answer(scsi.TaskNotThere, TaskNotThere)
	}
	return nil
}

// abortResult is the answer to an ABORT TASK that came too late: the task was there, and has
// been answered. The standard's "task does not exist" makes ESXi believe that the target has
// lost its mind, and escalate to resets; to it, the abort is complete.
func (c *conn) abortResult(r TaskMgmtResult) TaskMgmtResult {
	if r == TaskNotThere && strings.HasPrefix(c.params.InitiatorName, "iqn.1998-01.com.vmware:") {
		return FunctionComplete
	}
	return r
}

// dropWhere drops the commands that match and still gather Data-Out.
func (c *conn) dropWhere(match func(*command) bool) {
	var dropped []*command
	c.mu.Lock()
	c.inflight.each(func(cmd *command) {
		if !cmd.executing && match(cmd) {
			dropped = append(dropped, cmd)
		}
	})
	c.mu.Unlock()
	for _, cmd := range dropped {
		c.drop(cmd)
	}
}

// dropGathering drops all of them.
func (c *conn) dropGathering() { c.dropWhere(func(*command) bool { return true }) }

// follow makes r wait for the commands that match and are executing. The device server keeps
// that order for the units that the nexus sees; a command may execute on one that it no longer
// does.
func (c *conn) follow(r *reply, match func(*command) bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.inflight.each(func(cmd *command) {
		if cmd.executing && match(cmd) {
			cmd.followers = append(cmd.followers, r)
			r.awaits++
		}
	})
}

// arrive posts r if that was the last it had to wait for. The caller holds c.mu.
func (c *conn) arrive(r *reply) {
	if r.awaits--; r.awaits == 0 {
		c.enqueue(r)
	}
}
