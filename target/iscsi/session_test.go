package iscsi_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lunarsan/lunar/sbd"
	"github.com/lunarsan/lunar/scsi"
	"github.com/lunarsan/lunar/target"
	"github.com/lunarsan/lunar/target/iscsi"
	"github.com/lunarsan/lunar/target/iscsi/initiator"
)

// refused checks that a login is refused with the status.
func refused(t *testing.T, err error, want iscsi.LoginStatus) {
	t.Helper()
	var refused *initiator.LoginError
	if !errors.As(err, &refused) || refused.Status != want {
		t.Errorf("login: %v, want %v", err, want)
	}
}

// TestSessions lists what is known of a session.
func TestSessions(t *testing.T) {
	transports(t, setup{}, func(t *testing.T, r *rig) {
		a := r.login(initiator.Options{ISID: [6]byte{1, 2, 3, 4, 5, 6}, Alias: "a host"})
		b := r.login(initiator.Options{ISID: [6]byte{7}})
		roundTrip(t, a, 0, pattern(4096, 1))
		infos := r.server.Sessions()
		if len(infos) != 2 {
			t.Fatalf("%d sessions", len(infos))
		}
		i := infos[0]
		if i.Initiator != rigInitiator || i.Target != rigTarget || i.ISID != [6]byte{1, 2, 3, 4, 5, 6} || i.Tag != 1 ||
			i.TSIH != a.TSIH || i.TSIH == 0 || i.Params.InitiatorAlias != "a host" || i.Since.IsZero() {
			t.Errorf("the session is %+v", i)
		}
		if i.Traffic.Reads != 1 || i.Traffic.Writes != 1 || i.Traffic.ReadBytes != 4096 || i.Traffic.WriteBytes != 4096 || i.Traffic.Commands != 3 {
			t.Errorf("its traffic is %+v", i.Traffic)
		}
		if infos[1].ID <= i.ID || infos[1].TSIH == i.TSIH {
			t.Errorf("two sessions are %d and %d, TSIH %d and %d", i.ID, infos[1].ID, i.TSIH, infos[1].TSIH)
		}
		if !r.server.CloseSession(infos[1].ID) || r.server.CloseSession(999) {
			t.Error("CloseSession closed the wrong sessions")
		}
		if _, err := b.Receive(); err != nil { // the Asynchronous Message
			t.Error(err)
		}
		if _, err := b.Receive(); err == nil {
			t.Error("the closed session goes on")
		}
		roundTrip(t, a, 0, pattern(4096, 2))
		r.logout(a)
		m := r.server.Metrics()
		if m.Logins != 2 || m.Accepted != 2 || m.Reads != 2 || m.WriteBytes != 8192 {
			t.Errorf("metrics:\n%v", m)
		}
		if !strings.Contains(m.String(), "ReadBytes          8192\n") {
			t.Errorf("metrics are written as\n%v", m)
		}
	})
}

// TestLogout logs out for each reason.
func TestLogout(t *testing.T) {
	transports(t, setup{}, func(t *testing.T, r *rig) {
		c := r.login(initiator.Options{CID: 3})
		for _, tt := range []struct {
			reason iscsi.LogoutReason
			cid    uint16
			want   iscsi.LogoutResult
		}{
			{iscsi.RecoverConnection, 3, iscsi.LogoutRecoveryNotSupported},
			{iscsi.CloseConnection, 4, iscsi.LogoutCIDNotFound},
			{iscsi.CloseConnection, 3, iscsi.LogoutComplete},
		} {
			if got, err := c.LogoutFor(tt.reason, tt.cid); err != nil || got != tt.want {
				t.Errorf("%v of %d: %v, %v, want %v", tt.reason, tt.cid, got, err, tt.want)
			}
		}
		if _, err := c.Receive(); !errors.Is(err, io.EOF) {
			t.Errorf("after the logout comes %v", err)
		}
		c.Close()
		r.logout(r.login(initiator.Options{CID: 3}))
	})
}

// TestLogoutUnderLoad logs out with commands in flight: the response comes when none of them
// can touch the medium any more.
func TestLogoutUnderLoad(t *testing.T) {
	transports(t, setup{blocks: true, wce: true}, func(t *testing.T, r *rig) {
		hold, held := make(chan struct{}), make(chan struct{})
		r.store.Add(sbd.Rule{Calls: sbd.CallWriteAt, Times: 1, Hold: hold, Held: func() { close(held) }})
		c := r.login(initiator.Options{})
		c.Params.PeerMaxRecvSegment = 512
		running := initiator.Command{CDB: write10(0, 1), Out: pattern(512, 1)}
		c.Start(&running)
		waiting := initiator.Command{CDB: write10(8, 8), Out: pattern(4096, 1)}
		c.Announce(&waiting)
		c.Flush()
		<-held
		answered := make(chan error)
		go func() { answered <- c.Logout() }()
		eventually(t, "the logout's arrival", func() bool { return strings.Contains(stacks(), "handleLogout") })
		select {
		case err := <-answered:
			t.Errorf("the logout was answered while a write could still reach the medium: %v", err)
		default:
		}
		close(hold)
		if err := <-answered; err != nil {
			t.Error(err)
		}
	})
}

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
		r.store.Add(sbd.Rule{Calls: sbd.CallWriteAt, Times: 1, Hold: hold, Held: func() { close(held) }})
		w := initiator.Command{CDB: write10(0, 1), Out: pattern(512, 1)}
		old.Start(&w)
		for range 10 {
			old.Start(&initiator.Command{CDB: read10(0, 1), In: make([]byte, 512)})
		}
		old.Flush()
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
		close(hold)
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
		r.logout(c)
		r.logout(other)
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

// TestShutdown asks initiators to log out, and cuts those who do not.
func TestShutdown(t *testing.T) {
	transports(t, setup{}, func(t *testing.T, r *rig) {
		polite, rude := r.login(initiator.Options{}), r.login(initiator.Options{ISID: [6]byte{1}})
		stranger := r.open()
		go func() {
			p, err := polite.Receive()
			if err != nil || p.Opcode() != iscsi.OpAsync || p.AsyncMessage().Event() != iscsi.AsyncLogout {
				t.Errorf("asked to log out by %v, %v", &p.BHS, err)
			}
			polite.ExpStatSN = p.StatSN() + 1
			// Commands still run, until the logout.
			if err := polite.Do(&initiator.Command{CDB: make([]byte, 6)}); err != nil {
				t.Error(err)
			}
			r.logout(polite)
		}()
		ctx, cancel := context.WithTimeout(context.Background(), 400*time.Millisecond)
		defer cancel()
		began := time.Now()
		if err := r.server.Shutdown(ctx); err != nil {
			t.Error(err)
		}
		if took := time.Since(began); took > 350*time.Millisecond {
			t.Errorf("shut down after %v", took)
		}
		for {
			if _, err := rude.Receive(); err != nil {
				break
			}
		}
		if _, err := stranger.Read(make([]byte, 1)); err == nil {
			t.Error("a connection that has not logged in goes on")
		}
		if len(r.server.Sessions()) != 0 {
			t.Error("sessions go on")
		}
	})
}

// TestManyLogins logs in a thousand times at once.
func TestManyLogins(t *testing.T) {
	r := newRig(t, setup{opts: iscsi.Options{PendingPerAddress: 2000, Pending: 2000}})
	var all sync.WaitGroup
	const n = 1000
	conns := make([]*initiator.Conn, n)
	for i := range n {
		all.Go(func() {
			c, err := r.tryLogin(initiator.Options{Name: fmt.Sprintf("iqn.2026-01.org.example:host-%d", i)})
			if err != nil {
				t.Error(err)
				return
			}
			conns[i] = c
		})
	}
	all.Wait()
	if len(r.server.Sessions()) != n {
		t.Errorf("%d sessions", len(r.server.Sessions()))
	}
	for _, c := range conns {
		all.Go(func() {
			if c != nil {
				r.logout(c)
			}
		})
	}
	all.Wait()
}

// TestCaps opens more connections than may be without a login.
func TestCaps(t *testing.T) {
	r := newRig(t, setup{opts: iscsi.Options{PendingPerAddress: 4}})
	in := r.login(initiator.Options{}) // counts no more
	var idle []net.Conn
	for range 4 {
		idle = append(idle, r.open())
	}
	eventually(t, "their arrival", func() bool { return r.server.Metrics().Connections == 5 })
	if _, err := r.open().Read(make([]byte, 1)); err == nil {
		t.Error("a fifth connection was let in")
	}
	if n := r.server.Metrics().TurnedAway; n != 1 {
		t.Errorf("%d turned away", n)
	}
	idle[0].Close()
	eventually(t, "its end", func() bool { return r.server.Metrics().Connections == 4 })
	r.logout(r.login(initiator.Options{ISID: [6]byte{1}}))
	r.logout(in)
}

// TestAcceptErrors has a listener fail now and then: the portal goes on.
func TestAcceptErrors(t *testing.T) {
	r := newRig(t, setup{})
	p := newPipes()
	l := &failing{pipes: p, fail: 3}
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error)
	go func() { served <- r.server.Serve(ctx, l, 1) }()
	c, err := initiator.Dial(p.dial(), initiator.Options{Name: rigInitiator, Target: rigTarget})
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	if err := <-served; err != nil {
		t.Error(err)
	}
	if err := c.Ping(nil); err != nil {
		t.Errorf("a connection ends with its portal: %v", err)
	}
	r.logout(c)
}

type failing struct {
	*pipes
	fail int
}

func (f *failing) Accept() (net.Conn, error) {
	if f.fail--; f.fail >= 0 {
		return nil, errors.New("too many open files")
	}
	return f.pipes.Accept()
}

// TestLogLimit has a peer cause many log lines.
func TestLogLimit(t *testing.T) {
	var lines counter
	r := newRig(t, setup{opts: iscsi.Options{Log: slog.New(slog.NewTextHandler(&lines, nil))}})
	for range 100 {
		_, err := r.tryLogin(initiator.Options{Target: "iqn.2026-01.org.example:nowhere\nlevel=ERROR"})
		if err == nil {
			t.Fatal("logged in to nowhere")
		}
	}
	if n := lines.count(); n == 0 || n > 60 {
		t.Errorf("%d log lines", n)
	}
}

// A counter counts the lines written to it.
type counter struct {
	mu sync.Mutex
	n  int
}

func (c *counter) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.n += strings.Count(string(p), "\n")
	return len(p), nil
}

func (c *counter) count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.n
}

// TestCHAP logs in with secrets, right and wrong, through a server.
func TestCHAP(t *testing.T) {
	transports(t, setup{}, func(t *testing.T, r *rig) {
		const name = "iqn.2026-01.org.example:vault"
		for _, err := range []error{
			r.device.SetInitiator(target.Initiator{Name: rigInitiator, CHAP: target.Credential{User: "host", Secret: []byte("a long host secret")}}),
			r.device.AddTarget(target.Target{Name: name, Auth: target.Auth{
				Method: target.AuthMutual, Self: target.Credential{User: "vault", Secret: []byte("a long vault secret")},
			}}),
		} {
			if err != nil {
				t.Fatal(err)
			}
		}
		right := initiator.CHAP{User: "host", Secret: "a long host secret", TargetUser: "vault", TargetSecret: "a long vault secret"}
		c := r.login(initiator.Options{Target: name, CHAP: &right})
		if u := r.server.Sessions()[0].Params.CHAPUser; u != "host" {
			t.Errorf("the session is of CHAP user %q", u)
		}
		r.logout(c)
		wrong := right
		wrong.Secret = "a long wrong secret"
		_, err := r.tryLogin(initiator.Options{Target: name, CHAP: &wrong})
		refused(t, err, iscsi.AuthenticationFailure)
		_, err = r.tryLogin(initiator.Options{Target: name})
		refused(t, err, iscsi.AuthenticationFailure)
		_, err = r.tryLogin(initiator.Options{Target: "iqn.2026-01.org.example:nowhere"})
		refused(t, err, iscsi.TargetNotFound)
	})
}
