package iscsi_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lunarsan/lunar/sbd"
	"github.com/lunarsan/lunar/scsi"
	"github.com/lunarsan/lunar/target/iscsi"
	"github.com/lunarsan/lunar/target/iscsi/initiator"
)

// TestShutdown ends sessions in order: a command that is executed is answered first, and the
// initiator is told when to come again. Those that do not go are cut, with those that have not
// logged in.
func TestShutdown(t *testing.T) {
	transports(t, setup{blocks: true, wce: true}, func(t *testing.T, r *rig) {
		hold, held := make(chan struct{}), make(chan struct{})
		r.store.Add(sbd.Rule{Calls: sbd.CallWriteAt, Times: 1, Hold: hold, Held: func() { close(held) }})
		polite, rude := r.login(initiator.Options{}), r.login(initiator.Options{ISID: [6]byte{1}})
		stranger := r.open()
		write := initiator.Command{CDB: write10(0, 1), Out: pattern(512, 1)}
		waits := initiator.Command{CDB: write10(8, 1024), Out: pattern(512<<10, 1)} // for an R2T that it does not answer
		polite.Start(&write)
		polite.Announce(&waits)
		polite.Flush()
		<-held
		ctx, cancel := context.WithTimeout(context.Background(), 800*time.Millisecond)
		defer cancel()
		ended := make(chan error)
		began := time.Now()
		go func() { ended <- r.server.Shutdown(ctx, 3*time.Second) }()
		told(t, rude, iscsi.AsyncDropSession, 0, 3, 0)
		close(hold)
		var last iscsi.Opcode
		for {
			p, err := polite.Receive()
			if err != nil {
				t.Fatalf("after %v: %v", last, err)
			}
			if p.Opcode() == iscsi.OpAsync {
				if p1, p2, p3 := p.AsyncMessage().Parameters(); p.AsyncMessage().Event() != iscsi.AsyncDropSession || p1 != 0 || p2 != 3 || p3 != 0 {
					t.Errorf("told %v: %d, %d, %d", p.AsyncMessage().Event(), p1, p2, p3)
				}
				break
			}
			if last = p.Opcode(); last == iscsi.OpSCSIResponse && (p.ITT() != write.ITT || p.SCSIResponse().Status() != scsi.Good) {
				t.Errorf("answered %v", &p.BHS)
			}
		}
		if last != iscsi.OpSCSIResponse {
			t.Errorf("the last PDU before the message is a %v, want the answer to the write", last)
		}
		if _, err := polite.Receive(); err == nil {
			t.Error("it goes on after its end")
		}
		polite.Close()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if took := time.Since(began); took > 750*time.Millisecond {
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
