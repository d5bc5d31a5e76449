package iscsi

import (
	"github.com/lunarsan/lunar/internal/buffer"
	"github.com/lunarsan/lunar/scsi"
)

// A command is one SCSI command, from its header until its last response is on the wire. It
// is in the connection's inflight table until its task has a result, and in the outbox from
// then on.
type command struct {
	task scsi.Task
	progress
}

// progress is the part of a command that is cleared between uses.
type progress struct {
	itt       uint32
	immediate bool     // holds a place among the immediate commands, not one in the window
	read      bool     // R
	write     bool     // W
	counted   bool     // holds that place
	executing bool     // with the device server; else it gathers Data-Out
	charge    int64    // bytes counted in conn.memory
	followers []*reply // must not go out before the answer; guarded by conn.mu

	intake // Data-Out on its way in; the receiver's

	// The answer on its way out; the encoder's.
	sent   int // bytes of Data-In
	dataIn SN  // Data-In PDUs
}

// begin returns a command for the tag, entered in the table; nil: the tag is in use.
func (c *conn) begin(itt uint32) *command {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.inflight.find(itt) != nil {
		return nil
	}
	var cmd *command
	if n := len(c.spareCommands); n > 0 {
		cmd, c.spareCommands = c.spareCommands[n-1], c.spareCommands[:n-1]
	} else {
		cmd = &command{}
		cmd.task.Done = func(*scsi.Task) { c.finish(cmd, true) }
	}
	c.live++
	c.only = c.live == 1
	cmd.itt = itt
	c.inflight.add(cmd)
	return cmd
}

// find looks the tag up. A command that is executing is not the receiver's: it may end at any
// moment. left: there is none, and the tag is one of the last that left.
func (c *conn) find(itt uint32) (cmd *command, executing, left bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if cmd = c.inflight.find(itt); cmd == nil {
		return nil, false, c.inflight.left(itt)
	}
	return cmd, cmd.executing, false
}

// execute hands cmd, whose Data-Out is there, to the device server.
func (c *conn) execute(cmd *command) {
	cmd.executing = true
	var done bool
	if c.only && c.errand == nil {
		done, c.errand = c.session.nexus.SubmitHere(&cmd.task)
	} else {
		done = c.session.nexus.Submit(&cmd.task)
	}
	if done {
		c.finish(cmd, false)
		return
	}
	c.mu.Lock()
	c.away++
	c.mu.Unlock()
}

// finish posts the answer to cmd, whose task is over; was it away? An aborted task has none.
func (c *conn) finish(cmd *command, away bool) {
	aborted := cmd.task.Aborted()
	if !aborted && cmd.task.Status == scsi.CheckCondition {
		c.complain(&cmd.task)
	}
	c.mu.Lock()
	if away {
		c.away--
	}
	c.inflight.remove(cmd)
	if !aborted {
		if cmd.executing {
			c.session.load.note(cmd.task.Took())
		}
		c.out.weight += len(cmd.task.In)
		c.enqueue(cmd)
	}
	for _, r := range cmd.followers {
		c.arrive(r)
	}
	c.mu.Unlock()
	if aborted {
		c.retire(cmd)
	}
}

// fail answers cmd, which was prepared and will not be executed, with CHECK CONDITION.
func (c *conn) fail(cmd *command, s scsi.Sense) {
	c.session.nexus.Abandon(&cmd.task)
	cmd.task.Fail(s)
	c.finish(cmd, false)
}

// drop ends cmd, which gathers Data-Out, without an answer.
func (c *conn) drop(cmd *command) {
	c.session.nexus.Abandon(&cmd.task)
	c.mu.Lock()
	c.inflight.remove(cmd)
	cmd.unpark()
	c.mu.Unlock()
	c.retire(cmd)
}

// retire ends a command that has no answer.
func (c *conn) retire(cmd *command) {
	cmd.settle(c)
	cmd.release(c)
	c.mu.Lock()
	cmd.recycle(c)
	c.mu.Unlock()
	c.prod() // no response carries the credit
}

// settle gives back the command's place in the window or among the immediate commands.
func (cmd *command) settle(c *conn) {
	if cmd.counted {
		cmd.counted = false
		c.credit(cmd.immediate)
	}
}

func (c *conn) credit(immediate bool) {
	if immediate {
		c.immediates.Add(-1)
	} else {
		c.window.end()
	}
}

func (cmd *command) release(c *conn) {
	cmd.task.Release()
	if cmd.buf != nil {
		cmd.buf.Put()
	}
	c.memory.Add(-cmd.charge)
	indebted := cmd.indebted
	cmd.progress = progress{}
	if indebted {
		c.settleDebt()
	}
}

func (cmd *command) recycle(c *conn) {
	c.spareCommands = append(c.spareCommands, cmd)
	if c.live--; c.live == 0 && c.drained != nil {
		close(c.drained)
		c.drained = nil
	}
}

// intake is what is known of a command's Data-Out while it comes in. See conn_data.go.
type intake struct {
	buf         *buffer.Buffer
	want        int        // bytes that the device server takes: the start of what may come
	got         int        // bytes that came, in order
	unsolicited bool       // Data-Out that no R2T asked for may still come
	burstEnd    int        // where the sequence that is coming ends
	dataSN      SN         // of the next Data-Out in it
	granted     int        // the end of what was asked for
	r2ts        SN         // R2Ts sent, and the next R2TSN
	answered    SN         // R2Ts whose sequence has come
	ttt         uint32     // of the first R2T; those that follow count on
	fault       scsi.Sense // what was wrong with the data; told when all that is owed has come
	parking     *parking   // while it waits for a buffer; guarded by conn.mu
	indebted    bool       // it is the one that may overdraw; guarded by conn.mu
}

// owed returns the number of R2Ts that the initiator has not answered yet.
func (g *intake) owed() int { return int(g.r2ts - g.answered) }
