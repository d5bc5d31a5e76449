package initiator

import (
	"bytes"
	"fmt"

	"github.com/lunarsan/lunar/scsi"
	"github.com/lunarsan/lunar/target/iscsi"
)

// Request sends h, whose tag and serial numbers it fills in, and returns the PDU that answers
// it. Commands in flight go on meanwhile.
func (c *Conn) Request(h *iscsi.BHS, data []byte) (PDU, error) {
	h.SetITT(c.NextTag())
	h.SetCmdSN(c.CmdSN)
	h.SetExpStatSN(c.ExpStatSN)
	if !h.Immediate() {
		c.CmdSN++
	}
	if err := c.Send(h, data); err != nil {
		return PDU{}, err
	}
	return c.Answer(h.ITT())
}

// Answer waits for the PDU that answers the request with the tag, or rejects it.
func (c *Conn) Answer(itt uint32) (PDU, error) {
	for {
		before := len(c.Events)
		if err := c.Step(); err != nil {
			return PDU{}, err
		}
		for i, p := range c.Events[before:] {
			rejected := p.Opcode() == iscsi.OpReject && len(p.Data) >= len(p.BHS) && (*iscsi.BHS)(p.Data).ITT() == itt
			if p.Opcode() != iscsi.OpReject && p.ITT() == itt || rejected {
				c.Events = append(c.Events[:before+i], c.Events[before+i+1:]...)
				return p, nil
			}
		}
	}
}

// Ping sends a NOP-Out with data and checks the echo.
func (c *Conn) Ping(data []byte) error {
	var h iscsi.BHS
	h.Start(iscsi.OpNOPOut)
	h.SetImmediate()
	h.SetTTT(iscsi.NoTag)
	p, err := c.Request(&h, data)
	if err != nil {
		return err
	}
	if p.Opcode() != iscsi.OpNOPIn || p.TTT() != iscsi.NoTag || !bytes.Equal(p.Data, data[:min(len(data), c.Params.OwnMaxRecvSegment)]) {
		return fmt.Errorf("a ping of %d bytes is answered with %v", len(data), &p.BHS)
	}
	return nil
}

// A Ping is a NOP-Out in flight (RFC 7143 §11.18), one at a time.
type Ping struct {
	Done bool
	itt  uint32
}

// StartPing sends an immediate NOP-Out without data, for Step to find the answer.
func (c *Conn) StartPing(p *Ping) error {
	*p = Ping{itt: c.NextTag()}
	c.ping = p
	var h iscsi.BHS
	h.Start(iscsi.OpNOPOut)
	h.SetImmediate()
	h.SetTTT(iscsi.NoTag)
	h.SetITT(p.itt)
	h.SetCmdSN(c.CmdSN)
	h.SetExpStatSN(c.ExpStatSN)
	return c.Send(&h, nil)
}

// Manage sends a task management function and returns the answer. about may be nil.
func (c *Conn) Manage(f iscsi.TaskMgmtFunction, lun scsi.LUN, about *Command) (iscsi.TaskMgmtResult, error) {
	h := c.ManageHeader(f, lun, about)
	p, err := c.Request(&h, nil)
	if err != nil {
		return 0, err
	}
	if p.Opcode() != iscsi.OpTaskMgmtResp {
		return 0, fmt.Errorf("%v is answered with %v", f, &p.BHS)
	}
	return p.TaskMgmtResponse().Result(), nil
}

// ManageHeader returns the header of an immediate Task Management Function Request.
func (c *Conn) ManageHeader(f iscsi.TaskMgmtFunction, lun scsi.LUN, about *Command) iscsi.BHS {
	var h iscsi.BHS
	h.Start(iscsi.OpTaskMgmt)
	h.SetImmediate()
	h.SetLUN(lun)
	m := h.TaskMgmtRequest()
	m.SetFunction(f)
	m.SetReferenced(iscsi.NoTag)
	if about != nil {
		m.SetReferenced(about.ITT)
		m.SetRefCmdSN(about.CmdSN)
	}
	return h
}

// Text sends keys in one Text request and returns the answer's text.
func (c *Conn) Text(keys ...string) ([]byte, error) {
	var h iscsi.BHS
	h.Start(iscsi.OpText)
	h.SetFinal(true)
	h.SetTTT(iscsi.NoTag)
	var text []byte
	for _, k := range keys {
		text = append(append(text, k...), 0)
	}
	p, err := c.Request(&h, text)
	if err != nil {
		return nil, err
	}
	if p.Opcode() != iscsi.OpTextResponse {
		return nil, fmt.Errorf("Text is answered with %v", &p.BHS)
	}
	return p.Data, nil
}

// Logout ends the session and closes the connection.
func (c *Conn) Logout() error {
	result, err := c.LogoutFor(iscsi.CloseSession, c.opts.CID)
	if err == nil && result != iscsi.LogoutComplete {
		err = fmt.Errorf("logout: %v", result)
	}
	c.nc.Close()
	return err
}

// LogoutFor sends a Logout request and returns its result.
func (c *Conn) LogoutFor(reason iscsi.LogoutReason, cid uint16) (iscsi.LogoutResult, error) {
	var h iscsi.BHS
	h.Start(iscsi.OpLogout)
	h.SetImmediate()
	h.LogoutRequest().SetReason(reason)
	h.LogoutRequest().SetCID(cid)
	p, err := c.Request(&h, nil)
	if err != nil {
		return 0, err
	}
	if p.Opcode() != iscsi.OpLogoutResponse {
		return 0, fmt.Errorf("a Logout request is answered with %v", &p.BHS)
	}
	return p.LogoutResponse().Result(), nil
}
