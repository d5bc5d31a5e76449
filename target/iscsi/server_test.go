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

	"github.com/lunarsan/lunar/target/iscsi"
	"github.com/lunarsan/lunar/target/iscsi/initiator"
)

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
