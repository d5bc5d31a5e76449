package iscsi_test

import (
	"errors"
	"testing"
	"time"

	"github.com/lunarsan/lunar/scsi"
	"github.com/lunarsan/lunar/target/iscsi"
	"github.com/lunarsan/lunar/target/iscsi/initiator"
)

// lun0 is where the rig's disk is.
const lun0 = scsi.LUN(0)

// start returns the header of a PDU with the next tag, but no CmdSN of its own.
func start(c *initiator.Conn, op iscsi.Opcode) iscsi.BHS {
	var h iscsi.BHS
	h.Start(op)
	h.SetITT(c.NextTag())
	h.SetTTT(iscsi.NoTag)
	h.SetCmdSN(c.CmdSN)
	h.SetExpStatSN(c.ExpStatSN)
	return h
}

// answer sends a PDU and returns what comes for its tag.
func answer(t *testing.T, c *initiator.Conn, h *iscsi.BHS, data []byte) initiator.PDU {
	t.Helper()
	if err := c.Send(h, data); err != nil {
		t.Fatal(err)
	}
	p, err := c.Answer(h.ITT())
	if err != nil {
		t.Fatalf("no answer to %v: %v", h, err)
	}
	return p
}

// TestReject provokes a Reject for each reason, and goes on with the session.
func TestReject(t *testing.T) {
	for _, tt := range []struct {
		name   string
		make   func(c *initiator.Conn) (h iscsi.BHS, data []byte)
		damage initiator.Damage
		want   iscsi.RejectReason
	}{
		{name: "data digest of a command", damage: initiator.Data, want: iscsi.RejectDataDigest, make: func(c *initiator.Conn) (iscsi.BHS, []byte) {
			h, _ := c.Header(&initiator.Command{CDB: write10(0, 1), Out: pattern(512, 1), CmdSN: c.CmdSN, ITT: c.NextTag()})
			return h, pattern(512, 1)
		}},
		{name: "data digest of a long command", damage: initiator.Data, want: iscsi.RejectDataDigest, make: func(c *initiator.Conn) (iscsi.BHS, []byte) {
			h, _ := c.Header(&initiator.Command{CDB: write10(0, 400), Out: pattern(400*512, 1), CmdSN: c.CmdSN, ITT: c.NextTag()})
			return h, pattern(400*512, 1)
		}},
		{name: "data digest of a ping", damage: initiator.Data, want: iscsi.RejectDataDigest, make: func(c *initiator.Conn) (iscsi.BHS, []byte) {
			h := start(c, iscsi.OpNOPOut)
			h.SetImmediate()
			return h, pattern(40, 1)
		}},
		{name: "SNACK", want: iscsi.RejectSNACK, make: func(c *initiator.Conn) (iscsi.BHS, []byte) {
			h := start(c, iscsi.OpSNACK)
			h.SNACKRequest().SetType(iscsi.SNACKStatus)
			return h, nil
		}},
		{name: "login after the login", want: iscsi.RejectProtocolError, make: func(c *initiator.Conn) (iscsi.BHS, []byte) {
			h := start(c, iscsi.OpLogin)
			h.SetImmediate()
			return h, nil
		}},
		{name: "unknown opcode", want: iscsi.RejectNotSupported, make: func(c *initiator.Conn) (iscsi.BHS, []byte) {
			return start(c, 0x1c), nil
		}},
		{name: "a target's opcode", want: iscsi.RejectNotSupported, make: func(c *initiator.Conn) (iscsi.BHS, []byte) {
			return start(c, iscsi.OpSCSIResponse), nil
		}},
		{name: "reserved task attribute", want: iscsi.RejectInvalidField, make: func(c *initiator.Conn) (iscsi.BHS, []byte) {
			h := start(c, iscsi.OpSCSICommand)
			h.SetFinal(true)
			h[1] |= 7
			return h, nil
		}},
		{name: "no F in a command without data", want: iscsi.RejectInvalidField, make: func(c *initiator.Conn) (iscsi.BHS, []byte) {
			return start(c, iscsi.OpSCSICommand), nil
		}},
		{name: "reserved tag", want: iscsi.RejectInvalidField, make: func(c *initiator.Conn) (iscsi.BHS, []byte) {
			h := start(c, iscsi.OpSCSICommand)
			h.SetFinal(true)
			h.SetITT(iscsi.NoTag)
			return h, nil
		}},
		{name: "data for nobody", want: iscsi.RejectInvalidField, make: func(c *initiator.Conn) (iscsi.BHS, []byte) {
			h := start(c, iscsi.OpDataOut)
			h.SetFinal(true)
			return h, pattern(1024, 1)
		}},
		{name: "data for a transfer nobody asked for", want: iscsi.RejectInvalidField, make: func(c *initiator.Conn) (iscsi.BHS, []byte) {
			h := start(c, iscsi.OpDataOut)
			h.SetFinal(true)
			h.SetTTT(7)
			return h, pattern(300_000>>1, 1)
		}},
		{name: "unknown logout reason", want: iscsi.RejectInvalidField, make: func(c *initiator.Conn) (iscsi.BHS, []byte) {
			h := start(c, iscsi.OpLogout)
			h.SetImmediate()
			h.LogoutRequest().SetReason(9)
			return h, nil
		}},
		{name: "text with a tag never given", want: iscsi.RejectProtocolError, make: func(c *initiator.Conn) (iscsi.BHS, []byte) {
			h := start(c, iscsi.OpText)
			h.SetImmediate()
			h.SetFinal(true)
			h.SetTTT(1234)
			return h, []byte("SendTargets=All\x00")
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			transports(t, setup{}, func(t *testing.T, r *rig) {
				c := r.login(initiator.Options{Keys: []string{"DataDigest=CRC32C", "HeaderDigest=CRC32C"}})
				h, data := tt.make(c)
				if err := c.SendDamaged(&h, data, tt.damage); err != nil {
					t.Fatal(err)
				}
				p, err := c.Answer(h.ITT())
				if err != nil {
					t.Fatal(err)
				}
				if p.Opcode() != iscsi.OpReject || p.Reject().Reason() != tt.want || p.ITT() != iscsi.NoTag {
					t.Fatalf("answered with %v", &p.BHS)
				}
				if len(p.Data) != len(h) || iscsi.BHS(p.Data) != h {
					t.Errorf("the Reject carries %x, not the header", p.Data)
				}
				// The CmdSN of a rejected command is still to come.
				roundTrip(t, c, 0, pattern(4096, 3))
				r.logout(c)
				digests := int64(0)
				if tt.want == iscsi.RejectDataDigest {
					digests = 1
				}
				if m := r.server.Metrics(); m.Rejects != 1 || m.DataDigestErrors != digests {
					t.Errorf("counted %d Rejects, %d digest errors", m.Rejects, m.DataDigestErrors)
				}
			})
		})
	}
}

// TestRejectDiscovery checks what a discovery session may not do.
func TestRejectDiscovery(t *testing.T) {
	transports(t, setup{}, func(t *testing.T, r *rig) {
		c, err := initiator.Dial(r.open(), initiator.Options{Name: rigInitiator})
		if err != nil {
			t.Fatal(err)
		}
		h := start(c, iscsi.OpSCSICommand)
		h.SetFinal(true)
		if p := answer(t, c, &h, nil); p.Opcode() != iscsi.OpReject || p.Reject().Reason() != iscsi.RejectProtocolError {
			t.Errorf("a command in a discovery session is answered with %v", &p.BHS)
		}
		text, err := c.Text("SendTargets=All")
		if err != nil {
			t.Fatal(err)
		}
		if got := initiator.ParseText(text)["TargetName"]; got != rigTarget {
			t.Errorf("SendTargets found %q", got)
		}
		r.logout(c)
	})
}

// TestRejectFlood checks that an initiator cannot make the target answer for ever.
func TestRejectFlood(t *testing.T) {
	transports(t, setup{}, func(t *testing.T, r *rig) {
		c := r.login(initiator.Options{})
		neighbour := r.login(initiator.Options{ISID: [6]byte{1}})
		for range 200 {
			h := start(c, 0x1c)
			c.Send(&h, nil)
		}
		c.Flush()
		rejects := 0
		for {
			p, err := c.Receive()
			if err != nil {
				break
			}
			if p.Opcode() == iscsi.OpReject {
				rejects++
			}
		}
		if rejects == 0 || rejects > 100 {
			t.Errorf("%d Rejects before the end", rejects)
		}
		roundTrip(t, neighbour, 0, pattern(512, 1))
		r.logout(neighbour)
	})
}

// TestTooManyImmediate sends immediate commands without waiting for their ends.
func TestTooManyImmediate(t *testing.T) {
	transports(t, setup{}, func(t *testing.T, r *rig) {
		c := r.login(initiator.Options{Keys: []string{"InitialR2T=Yes", "ImmediateData=No"}})
		// Writes that never get their data.
		commands := make([]initiator.Command, 40)
		refused := 0
		for i := range commands {
			commands[i] = initiator.Command{CDB: write10(0, 1), Out: pattern(512, 1), Immediate: true}
			c.Number(&commands[i])
			h, _ := c.Header(&commands[i])
			c.Send(&h, nil)
		}
		c.Flush()
		for range commands {
			p, err := c.Receive()
			if err != nil {
				t.Fatal(err)
			}
			switch {
			case p.Opcode() == iscsi.OpReject && p.Reject().Reason() == iscsi.RejectTooManyImmediate:
				refused++
			case p.Opcode() != iscsi.OpR2T:
				t.Errorf("answered with %v", &p.BHS)
			}
		}
		if refused != 8 {
			t.Errorf("%d of 40 immediate commands were refused, want 8", refused)
		}
		c.Close()
	})
}

// TestOutOfResources pings with data while there is no memory to echo them from.
func TestOutOfResources(t *testing.T) {
	transports(t, setup{budget: 1 << 20}, func(t *testing.T, r *rig) {
		c := r.login(initiator.Options{})
		all := r.pool.Overdraw(int(r.pool.Budget()))
		h := start(c, iscsi.OpNOPOut)
		h.SetImmediate()
		if p := answer(t, c, &h, pattern(100, 1)); p.Opcode() != iscsi.OpReject || p.Reject().Reason() != iscsi.RejectOutOfResources {
			t.Errorf("answered with %v", &p.BHS)
		}
		if err := c.Ping(nil); err != nil { // needs none
			t.Error(err)
		}
		all.Put()
		if err := c.Ping(pattern(100, 1)); err != nil {
			t.Error(err)
		}
		r.logout(c)
	})
}

// TestTagInUse sends a command with the tag of another that is in flight.
func TestTagInUse(t *testing.T) {
	transports(t, setup{}, func(t *testing.T, r *rig) {
		c := r.login(initiator.Options{Keys: []string{"InitialR2T=Yes", "ImmediateData=No"}})
		w := initiator.Command{CDB: write10(0, 1), Out: pattern(512, 1)}
		c.Number(&w)
		h, _ := c.Header(&w)
		c.Send(&h, nil)
		again := h
		again.SetCmdSN(c.CmdSN)
		if p := answer(t, c, &again, nil); p.Opcode() != iscsi.OpReject || p.Reject().Reason() != iscsi.RejectTaskInProgress {
			t.Errorf("answered with %v", &p.BHS)
		}
		c.Close()
	})
}

// TestFatal sends what a connection cannot survive.
func TestFatal(t *testing.T) {
	for _, tt := range []struct {
		name string
		keys []string
		send func(c *initiator.Conn)
	}{
		{"header digest", []string{"HeaderDigest=CRC32C"}, func(c *initiator.Conn) {
			h := start(c, iscsi.OpNOPOut)
			c.SendDamaged(&h, nil, initiator.Header)
		}},
		{"header digest with additional segments", []string{"HeaderDigest=CRC32C"}, func(c *initiator.Conn) {
			h := start(c, iscsi.OpNOPOut)
			h[4] = 255
			c.SendDamaged(&h, make([]byte, 2000), initiator.Header)
		}},
		{"data segment longer than declared", nil, func(c *initiator.Conn) {
			h := start(c, iscsi.OpSCSICommand)
			h.SetDataSegmentLen(1<<24 - 1)
			c.NetConn().Write(h[:])
		}},
		{"end in the middle of a header", nil, func(c *initiator.Conn) {
			c.NetConn().Write(make([]byte, 20))
			c.Close()
		}},
		{"end in the middle of data", nil, func(c *initiator.Conn) {
			w := initiator.Command{CDB: write10(0, 400), Out: pattern(400*512, 1)}
			c.Number(&w)
			h, n := c.Header(&w)
			h.SetDataSegmentLen(n)
			c.NetConn().Write(h[:])
			c.NetConn().Write(w.Out[:1000])
			c.Close()
		}},
		{"end in the middle of a burst", nil, func(c *initiator.Conn) {
			w := initiator.Command{CDB: write10(0, 4000), Out: pattern(4000*512, 1)}
			c.Start(&w)
			c.Receive()
			c.SendData(&w, 0, 300_000)
			c.Flush()
			c.Close()
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			transports(t, setup{}, func(t *testing.T, r *rig) {
				c := r.login(initiator.Options{Keys: tt.keys})
				tt.send(c)
				c.Flush()
				c.NetConn().SetReadDeadline(time.Now().Add(10 * time.Second))
				for {
					if _, err := c.Receive(); err != nil {
						if isTimeout(err) {
							t.Error("the connection goes on")
						}
						break
					}
				}
				eventually(t, "the end of the session", func() bool { return len(r.server.Sessions()) == 0 })
			})
		})
	}
}

func isTimeout(err error) bool {
	var timeout interface{ Timeout() bool }
	return errors.As(err, &timeout) && timeout.Timeout()
}

// TestHeaderSegments checks that additional header segments are skipped exactly.
func TestHeaderSegments(t *testing.T) {
	transports(t, setup{}, func(t *testing.T, r *rig) {
		c := r.login(initiator.Options{})
		for _, words := range []int{1, 5, 255} {
			cmd := initiator.Command{CDB: []byte{0x7f, 9: 0}, In: make([]byte, 64)}
			c.Number(&cmd)
			h, _ := c.Header(&cmd)
			h[4] = byte(words)
			c.Flush()
			c.NetConn().Write(append(h[:], make([]byte, words*4)...))
			if err := c.Wait(&cmd); err != nil {
				t.Fatal(err)
			}
			if cmd.SenseCode() != scsi.InvalidOpcode {
				t.Errorf("a CDB with %d words of additional segments ends with %v", words, cmd.SenseCode())
			}
		}
		if err := c.Ping(nil); err != nil {
			t.Error(err)
		}
		r.logout(c)
	})
}

// TestPing checks the echo, of lengths that are shorter and longer than what the initiator
// takes in one PDU.
func TestPing(t *testing.T) {
	transports(t, setup{}, func(t *testing.T, r *rig) {
		c := r.login(initiator.Options{Keys: []string{"MaxRecvDataSegmentLength=512", "DataDigest=CRC32C"}})
		for _, n := range []int{0, 1, 7, 512, 513, 100_000, c.Params.PeerMaxRecvSegment} {
			if err := c.Ping(pattern(n, 1)); err != nil {
				t.Error(err)
			}
		}
		// One that wants no answer gets none, and takes no CmdSN when it is immediate.
		h := start(c, iscsi.OpNOPOut)
		h.SetImmediate()
		h.SetITT(iscsi.NoTag)
		c.Send(&h, pattern(10, 1))
		if err := c.Ping(nil); err != nil {
			t.Error(err)
		}
		// One that is not immediate takes its CmdSN, and gives its place in the window back.
		window := c.MaxCmdSN - c.ExpCmdSN
		h = start(c, iscsi.OpNOPOut)
		h.SetITT(iscsi.NoTag)
		c.CmdSN++
		c.Send(&h, nil)
		if err := c.Ping(nil); err != nil || c.ExpCmdSN != c.CmdSN || c.MaxCmdSN-c.ExpCmdSN != window {
			t.Errorf("after a ping without an answer: ExpCmdSN %d, CmdSN %d, MaxCmdSN %d, %v", c.ExpCmdSN, c.CmdSN, c.MaxCmdSN, err)
		}
		if len(c.Events) != 0 {
			t.Errorf("unasked for: %v", &c.Events[0].BHS)
		}
		r.logout(c)
	})
}
