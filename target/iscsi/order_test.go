package iscsi_test

import (
	"slices"
	"testing"

	"github.com/lunarsan/lunar/target/iscsi"
	"github.com/lunarsan/lunar/target/iscsi/initiator"
)

// TestCmdSN sends commands out of order, twice, and from outside the window (RFC 7143
// §4.2.2.1), across the wrap of the serial numbers too.
func TestCmdSN(t *testing.T) {
	for _, first := range []iscsi.SN{0, 1, 0x7ffffff0, 0xfffffff0} {
		transports(t, setup{opts: iscsi.Options{Window: 16}}, func(t *testing.T, r *rig) {
			c := r.login(initiator.Options{FirstSN: first})
			if c.MaxCmdSN != c.CmdSN+15 || c.ExpCmdSN != c.CmdSN {
				t.Fatalf("window is %d to %d, CmdSN %d", c.ExpCmdSN, c.MaxCmdSN, c.CmdSN)
			}
			ping := func() {
				t.Helper()
				if err := c.Ping(nil); err != nil {
					t.Fatal(err)
				}
			}
			send := func(sn iscsi.SN) *initiator.Command {
				cmd := &initiator.Command{CDB: read10(0, 1), In: make([]byte, 512)}
				c.Number(cmd)
				c.CmdSN-- // the test numbers
				cmd.CmdSN = sn
				h, _ := c.Header(cmd)
				c.Send(&h, nil)
				return cmd
			}
			base := c.CmdSN

			// Outside the window: dropped in silence, and nothing else happens.
			high, low := send(base+16), send(base-1)
			ping()
			if high.Done || low.Done || len(c.Events) != 0 {
				t.Fatal("a command from outside the window was answered")
			}

			// Backwards: each waits for those before it, and they run in order.
			var commands []*initiator.Command
			for i := 7; i >= 1; i-- {
				commands = append(commands, send(base+iscsi.SN(i)))
			}
			ping()
			for _, cmd := range commands {
				if cmd.Done {
					t.Fatalf("%d was answered before %d had come", cmd.CmdSN, base)
				}
			}
			if c.ExpCmdSN != base {
				t.Fatalf("ExpCmdSN is %d, want %d", c.ExpCmdSN, base)
			}
			twice := send(base + 3) // a duplicate of one that waits
			commands = append(commands, send(base))
			for _, cmd := range commands {
				if err := c.Wait(cmd); err != nil {
					t.Fatal(err)
				}
			}
			late := send(base + 2) // and of one that was answered
			ping()
			if twice.Done || late.Done {
				t.Error("a duplicate was answered")
			}
			if c.ExpCmdSN != base+8 || c.MaxCmdSN != base+8+15 {
				t.Errorf("window is %d to %d, want %d to %d", c.ExpCmdSN, c.MaxCmdSN, base+8, base+23)
			}
			c.CmdSN = base + 8
			roundTrip(t, c, 0, pattern(512, 1))
			r.logout(c)
		})
	}
}

// TestHeldData holds commands with immediate and unsolicited data for their turn.
func TestHeldData(t *testing.T) {
	transports(t, setup{}, func(t *testing.T, r *rig) {
		c := r.login(initiator.Options{Keys: []string{"FirstBurstLength=65536", "MaxBurstLength=65536"}})
		c.Params.PeerMaxRecvSegment = 20_000
		var commands []*initiator.Command
		base := c.CmdSN
		for i := range 4 {
			cmd := &initiator.Command{CDB: write10(i*1000, 200), Out: pattern(200*512, byte(i))}
			c.CmdSN = base + iscsi.SN(i) + 1
			if err := c.Start(cmd); err != nil {
				t.Fatal(err)
			}
			commands = append(commands, cmd)
		}
		c.CmdSN = base
		if err := c.Do(&initiator.Command{CDB: make([]byte, 6)}); err != nil {
			t.Fatal(err)
		}
		c.CmdSN = base + 5
		for i, cmd := range commands {
			if err := c.Wait(cmd); err != nil {
				t.Fatal(err)
			}
			if err := cmd.Check(); err != nil {
				t.Fatal(err)
			}
			readBack(t, c, i*1000, pattern(200*512, byte(i)))
		}
		r.logout(c)
	})
}

// TestRetryAfterDigestError sends a command again whose immediate data were damaged, with
// later ones sent meanwhile.
func TestRetryAfterDigestError(t *testing.T) {
	transports(t, setup{}, func(t *testing.T, r *rig) {
		for _, n := range []int{8, 400} { // blocks: within the receive buffer, and beyond
			c := r.login(initiator.Options{Keys: []string{"DataDigest=CRC32C"}})
			data := pattern(n*512, 1)
			w := initiator.Command{CDB: write10(0, n), Out: data}
			c.Number(&w)
			h, _ := c.Header(&w)
			c.SendDamaged(&h, data, initiator.Data)
			later := initiator.Command{CDB: read10(0, n), In: make([]byte, len(data))}
			if err := c.Start(&later); err != nil {
				t.Fatal(err)
			}
			if err := c.Wait(&w); err != nil {
				t.Fatal(err)
			}
			if w.Rejected != iscsi.RejectDataDigest || later.Done {
				t.Fatalf("rejected: %v; the later command has ended: %v", w.Rejected, later.Done)
			}
			next := c.CmdSN
			c.CmdSN = h.CmdSN()
			if err := c.Do(&w); err != nil {
				t.Fatal(err)
			}
			c.CmdSN = next
			if err := c.Wait(&later); err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(later.In, data) {
				t.Error("the later command was not later")
			}
			r.logout(c)
		}
	})
}

// TestWindowCloses fills the window with commands that are held up, and sees it open again.
func TestWindowCloses(t *testing.T) {
	transports(t, setup{blocks: true, opts: iscsi.Options{Window: 8}}, func(t *testing.T, r *rig) {
		hold := make(chan struct{})
		r.store.Add(holdAll(hold))
		c := r.login(initiator.Options{})
		commands := make([]initiator.Command, 8)
		for i := range commands {
			commands[i] = initiator.Command{CDB: read10(i, 1), In: make([]byte, 512)}
			if err := c.Start(&commands[i]); err != nil {
				t.Fatal(err)
			}
		}
		c.Ping(nil)
		if c.MaxCmdSN != c.ExpCmdSN-1 || c.ExpCmdSN != c.CmdSN {
			t.Fatalf("with 8 of 8 in flight the window is %d to %d", c.ExpCmdSN, c.MaxCmdSN)
		}
		over := initiator.Command{CDB: read10(0, 1), In: make([]byte, 512)}
		c.Start(&over)
		c.Ping(nil) // it has come
		close(hold)
		for i := range commands {
			if err := c.Wait(&commands[i]); err != nil {
				t.Fatal(err)
			}
		}
		c.Ping(nil)
		if over.Done {
			t.Error("a command beyond the window was answered")
		}
		c.CmdSN--
		if c.MaxCmdSN != c.CmdSN+7 {
			t.Errorf("MaxCmdSN is %d, want %d", c.MaxCmdSN, c.CmdSN+7)
		}
		roundTrip(t, c, 0, pattern(512, 1))
		r.logout(c)
	})
}

// TestWindowReopens uses the window up while memory is short, and is told when there is some
// again (RFC 7143 §4.2.2.1).
func TestWindowReopens(t *testing.T) {
	transports(t, setup{budget: 1 << 20, opts: iscsi.Options{Window: 8}}, func(t *testing.T, r *rig) {
		c := r.login(initiator.Options{})
		all := r.pool.Overdraw(int(r.pool.Budget()))
		max := c.MaxCmdSN
		for c.CmdSN != max+1 {
			if err := c.Do(&initiator.Command{CDB: make([]byte, 6)}); err != nil {
				t.Fatal(err)
			}
		}
		if c.MaxCmdSN != max || c.ExpCmdSN != max+1 {
			t.Fatalf("the window is %d to %d, want it shut at %d", c.ExpCmdSN, c.MaxCmdSN, max)
		}
		all.Put()
		p, err := c.Receive()
		if err != nil {
			t.Fatal(err)
		}
		if p.Opcode() != iscsi.OpNOPIn || p.ITT() != iscsi.NoTag || p.TTT() != iscsi.NoTag || c.MaxCmdSN != max+8 {
			t.Fatalf("told of it by %v", &p.BHS)
		}
		roundTrip(t, c, 0, pattern(4096, 1))
		r.logout(c)
	})
}

// TestHeldTooMuch leaves a CmdSN out and sends more behind it than is held.
func TestHeldTooMuch(t *testing.T) {
	transports(t, setup{budget: 1 << 20}, func(t *testing.T, r *rig) {
		c := r.login(initiator.Options{})
		c.CmdSN++
		for range 8 {
			c.Start(&initiator.Command{CDB: write10(0, 400), Out: pattern(400*512, 1)})
		}
		c.Flush()
		for {
			if _, err := c.Receive(); err != nil {
				break
			}
		}
		eventually(t, "its end", func() bool { return r.server.Metrics().Cut == 1 })
	})
}

// TestHeldDamaged damages data that would be held: they are refused at once.
func TestHeldDamaged(t *testing.T) {
	transports(t, setup{}, func(t *testing.T, r *rig) {
		c := r.login(initiator.Options{Keys: []string{"DataDigest=CRC32C"}})
		c.CmdSN++
		w := initiator.Command{CDB: write10(0, 400), Out: pattern(400*512, 1)}
		c.Number(&w)
		h, _ := c.Header(&w)
		c.SendDamaged(&h, w.Out, initiator.Data)
		if err := c.Wait(&w); err != nil || w.Rejected != iscsi.RejectDataDigest {
			t.Fatalf("rejected for %v, %v", w.Rejected, err)
		}
		c.CmdSN -= 2
		roundTrip(t, c, 0, pattern(512, 1))
		r.logout(c)
	})
}

// TestShortOfMemory writes and reads much more at once than there is memory for. The window
// closes; nothing is lost, refused or stuck.
func TestShortOfMemory(t *testing.T) {
	transports(t, setup{blocks: true, budget: 2 << 20}, func(t *testing.T, r *rig) {
		const n = 1 << 20
		done := make(chan error)
		for i := range 4 {
			c := r.login(initiator.Options{ISID: [6]byte{5: byte(i)}, Keys: []string{"MaxOutstandingR2T=4"}})
			go func() {
				done <- func() error {
					for round := range 3 {
						var commands []*initiator.Command
						for j := range 8 {
							// The window may be too small for all of them at once.
							for c.MaxCmdSN+1 == c.CmdSN {
								if err := c.Step(); err != nil {
									return err
								}
							}
							cmd := &initiator.Command{CDB: write10((i*4+j%4)*n/512/2, n/512/2), Out: pattern(n/2, byte(round))}
							if j%2 == 1 {
								cmd = &initiator.Command{CDB: read10((i*4+j%4)*n/512/2, n/512/2), In: make([]byte, n/2)}
							}
							if err := c.Start(cmd); err != nil {
								return err
							}
							commands = append(commands, cmd)
						}
						for _, cmd := range commands {
							if err := c.Wait(cmd); err != nil {
								return err
							}
							if err := cmd.Check(); err != nil {
								return err
							}
						}
					}
					return c.Logout()
				}()
			}()
		}
		for range 4 {
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
	})
}
