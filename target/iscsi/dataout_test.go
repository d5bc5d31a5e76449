package iscsi_test

import (
	"testing"

	"github.com/lunarsan/lunar/scsi"
	"github.com/lunarsan/lunar/target/iscsi"
	"github.com/lunarsan/lunar/target/iscsi/initiator"
)

// TestDataOutErrors sends Data-Out that breaks a rule. The command ends with the sense data
// of RFC 7143 §11.4.7.2, once all that was owed has come, and the session lives on.
func TestDataOutErrors(t *testing.T) {
	data := pattern(64<<10, 1)
	solicited := []string{"InitialR2T=Yes", "ImmediateData=No", "MaxBurstLength=16384", "FirstBurstLength=8192", "DataDigest=CRC32C"}
	unsolicited := []string{"InitialR2T=No", "ImmediateData=No", "MaxBurstLength=16384", "FirstBurstLength=8192"}
	out := func(c *initiator.Conn, cmd *initiator.Command, ttt uint32, sn iscsi.SN, offset, n int, final bool) iscsi.BHS {
		var h iscsi.BHS
		h.Start(iscsi.OpDataOut)
		h.SetITT(cmd.ITT)
		h.SetTTT(ttt)
		h.DataOut().SetDataSN(sn)
		h.DataOut().SetOffset(uint32(offset))
		h.SetFinal(final)
		c.Send(&h, data[offset:offset+n])
		return h
	}
	for _, tt := range []struct {
		name string
		keys []string
		send func(c *initiator.Conn, cmd *initiator.Command, ttt uint32) // after the R2T, if there is one
		want scsi.Sense
	}{
		{"DataSN out of order", solicited, func(c *initiator.Conn, cmd *initiator.Command, ttt uint32) {
			out(c, cmd, ttt, 0, 0, 8192, false)
			out(c, cmd, ttt, 2, 8192, 8192, true)
		}, scsi.ProtocolServiceCRCError},
		{"offset out of order", solicited, func(c *initiator.Conn, cmd *initiator.Command, ttt uint32) {
			out(c, cmd, ttt, 0, 8192, 8192, false)
			out(c, cmd, ttt, 1, 0, 8192, true)
		}, scsi.ProtocolServiceCRCError},
		{"too much for the burst", solicited, func(c *initiator.Conn, cmd *initiator.Command, ttt uint32) {
			out(c, cmd, ttt, 0, 0, 32768, true)
		}, scsi.NotEnoughUnsolicitedData},
		{"too little for the burst", solicited, func(c *initiator.Conn, cmd *initiator.Command, ttt uint32) {
			out(c, cmd, ttt, 0, 0, 8192, true)
		}, scsi.NotEnoughUnsolicitedData},
		{"unsolicited data instead of what was asked for", solicited, func(c *initiator.Conn, cmd *initiator.Command, ttt uint32) {
			out(c, cmd, iscsi.NoTag, 0, 0, 8192, true)
			out(c, cmd, ttt, 0, 0, 16384, true)
		}, scsi.UnexpectedUnsolicitedData},
		{"digest", solicited, func(c *initiator.Conn, cmd *initiator.Command, ttt uint32) {
			var h iscsi.BHS
			h.Start(iscsi.OpDataOut)
			h.SetITT(cmd.ITT)
			h.SetTTT(ttt)
			h.SetFinal(true)
			c.SendDamaged(&h, data[:16384], initiator.Data)
		}, scsi.ProtocolServiceCRCError},
		{"more unsolicited data than the first burst", unsolicited, func(c *initiator.Conn, cmd *initiator.Command, _ uint32) {
			out(c, cmd, iscsi.NoTag, 0, 0, 8192, false)
			out(c, cmd, iscsi.NoTag, 1, 8192, 512, true)
		}, scsi.UnexpectedUnsolicitedData},
		{"less unsolicited data than the first burst", unsolicited, func(c *initiator.Conn, cmd *initiator.Command, _ uint32) {
			out(c, cmd, iscsi.NoTag, 0, 0, 4096, true)
		}, scsi.NotEnoughUnsolicitedData},
	} {
		t.Run(tt.name, func(t *testing.T) {
			transports(t, setup{}, func(t *testing.T, r *rig) {
				c := r.login(initiator.Options{Keys: tt.keys})
				roundTrip(t, c, 0, pattern(64<<10, 5))
				cmd := initiator.Command{CDB: write10(0, len(data)/blockSize), Out: data}
				c.Number(&cmd)
				h, _ := c.Header(&cmd)
				c.Send(&h, nil)
				var ttt uint32
				if c.Params.InitialR2T {
					p, err := c.Receive()
					if err != nil || p.Opcode() != iscsi.OpR2T {
						t.Fatalf("no R2T but %v, %v", &p.BHS, err)
					}
					ttt = p.TTT()
					cmd.R2Ts++
				}
				tt.send(c, &cmd, ttt)
				if err := c.Wait(&cmd); err != nil {
					t.Fatal(err)
				}
				if cmd.SenseCode() != tt.want {
					t.Errorf("%v with sense %v, want %v", cmd.Status, cmd.SenseCode(), tt.want)
				}
				readBack(t, c, 0, pattern(64<<10, 5)) // nothing was written
				r.logout(c)
			})
		})
	}
}

// TestImmediateDataErrors sends commands whose immediate data breaks a rule.
func TestImmediateDataErrors(t *testing.T) {
	data := pattern(16<<10, 1)
	for _, tt := range []struct {
		name     string
		keys     []string
		expected int
		final    bool
		read     bool
		want     scsi.Sense
	}{
		{"immediate data that were not agreed on", []string{"ImmediateData=No"}, len(data), true, false, scsi.UnexpectedUnsolicitedData},
		{"more than the first burst", []string{"FirstBurstLength=8192"}, len(data), true, false, scsi.UnexpectedUnsolicitedData},
		{"more than announced", nil, 4096, true, false, scsi.UnexpectedUnsolicitedData},
		{"data with a read", nil, len(data), true, true, scsi.UnexpectedUnsolicitedData},
		{"more to come that was not agreed on", []string{"InitialR2T=Yes"}, 32 << 10, false, false, scsi.UnexpectedUnsolicitedData},
	} {
		t.Run(tt.name, func(t *testing.T) {
			transports(t, setup{}, func(t *testing.T, r *rig) {
				c := r.login(initiator.Options{Keys: tt.keys})
				cmd := initiator.Command{CDB: write10(0, tt.expected/blockSize)}
				c.Number(&cmd)
				h, _ := c.Header(&cmd)
				if tt.read {
					h.SCSICommand().SetRead()
				} else {
					h.SCSICommand().SetWrite()
				}
				h.SCSICommand().SetExpected(uint32(tt.expected))
				h.SetFinal(tt.final)
				c.Send(&h, data)
				if !tt.final {
					c.Ping(nil)
					if cmd.Done {
						t.Error("answered before all that was owed had come")
					}
					var d iscsi.BHS
					d.Start(iscsi.OpDataOut)
					d.SetITT(cmd.ITT)
					d.SetTTT(iscsi.NoTag)
					d.SetFinal(true)
					c.Send(&d, data)
				}
				if err := c.Wait(&cmd); err != nil {
					t.Fatal(err)
				}
				if cmd.SenseCode() != tt.want {
					t.Errorf("%v with sense %v, want %v", cmd.Status, cmd.SenseCode(), tt.want)
				}
				roundTrip(t, c, 0, pattern(4096, 3))
				r.logout(c)
			})
		})
	}
}

// TestDataOfAnotherLUN answers an R2T with the LUN of another unit.
func TestDataOfAnotherLUN(t *testing.T) {
	transports(t, setup{}, func(t *testing.T, r *rig) {
		c := r.login(initiator.Options{Keys: []string{"InitialR2T=Yes", "ImmediateData=No"}})
		w := initiator.Command{CDB: write10(0, 8), Out: pattern(4096, 1)}
		c.Announce(&w)
		p, err := c.Receive()
		if err != nil || p.Opcode() != iscsi.OpR2T {
			t.Fatalf("no R2T but %v, %v", &p.BHS, err)
		}
		w.R2Ts++
		h := start(c, iscsi.OpDataOut)
		h.SetTTT(p.TTT())
		h.SetITT(w.ITT)
		h.SetLUN(scsi.LUNOf(9))
		h.SetFinal(true)
		if p := answer(t, c, &h, w.Out); p.Opcode() != iscsi.OpReject || p.Reject().Reason() != iscsi.RejectInvalidField {
			t.Errorf("answered with %v", &p.BHS)
		}
		if err := c.SendData(&w, p.TTT(), len(w.Out)); err != nil {
			t.Fatal(err)
		}
		if err := c.Wait(&w); err != nil || w.Check() != nil {
			t.Fatal(err, w.Check())
		}
		r.logout(c)
	})
}

// TestDataOfDamagedCommand goes on with unsolicited data after a command whose immediate data
// were damaged: one Reject is all that comes.
func TestDataOfDamagedCommand(t *testing.T) {
	transports(t, setup{}, func(t *testing.T, r *rig) {
		for _, immediate := range []int{512, 40 << 10} { // within the receive buffer, and beyond
			c := r.login(initiator.Options{Keys: []string{"InitialR2T=No", "FirstBurstLength=65536", "DataDigest=CRC32C"}})
			w := initiator.Command{CDB: write10(0, 128), Out: pattern(64<<10, 1)}
			c.Number(&w)
			c.CmdSN--
			h, _ := c.Header(&w)
			h.SetFinal(false)
			c.SendDamaged(&h, w.Out[:immediate], initiator.Data)
			d := start(c, iscsi.OpDataOut)
			d.SetITT(w.ITT)
			d.DataOut().SetOffset(uint32(immediate))
			d.SetFinal(true)
			c.Send(&d, w.Out[immediate:])
			if err := c.Ping(nil); err != nil {
				t.Fatal(err)
			}
			if len(c.Events) != 1 || c.Events[0].Opcode() != iscsi.OpReject || c.Events[0].Reject().Reason() != iscsi.RejectDataDigest {
				t.Errorf("%d events, want one Reject: %+v", len(c.Events), c.Events)
			}
			r.logout(c)
		}
	})
}
