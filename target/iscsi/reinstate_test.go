package iscsi_test

import (
	"sync"
	"testing"
	"time"

	"github.com/lunarsan/lunar/sbd"
	"github.com/lunarsan/lunar/scsi"
	"github.com/lunarsan/lunar/target/iscsi"
	"github.com/lunarsan/lunar/target/iscsi/initiator"
)

// TestReinstateSession logs in again as the same initiator port, with commands of the old
// session at the store: the login is answered when they are done.
func TestReinstateSession(t *testing.T) {
	transports(t, setup{blocks: true, wce: true}, func(t *testing.T, r *rig) {
		old := r.login(initiator.Options{})
		other := r.login(initiator.Options{ISID: [6]byte{9}})
		// The old session reserves the unit, and has a write at the store.
		if err := old.Do(&initiator.Command{CDB: []byte{0x16, 5: 0}}); err != nil {
			t.Fatal(err)
		}
		hold, held := make(chan struct{}), make(chan struct{})
		r.store.Add(sbd.Rule{Calls: sbd.CallWriteAt, Times: 1, Hold: hold, Held: func() { close(held) }})
		w := initiator.Command{CDB: write10(0, 1), Out: pattern(512, 1)}
		old.Start(&w)
		old.Flush()
		<-held

		type result struct {
			c   *initiator.Conn
			err error
		}
		logins := make(chan result)
		go func() {
			c, err := r.tryLogin(initiator.Options{})
			logins <- result{c, err}
		}()
		if _, err := old.Receive(); err == nil { // its connection is closed at once
			t.Fatal("the old session goes on")
		}
		select {
		case got := <-logins:
			t.Fatalf("the login was answered while a write could still reach the medium: %v", got.err)
		default:
		}
		close(hold)
		got := <-logins
		if got.err != nil {
			t.Fatal(got.err)
		}
		readBack(t, got.c, 0, pattern(512, 1))
		readBack(t, other, 0, pattern(512, 1)) // no reservation, and not disturbed
		if n := len(r.server.Sessions()); n != 2 {
			t.Errorf("%d sessions", n)
		}
		if n := r.server.Metrics().Reinstatements; n != 1 {
			t.Errorf("%d reinstatements", n)
		}
		r.logout(got.c)
		r.logout(other)
	})
}

// TestReinstateUnderLoad logs in again and again over sessions with much in flight.
func TestReinstateUnderLoad(t *testing.T) {
	for _, blocks := range []bool{false, true} {
		transports(t, setup{blocks: blocks}, func(t *testing.T, r *rig) {
			for round := range 20 {
				c := r.login(initiator.Options{Keys: []string{"MaxOutstandingR2T=4"}})
				for i := range 32 {
					cmd := &initiator.Command{CDB: write10(i*64, 64), Out: pattern(64*512, byte(round))}
					if i%2 == 0 {
						cmd = &initiator.Command{CDB: read10(i*64, 64), In: make([]byte, 64*512)}
					}
					c.Start(cmd)
				}
				c.Flush()
			}
			c := r.login(initiator.Options{})
			roundTrip(t, c, 0, pattern(4096, 1))
			r.logout(c)
			if n := r.server.Metrics().Reinstatements; n != 20 {
				t.Errorf("%d reinstatements", n)
			}
		})
	}
}

// TestReinstateStuck logs in over a session whose command never ends: the login is refused
// in time, and works when the command has ended.
func TestReinstateStuck(t *testing.T) {
	transports(t, setup{blocks: true, wce: true, opts: iscsi.Options{DrainTimeout: 50 * time.Millisecond}}, func(t *testing.T, r *rig) {
		hold, held := make(chan struct{}), make(chan struct{})
		r.store.Add(sbd.Rule{Calls: sbd.CallWriteAt, Times: 1, Hold: hold, Held: func() { close(held) }})
		old := r.login(initiator.Options{})
		w := initiator.Command{CDB: write10(0, 1), Out: pattern(512, 1)}
		old.Start(&w)
		old.Flush()
		<-held
		for range 3 {
			_, err := r.tryLogin(initiator.Options{})
			refused(t, err, iscsi.ServiceUnavailable)
		}
		r.logout(r.login(initiator.Options{ISID: [6]byte{1}})) // others are not held up
		close(hold)
		var c *initiator.Conn
		eventually(t, "a login", func() bool {
			var err error
			c, err = r.tryLogin(initiator.Options{})
			return err == nil
		})
		readBack(t, c, 0, pattern(512, 1))
		r.logout(c)
	})
}

// TestReinstateConnection takes a session over with a new connection (TSIH not 0): the nexus
// lives on, with its reservation and its CmdSN.
func TestReinstateConnection(t *testing.T) {
	transports(t, setup{blocks: true, wce: true}, func(t *testing.T, r *rig) {
		old := r.login(initiator.Options{})
		other := r.login(initiator.Options{ISID: [6]byte{9}})
		if err := old.Do(&initiator.Command{CDB: []byte{0x16, 5: 0}}); err != nil {
			t.Fatal(err)
		}
		hold, held := make(chan struct{}), make(chan struct{})
		release := sync.OnceFunc(func() { close(hold) })
		defer release()
		r.store.Add(sbd.Rule{Calls: sbd.CallWriteAt, Times: 1, Hold: hold, Held: func() { close(held) }})
		w := initiator.Command{CDB: write10(0, 1), Out: pattern(512, 1)}
		old.Start(&w)
		for range 10 {
			old.Start(&initiator.Command{CDB: read10(0, 1), In: make([]byte, 512)})
		}
		// It waits its turn behind the first, and so never runs.
		old.Start(&initiator.Command{CDB: write10(1, 1), Out: pattern(512, 2), Attribute: iscsi.Ordered})
		if err := old.Ping(nil); err != nil { // all of it has come
			t.Fatal(err)
		}
		<-held
		logins := make(chan error)
		var c *initiator.Conn
		next := old.CmdSN
		go func() {
			var err error
			c, err = initiator.Dial(r.open(), initiator.Options{Name: rigInitiator, Target: rigTarget, TSIH: old.TSIH, FirstSN: next, Session: &old.Params})
			logins <- err
		}()
		for {
			if _, err := old.Receive(); err != nil {
				break
			}
		}
		// All that is left is what the first write holds.
		eventually(t, "the end of what waits", func() bool { return r.pool.Outstanding() == 1 })
		release()
		if err := <-logins; err != nil {
			t.Fatal(err)
		}
		if c.TSIH != old.TSIH || c.MaxCmdSN != next+127 {
			t.Errorf("TSIH %d, MaxCmdSN %d; want %d, %d", c.TSIH, c.MaxCmdSN, old.TSIH, next+127)
		}
		conflict := initiator.Command{CDB: read10(0, 1), In: make([]byte, 512)}
		other.Do(&conflict)
		if conflict.Status != scsi.ReservationConflict {
			t.Errorf("another nexus gets %v: the reservation is gone", conflict.Status)
		}
		readBack(t, c, 0, pattern(512, 1))
		readBack(t, c, 1, make([]byte, 512))
		r.logout(c)
		r.logout(other)
	})
}

// TestReinstateConnectionStuck takes a session over whose command never ends: the login is
// refused in time, and the session ends with the command.
func TestReinstateConnectionStuck(t *testing.T) {
	transports(t, setup{blocks: true, wce: true, opts: iscsi.Options{DrainTimeout: 50 * time.Millisecond}}, func(t *testing.T, r *rig) {
		hold, held := make(chan struct{}), make(chan struct{})
		r.store.Add(sbd.Rule{Calls: sbd.CallWriteAt, Times: 1, Hold: hold, Held: func() { close(held) }})
		old := r.login(initiator.Options{})
		old.Start(&initiator.Command{CDB: write10(0, 1), Out: pattern(512, 1)})
		old.Flush()
		<-held
		for range 2 {
			_, err := r.tryLogin(initiator.Options{TSIH: old.TSIH, Session: &old.Params})
			refused(t, err, iscsi.ServiceUnavailable)
		}
		close(hold)
		eventually(t, "the session's end", func() bool { return len(r.server.Sessions()) == 0 })
		_, err := r.tryLogin(initiator.Options{TSIH: old.TSIH, Session: &old.Params})
		refused(t, err, iscsi.SessionDoesNotExist)
	})
}

// TestUsurped logs in a third time while the second login still waits for the first session
// to drain: the last one wins.
func TestUsurped(t *testing.T) {
	transports(t, setup{blocks: true, wce: true}, func(t *testing.T, r *rig) {
		hold, held := make(chan struct{}), make(chan struct{})
		r.store.Add(sbd.Rule{Calls: sbd.CallWriteAt, Times: 1, Hold: hold, Held: func() { close(held) }})
		first := r.login(initiator.Options{})
		first.Start(&initiator.Command{CDB: write10(0, 1), Out: pattern(512, 1)})
		first.Flush()
		<-held
		second, third := make(chan error), make(chan error)
		go func() {
			_, err := r.tryLogin(initiator.Options{})
			second <- err
		}()
		eventually(t, "the second login", func() bool { return r.server.Metrics().Reinstatements == 1 })
		var c *initiator.Conn
		go func() {
			var err error
			c, err = r.tryLogin(initiator.Options{})
			third <- err
		}()
		if err := <-second; err == nil {
			t.Error("the second login won")
		}
		close(hold)
		if err := <-third; err != nil {
			t.Fatal(err)
		}
		readBack(t, c, 0, pattern(512, 1))
		r.logout(c)
	})
}

// TestTSIH logs in to sessions that are not there.
func TestTSIH(t *testing.T) {
	transports(t, setup{}, func(t *testing.T, r *rig) {
		c := r.login(initiator.Options{})
		for _, tt := range []struct {
			o    initiator.Options
			want iscsi.LoginStatus
		}{
			{initiator.Options{TSIH: c.TSIH + 1}, iscsi.SessionDoesNotExist},
			{initiator.Options{TSIH: c.TSIH, ISID: [6]byte{1}}, iscsi.SessionDoesNotExist},
			{initiator.Options{TSIH: c.TSIH, Name: "iqn.2026-01.org.example:thief"}, iscsi.SessionDoesNotExist},
			{initiator.Options{TSIH: c.TSIH, CID: 1}, iscsi.TooManyConnections},
		} {
			_, err := r.tryLogin(tt.o)
			refused(t, err, tt.want)
		}
		roundTrip(t, c, 0, pattern(512, 1))
		r.logout(c)
	})
}

// TestReinstateDigests takes sessions over with connections of other digests: those are the
// connection's own.
func TestReinstateDigests(t *testing.T) {
	transports(t, setup{}, func(t *testing.T, r *rig) {
		c := r.login(initiator.Options{})
		for _, keys := range [][]string{{"HeaderDigest=CRC32C"}, {"DataDigest=CRC32C"}, nil, {"HeaderDigest=CRC32C", "DataDigest=CRC32C"}} {
			old := c
			c = r.login(initiator.Options{TSIH: old.TSIH, FirstSN: old.CmdSN, Session: &old.Params, Keys: keys})
			roundTrip(t, c, 0, pattern(8192, 3))
		}
		r.logout(c)
	})
}
