package iscsi_test

import (
	"errors"
	"sync"
	"testing"

	"github.com/lunarsan/lunar/sbd"
	"github.com/lunarsan/lunar/target/iscsi/initiator"
)

// write is a command that writes p, one block, at lba.
func write(lba int, p []byte) *initiator.Command {
	return &initiator.Command{CDB: write10(lba, 1), Out: p}
}

// send starts cmd and has it on the wire.
func send(t *testing.T, c *initiator.Conn, cmd *initiator.Command) {
	t.Helper()
	if err := errors.Join(c.Start(cmd), c.Flush()); err != nil {
		t.Fatal(err)
	}
}

// A receiver that runs a command itself, and is stuck in it, is relieved: whatever else the
// initiator says is heard, and answered.
func TestAStuckReceiverIsRelieved(t *testing.T) {
	r := newRig(t, setup{blocks: true})
	c := r.login(initiator.Options{})
	p := pattern(blockSize, 1)
	for range 50 { // so that it has the habit
		if err := c.Do(write(1, p)); err != nil {
			t.Fatal(err)
		}
	}
	hold := make(chan struct{})
	r.store.Add(sbd.Rule{Calls: sbd.CallWriteAt, Times: 1, Hold: hold})
	stuck := write(2, pattern(blockSize, 2))
	send(t, c, stuck)
	eventually(t, "the write", func() bool { return r.store.Calls(sbd.CallWriteAt) == 51 })
	for i := range byte(20) {
		if err := c.Ping([]byte{i}); err != nil {
			t.Fatal(err)
		}
		if err := c.Do(write(3, p)); err != nil {
			t.Fatal(err)
		}
	}
	close(hold)
	if err := c.Wait(stuck); err != nil {
		t.Fatal(err)
	}
	readBack(t, c, 2, pattern(blockSize, 2))
	r.logout(c)
}

// A command that the receiver is stuck in can be aborted, and its session ended.
func TestAStuckReceiverLetsGo(t *testing.T) {
	for name, end := range map[string]func(r *rig, c *initiator.Conn){
		"closed by the initiator": func(_ *rig, c *initiator.Conn) { c.Close() },
		"closed by the target":    func(r *rig, _ *initiator.Conn) { r.server.CloseTarget(rigTarget) },
		"logged out":              func(_ *rig, c *initiator.Conn) { c.Logout() },
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, setup{blocks: true})
			c := r.login(initiator.Options{})
			hold := make(chan struct{})
			r.store.Add(sbd.Rule{Calls: sbd.CallWriteAt, Times: 1, Hold: hold})
			send(t, c, write(2, pattern(blockSize, 2)))
			eventually(t, "the write", func() bool { return r.store.Calls(sbd.CallWriteAt) == 1 })
			var ending sync.WaitGroup
			ending.Go(func() { end(r, c) })
			other := r.login(initiator.Options{Name: rigInitiator + "2"})
			if err := other.Do(write(3, pattern(blockSize, 3))); err != nil {
				t.Error(err)
			}
			close(hold)
			ending.Wait()
			eventually(t, "the end of the session", func() bool { return len(r.server.Sessions()) == 1 })
			r.logout(other)
		})
	}
}

// The receiving goes back and forth while the medium is slow now and then, and nothing is lost.
func TestReceiversTakeTurns(t *testing.T) {
	r := newRig(t, setup{blocks: true})
	c := r.login(initiator.Options{})
	for i := range 30 {
		hold := make(chan struct{})
		r.store.Heal()
		r.store.Add(sbd.Rule{Calls: sbd.CallWriteAt, Times: 1, Hold: hold})
		before := r.store.Calls(sbd.CallWriteAt)
		p := pattern(blockSize, byte(i))
		cmd := write(i, p)
		send(t, c, cmd)
		eventually(t, "the write", func() bool { return r.store.Calls(sbd.CallWriteAt) > before })
		if i%2 == 0 { // it is relieved, since it has to answer
			if err := c.Ping(nil); err != nil {
				t.Fatal(err)
			}
		}
		close(hold)
		if err := c.Wait(cmd); err != nil {
			t.Fatal(err)
		}
		readBack(t, c, i, p)
	}
	r.logout(c)
}
