package initiator

import (
	"errors"
	"fmt"
	"slices"

	"github.com/lunarsan/lunar/scsi"
	"github.com/lunarsan/lunar/target/iscsi"
)

// A Command is one SCSI command: fill in the request, Start or Do it, read the result. It may
// be used again.
type Command struct {
	LUN       scsi.LUN
	CDB       []byte
	Attribute iscsi.Attribute
	Immediate bool
	Out       []byte // Data-Out
	In        []byte // room for Data-In
	Expected  int    // EDTL, when it is not the length of Out or In; -1: 0
	Read      bool   // set R without room
	Write     bool   // set W without data

	// The result.
	Done         bool
	Status       scsi.Status
	Sense        []byte // without its length
	Received     int    // bytes of In
	Over, Under  uint32 // residual
	R2Ts, DataIn int    // PDUs
	Rejected     iscsi.RejectReason

	ITT     uint32
	CmdSN   iscsi.SN
	sent    int // of Out
	dataIns iscsi.SN
	inBurst int // bytes of Data-In since the last F
}

// Check returns what went wrong with the command, or nil for GOOD status.
func (cmd *Command) Check() error {
	switch {
	case cmd.Rejected != 0:
		return fmt.Errorf("rejected: %v", cmd.Rejected)
	case cmd.Status == scsi.Good:
		return nil
	case len(cmd.Sense) >= 14:
		return fmt.Errorf("%w, sense %02X/%02X/%02X", cmd.Status, cmd.Sense[2], cmd.Sense[12], cmd.Sense[13])
	}
	return cmd.Status
}

// SenseCode returns the sense key and code of fixed format sense data, or NoSense.
func (cmd *Command) SenseCode() scsi.Sense {
	if len(cmd.Sense) < 14 {
		return scsi.NoSense
	}
	return scsi.Sense(uint32(cmd.Sense[2]&0xf)<<16 | uint32(cmd.Sense[12])<<8 | uint32(cmd.Sense[13]))
}

// Do runs cmd to its end and returns Check.
func (c *Conn) Do(cmd *Command) error {
	if err := c.Start(cmd); err != nil {
		return err
	}
	if err := c.Wait(cmd); err != nil {
		return err
	}
	return cmd.Check()
}

// Header returns the header that Start sends for cmd, and how much of its data goes with it.
func (c *Conn) Header(cmd *Command) (h iscsi.BHS, immediate int) {
	h.Start(iscsi.OpSCSICommand)
	s := h.SCSICommand()
	h.SetLUN(cmd.LUN)
	h.SetITT(cmd.ITT)
	h.SetCmdSN(cmd.CmdSN)
	h.SetExpStatSN(c.ExpStatSN)
	if cmd.Immediate {
		h.SetImmediate()
	}
	s.SetAttribute(max(cmd.Attribute, iscsi.Simple))
	copy(s.CDB()[:], cmd.CDB)
	if len(cmd.In) > 0 || cmd.Read {
		s.SetRead()
	}
	expected := max(len(cmd.Out), len(cmd.In))
	if cmd.Expected != 0 {
		expected = max(cmd.Expected, 0)
	}
	s.SetExpected(uint32(expected))
	h.SetFinal(true)
	if len(cmd.Out) > 0 || cmd.Write {
		s.SetWrite()
		if c.Params.ImmediateData {
			immediate = min(len(cmd.Out), c.Params.FirstBurst, c.Params.PeerMaxRecvSegment)
		}
		h.SetFinal(c.Params.InitialR2T || immediate == min(len(cmd.Out), c.Params.FirstBurst))
	}
	return h, immediate
}

// Start sends cmd with as much data as may go unasked for.
func (c *Conn) Start(cmd *Command) error {
	final, err := c.Announce(cmd)
	if err != nil || final {
		return err
	}
	return c.SendData(cmd, iscsi.NoTag, min(len(cmd.Out), c.Params.FirstBurst))
}

// Announce sends cmd with its immediate data. final: no unsolicited Data-Out follows.
func (c *Conn) Announce(cmd *Command) (final bool, err error) {
	c.Number(cmd)
	h, immediate := c.Header(cmd)
	final = h.Final()
	c.out = h
	cmd.sent = immediate
	return final, c.Send(&c.out, cmd.Out[:immediate])
}

// Number gives cmd the next tag and CmdSN, clears its result, and expects its answer.
func (c *Conn) Number(cmd *Command) {
	*cmd = Command{
		LUN: cmd.LUN, CDB: cmd.CDB, Attribute: cmd.Attribute, Immediate: cmd.Immediate,
		Out: cmd.Out, In: cmd.In, Expected: cmd.Expected, Read: cmd.Read, Write: cmd.Write,
		Sense: cmd.Sense[:0], ITT: c.freeTag(), CmdSN: c.CmdSN,
	}
	if !cmd.Immediate {
		c.CmdSN++
	}
	c.running[cmd.ITT%running] = cmd
}

// freeTag returns a tag whose place no command has that is still in flight: one may take longer
// than the next thousand together. A test may have left commands in all places.
func (c *Conn) freeTag() (itt uint32) {
	for range running {
		if itt = c.NextTag(); c.running[itt%running] == nil {
			break
		}
	}
	return itt
}

// find returns the command in flight with the tag, or nil.
func (c *Conn) find(itt uint32) *Command {
	if cmd := c.running[itt%running]; cmd != nil && cmd.ITT == itt {
		return cmd
	}
	return nil
}

// NextTag returns an Initiator Task Tag that was not used yet.
func (c *Conn) NextTag() uint32 {
	c.itt++
	return c.itt
}

// SendData sends one sequence of Data-Out, up to the offset end, under the given tag.
func (c *Conn) SendData(cmd *Command, ttt uint32, end int) error {
	for sn := iscsi.SN(0); cmd.sent < end; sn++ {
		n := min(end-cmd.sent, c.Params.PeerMaxRecvSegment)
		h := &c.out
		h.Start(iscsi.OpDataOut)
		h.SetITT(cmd.ITT)
		h.SetTTT(ttt)
		if ttt != iscsi.NoTag {
			h.SetLUN(cmd.LUN)
		}
		h.SetExpStatSN(c.ExpStatSN)
		h.DataOut().SetDataSN(sn)
		h.DataOut().SetOffset(uint32(cmd.sent))
		h.SetFinal(cmd.sent+n == end)
		if err := c.Send(h, cmd.Out[cmd.sent:cmd.sent+n]); err != nil {
			return err
		}
		cmd.sent += n
	}
	return nil
}

// Wait handles what the target sends until cmd is done.
func (c *Conn) Wait(cmd *Command) error {
	for !cmd.Done {
		if err := c.Step(); err != nil {
			return err
		}
	}
	return nil
}

// Step handles the next PDU: it moves a command on, answers a ping, or keeps an event.
func (c *Conn) Step() error {
	n, err := c.receiveHeader()
	if err != nil {
		return err
	}
	h := &c.header
	switch cmd := c.find(h.ITT()); {
	case h.Opcode() == iscsi.OpDataIn && cmd != nil:
		return c.dataIn(cmd, n)
	case h.Opcode() == iscsi.OpR2T && cmd != nil:
		return c.r2t(cmd)
	case h.Opcode() == iscsi.OpSCSIResponse && cmd != nil:
		return c.response(cmd, n)
	}
	p := PDU{BHS: *h, Data: make([]byte, n)}
	if err := c.receiveData(p.Data); err != nil {
		return err
	}
	return c.event(p)
}

// event takes a PDU that is no part of a command's answer.
func (c *Conn) event(p PDU) error {
	switch p.Opcode() {
	case iscsi.OpNOPIn:
		if p.ITT() == iscsi.NoTag {
			if p.TTT() != iscsi.NoTag {
				return c.pong(&p.BHS)
			}
			return nil
		}
		if c.ping != nil && p.ITT() == c.ping.itt {
			c.ping.Done, c.ping = true, nil
			return c.status(&p.BHS)
		}
	case iscsi.OpReject:
		if len(p.Data) >= len(p.BHS) {
			if cmd := c.find((*iscsi.BHS)(p.Data).ITT()); cmd != nil && (*iscsi.BHS)(p.Data).Opcode() == iscsi.OpSCSICommand {
				cmd.Rejected = p.BHS.Reject().Reason()
				c.finish(cmd)
			}
		}
	}
	c.Events = append(c.Events, p)
	return c.status(&p.BHS)
}

func (c *Conn) pong(ping *iscsi.BHS) error {
	var h iscsi.BHS
	h.Start(iscsi.OpNOPOut)
	h.SetImmediate()
	h.SetITT(iscsi.NoTag)
	h.SetTTT(ping.TTT())
	h.SetLUN(ping.LUN())
	h.SetCmdSN(c.CmdSN)
	h.SetExpStatSN(c.ExpStatSN)
	if err := c.Send(&h, nil); err != nil {
		return err
	}
	return c.Flush()
}

func (c *Conn) finish(cmd *Command) {
	cmd.Done = true
	c.running[cmd.ITT%running] = nil
}

func (c *Conn) dataIn(cmd *Command, n int) error {
	h, d := &c.header, c.header.DataIn()
	at := int(d.Offset())
	if !c.opts.Unchecked {
		switch {
		case at != cmd.Received || d.DataSN() != cmd.dataIns:
			return fmt.Errorf("out of order: %v", h)
		case at+n > len(cmd.In):
			return fmt.Errorf("more than the %d bytes expected: %v", len(cmd.In), h)
		case cmd.inBurst+n > c.Params.MaxBurst, at+n == len(cmd.In) && !h.Final():
			return fmt.Errorf("a sequence is longer than MaxBurstLength, or has no end: %v", h)
		case n%4 != 0 && !h.Final():
			return fmt.Errorf("a data segment in the middle is not a multiple of four: %v", h)
		case d.HasStatus() && (!h.Final() || d.Status() != scsi.Good && d.Status() != scsi.ConditionMet):
			return fmt.Errorf("status where none may be: %v", h)
		case h.TTT() != iscsi.NoTag:
			return fmt.Errorf("a Target Transfer Tag without the A bit: %v", h)
		}
	}
	if at+n > len(cmd.In) {
		return fmt.Errorf("no room: %v", h)
	}
	if err := c.receiveData(cmd.In[at : at+n]); err != nil {
		return err
	}
	cmd.Received = at + n
	if cmd.inBurst += n; h.Final() {
		cmd.inBurst = 0
	}
	cmd.dataIns++
	cmd.DataIn++
	if !d.HasStatus() {
		return nil
	}
	cmd.Status = d.Status()
	cmd.Over, cmd.Under = d.Residual()
	c.finish(cmd)
	return c.status(h)
}

func (c *Conn) response(cmd *Command, n int) error {
	h, r := &c.header, c.header.SCSIResponse()
	cmd.Status = r.Status()
	cmd.Over, cmd.Under = r.Residual()
	expected := iscsi.SN(cmd.DataIn + cmd.R2Ts)
	cmd.Sense = slices.Grow(cmd.Sense[:0], n)[:n]
	if err := c.receiveData(cmd.Sense); err != nil {
		return err
	}
	if n >= 2 {
		length := int(cmd.Sense[0])<<8 | int(cmd.Sense[1])
		if length > n-2 {
			return fmt.Errorf("SenseLength is %d in a segment of %d bytes", length, n)
		}
		cmd.Sense = cmd.Sense[2 : 2+length]
	}
	c.finish(cmd)
	if r.ExpDataSN() != expected && !c.opts.Unchecked {
		return fmt.Errorf("ExpDataSN is not %d: %v", expected, h)
	}
	return c.status(h)
}

// errR2T is an R2T that breaks the rules.
var errR2T = errors.New("bad R2T")

func (c *Conn) r2t(cmd *Command) error {
	h, r := &c.header, c.header.R2T()
	at, n := int(r.Offset()), int(r.Desired())
	switch {
	case int(r.R2TSN()) != cmd.R2Ts, h.TTT() == iscsi.NoTag, n == 0, n > c.Params.MaxBurst, at+n > len(cmd.Out),
		at != cmd.sent, h.LUN() != cmd.LUN, h.StatSN() != c.ExpStatSN:
		return fmt.Errorf("%w: %v", errR2T, h)
	}
	cmd.R2Ts++
	return c.SendData(cmd, h.TTT(), at+n)
}
