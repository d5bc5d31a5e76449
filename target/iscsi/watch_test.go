package iscsi_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/lunarsan/lunar/target/iscsi"
	"github.com/lunarsan/lunar/target/iscsi/initiator"
)

// inBubble runs a test on a rig of pipes whose time is not the world's.
func inBubble(t *testing.T, s setup, test func(t *testing.T, r *rig)) {
	s.pipe = true
	synctest.Test(t, func(t *testing.T) { test(t, newRig(t, s)) })
}

// within checks that the connection ends after about the given time.
func within(t *testing.T, c *initiator.Conn, want time.Duration) {
	t.Helper()
	began := time.Now()
	for {
		if _, err := c.Receive(); err != nil {
			break
		}
	}
	if took := time.Since(began); took < want || took > want+3*time.Second {
		t.Errorf("ended after %v, want %v", took, want)
	}
}

// TestLoginDeadline stays silent, or stops in the middle of the login.
func TestLoginDeadline(t *testing.T) {
	inBubble(t, setup{}, func(t *testing.T, r *rig) {
		began := time.Now()
		silent, slow := r.open(), r.open()
		go func() {
			for range 20 { // a byte now and then wins no time
				slow.Write([]byte{0x43})
				time.Sleep(time.Second)
			}
		}()
		silent.Read(make([]byte, 1))
		slow.Read(make([]byte, 1))
		if took := time.Since(began); took != 15*time.Second {
			t.Errorf("cut after %v", took)
		}
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if n := r.server.Metrics().LoginErrors; n != 2 {
			t.Errorf("%d login errors", n)
		}
	})
}

// TestKeepalive lets a session fall silent: it is asked for a sign of life, and any is good.
func TestKeepalive(t *testing.T) {
	inBubble(t, setup{}, func(t *testing.T, r *rig) {
		c := r.login(initiator.Options{})
		for range 5 {
			began := time.Now()
			p, err := c.Receive()
			if err != nil {
				t.Fatal(err)
			}
			if took := time.Since(began); took < 29*time.Second || took > 32*time.Second {
				t.Errorf("asked after %v", took)
			}
			if p.Opcode() != iscsi.OpNOPIn || p.ITT() != iscsi.NoTag || p.TTT() == iscsi.NoTag || p.StatSN() != c.ExpStatSN {
				t.Fatalf("asked by %v", &p.BHS)
			}
			time.Sleep(20 * time.Second) // slow, but in time
			h := start(c, iscsi.OpNOPOut)
			h.SetImmediate()
			h.SetITT(iscsi.NoTag)
			h.SetTTT(p.TTT())
			c.Send(&h, nil)
			c.Flush()
			synctest.Wait()
		}
		r.logout(c)
	})
}

// TestOnceAMinute has an initiator that looks at its connection once a minute, as simple ones do
// that wait for something: it stays.
func TestOnceAMinute(t *testing.T) {
	inBubble(t, setup{}, func(t *testing.T, r *rig) {
		c := r.login(initiator.Options{})
		for range 3 {
			time.Sleep(time.Minute + time.Second)
			p, err := c.Receive()
			if err != nil {
				t.Fatal(err)
			}
			h := start(c, iscsi.OpNOPOut)
			h.SetImmediate()
			h.SetITT(iscsi.NoTag)
			h.SetTTT(p.TTT())
			c.Send(&h, nil)
			c.Flush()
			synctest.Wait()
		}
		r.logout(c)
	})
}

// TestSilence leaves the question for a sign of life unanswered.
func TestSilence(t *testing.T) {
	inBubble(t, setup{}, func(t *testing.T, r *rig) {
		c := r.login(initiator.Options{})
		within(t, c, 75*time.Second)
		synctest.Wait()
		if n := r.server.Metrics().Cut; n != 1 {
			t.Errorf("%d sessions cut", n)
		}
	})
}

// TestTrickle sends the bytes of one PDU so slowly that it never ends: that is silence too.
func TestTrickle(t *testing.T) {
	inBubble(t, setup{}, func(t *testing.T, r *rig) {
		c := r.login(initiator.Options{})
		go func() {
			for range 100 {
				if _, err := c.NetConn().Write([]byte{0}); err != nil {
					return
				}
				time.Sleep(2 * time.Second)
			}
		}()
		within(t, c, 75*time.Second)
		time.Sleep(10 * time.Second)
	})
}

// TestGap leaves a CmdSN out for ever.
func TestGap(t *testing.T) {
	inBubble(t, setup{}, func(t *testing.T, r *rig) {
		c := r.login(initiator.Options{})
		c.CmdSN++
		c.Start(&initiator.Command{CDB: write10(0, 8), Out: pattern(4096, 1)})
		within(t, c, 10*time.Second)
	})
}

// TestSlowReader takes nothing of what it asked for. It is cut off, and its neighbour does
// not feel it.
func TestSlowReader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, setup{pipe: true, blocks: true})
		neighbour := r.login(initiator.Options{ISID: [6]byte{1}})
		nc := r.open()
		slow, err := initiator.Dial(nc, initiator.Options{Name: rigInitiator, Target: rigTarget})
		if err != nil {
			t.Fatal(err)
		}
		nc.(*pumped).stop()
		for range 64 {
			slow.Start(&initiator.Command{CDB: read10(0, 64), In: make([]byte, 64*512)})
		}
		began := time.Now()
		slow.Flush()
		for range 20 {
			roundTrip(t, neighbour, 1000, pattern(64<<10, 1))
			time.Sleep(time.Second)
		}
		for len(r.server.Sessions()) == 2 {
			time.Sleep(time.Second)
			neighbour.Ping(nil)
		}
		if took := time.Since(began); took < 30*time.Second || took > 33*time.Second {
			t.Errorf("cut off after %v", took)
		}
		r.logout(neighbour)
	})
}

// TestSilentDiscovery lets a discovery session fall silent: no NOP-In may be sent there, so it
// is ended.
func TestSilentDiscovery(t *testing.T) {
	inBubble(t, setup{}, func(t *testing.T, r *rig) {
		c, err := initiator.Dial(r.open(), initiator.Options{Name: rigInitiator})
		if err != nil {
			t.Fatal(err)
		}
		if p, err := c.Receive(); err == nil {
			t.Errorf("it is sent %v", &p.BHS)
		}
	})
}

// TestDismissDeaf closes a session whose initiator takes nothing.
func TestDismissDeaf(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, setup{pipe: true})
		nc := r.open()
		if _, err := initiator.Dial(nc, initiator.Options{Name: rigInitiator, Target: rigTarget}); err != nil {
			t.Fatal(err)
		}
		nc.(*pumped).stop()
		nc.Write(make([]byte, 48)) // a NOP-Out, whose answer takes the last read
		began := time.Now()
		if r.server.CloseTarget(rigTarget) != 1 {
			t.Fatal("no session")
		}
		for len(r.server.Sessions()) > 0 {
			time.Sleep(time.Second)
		}
		if took := time.Since(began); took > 5*time.Second {
			t.Errorf("closed after %v", took)
		}
	})
}

// TestForgiveness breaks a rule now and then, for ever.
func TestForgiveness(t *testing.T) {
	inBubble(t, setup{}, func(t *testing.T, r *rig) {
		c := r.login(initiator.Options{})
		for range 300 {
			h := start(c, 0x1c)
			if p := answer(t, c, &h, nil); p.Opcode() != iscsi.OpReject {
				t.Fatalf("answered with %v", &p.BHS)
			}
			time.Sleep(time.Second)
		}
		r.logout(c)
	})
}

// TestIdleServer checks that a server without connections does nothing.
func TestIdleServer(t *testing.T) {
	inBubble(t, setup{}, func(t *testing.T, r *rig) {
		for range 3 {
			r.logout(r.login(initiator.Options{}))
			time.Sleep(time.Minute)
		}
	})
}

// TestHeldTwice sends a command twice that waits behind a gap: when the gap is filled nothing
// waits any more, and nobody waits for it.
func TestHeldTwice(t *testing.T) {
	inBubble(t, setup{}, func(t *testing.T, r *rig) {
		c := r.login(initiator.Options{})
		first := c.CmdSN
		var twice initiator.Command
		for range 2 {
			c.CmdSN = first + 1
			twice = initiator.Command{CDB: make([]byte, 6)}
			c.Start(&twice)
		}
		c.CmdSN = first
		if err := c.Do(&initiator.Command{CDB: make([]byte, 6)}); err != nil {
			t.Fatal(err)
		}
		c.CmdSN = first + 2
		time.Sleep(20 * time.Second)
		if err := c.Ping(nil); err != nil {
			t.Fatal(err)
		}
		r.logout(c)
	})
}
