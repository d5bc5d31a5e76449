package iscsi_test

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lunarsan/lunar/sbd"
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

// TestTimes looks at the times that initiators are told: how long to wait before they come
// again (DefaultTime2Wait), and that nothing is kept for them.
func TestTimes(t *testing.T) {
	transports(t, setup{}, func(t *testing.T, r *rig) {
		keys := []string{"DefaultTime2Wait=7", "DefaultTime2Retain=20"}
		c := r.login(initiator.Options{Keys: keys})
		h := start(c, iscsi.OpLogout)
		h.SetImmediate()
		p := answer(t, c, &h, nil)
		if wait, retain := p.LogoutResponse().Times(); p.Opcode() != iscsi.OpLogoutResponse || wait != 7 || retain != 0 {
			t.Errorf("a logout is answered with Time2Wait %d, Time2Retain %d: %v", wait, retain, &p.BHS)
		}
		c.Close()

		c = r.login(initiator.Options{Keys: keys})
		r.server.CloseTarget(rigTarget)
		told(t, c, iscsi.AsyncDropSession, 0, 7, 0)
		c.Close()

		c = r.login(initiator.Options{Keys: keys})
		ctx, cancel := context.WithTimeout(t.Context(), 4*time.Second)
		defer cancel()
		var ended sync.WaitGroup
		ended.Go(func() {
			if err := r.server.Shutdown(ctx, time.Second); err != nil {
				t.Error(err)
			}
		})
		told(t, c, iscsi.AsyncDropSession, 0, 1, 0)
		c.Close()
		ended.Wait()
	})
}

// told checks that the next PDU is an Asynchronous Message with the event and its parameters.
func told(t *testing.T, c *initiator.Conn, event iscsi.AsyncEvent, want ...uint16) {
	t.Helper()
	p, err := c.Receive()
	if err != nil || p.Opcode() != iscsi.OpAsync || p.AsyncMessage().Event() != event {
		t.Fatalf("told %v, %v; want event %v", &p.BHS, err, event)
	}
	p1, p2, p3 := p.AsyncMessage().Parameters()
	if got := []uint16{p1, p2, p3}; !slices.Equal(got, want) {
		t.Errorf("%v with parameters %v, want %v", event, got, want)
	}
}
