package iscsi_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lunarsan/lunar/internal/buffer"
	"github.com/lunarsan/lunar/sbd"
	"github.com/lunarsan/lunar/scsi"
	"github.com/lunarsan/lunar/target"
	"github.com/lunarsan/lunar/target/iscsi"
	"github.com/lunarsan/lunar/target/iscsi/initiator"
)

const (
	rigTarget    = "iqn.2026-01.org.example:disk"
	rigInitiator = "iqn.2026-01.org.example:host"
	rigSize      = 16 << 20
	blockSize    = 512
)

// A rig is a server with a disk at LUN 0, and a way to reach it.
type rig struct {
	t      testing.TB
	pool   *buffer.Pool
	device *target.Device
	server *iscsi.Server
	store  *sbd.Faulty
	lu     *scsi.LogicalUnit
	dial   func() net.Conn

	mu    sync.Mutex
	conns []net.Conn
}

// A setup changes a rig before it runs.
type setup struct {
	opts   iscsi.Options
	budget int64 // of the pool; 0: 64 MiB
	pipe   bool  // connections are pipes; else TCP
	blocks bool  // the store blocks, so that workers do all I/O
	wce    bool
}

// newRig starts a server. The test's end shuts it down and asserts that nothing leaked.
func newRig(t testing.TB, s setup) *rig {
	t.Helper()
	if s.budget == 0 {
		s.budget = 64 << 20
	}
	r := &rig{t: t, pool: buffer.NewPool(s.budget)}
	r.device = target.NewDevice(r.pool)
	var store sbd.Store = sbd.NewMem(rigSize)
	if s.blocks {
		store = struct{ sbd.Store }{store} // hides that it need not block
	}
	r.store = sbd.NewFaulty(store)
	unit := sbd.NewUnit(
		sbd.Identity{GUID: sbd.NewGUID(), Serial: "1", Vendor: "LUNAR", Product: "TEST", Revision: "1", Version: 6, BlockSize: blockSize},
		sbd.Config{Path: "mem", Size: rigSize, WriteCache: s.wce || !s.blocks})
	r.lu = scsi.NewLogicalUnit(unit, r.pool)
	portal := netip.MustParseAddrPort("127.0.0.1:3260")
	for _, err := range []error{
		unit.Attach(r.store),
		r.device.SetPortalGroup(target.PortalGroup{Tag: 1, Portals: []netip.AddrPort{portal}}),
		r.device.AddTarget(target.Target{Name: rigTarget}),
		r.device.ChangeViews(nil, []target.View{{Unit: r.lu}}),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	r.server = iscsi.NewServer(r.device, r.pool, s.opts)

	var l net.Listener
	if s.pipe {
		p := newPipes()
		l, r.dial = p, p.dial
	} else {
		tcp, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		l, r.dial = tcp, func() net.Conn {
			nc, err := net.Dial("tcp", tcp.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			return nc
		}
	}
	served := make(chan error, 1)
	go func() { served <- r.server.Serve(context.Background(), l, 1) }()
	t.Cleanup(func() {
		r.mu.Lock()
		for _, nc := range r.conns {
			nc.Close()
		}
		r.mu.Unlock()
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := r.server.Shutdown(ctx, time.Second); err != nil {
			t.Errorf("shutdown: %v\n%s", err, stacks())
		}
		if err := <-served; err != nil {
			t.Errorf("serve: %v", err)
		}
		r.device.RemoveUnit(r.lu)
		r.lu.Close()
		if n := r.pool.Outstanding(); n != 0 {
			t.Errorf("%d buffers leaked", n)
		}
	})
	return r
}

// open returns a connection that has not logged in.
func (r *rig) open() net.Conn {
	nc := r.dial()
	r.mu.Lock()
	r.conns = append(r.conns, nc)
	r.mu.Unlock()
	return nc
}

// login logs in. Fields of o that are empty get the usual values.
func (r *rig) login(o initiator.Options) *initiator.Conn {
	r.t.Helper()
	c, err := r.tryLogin(o)
	if err != nil {
		r.t.Fatal(err)
	}
	return c
}

func (r *rig) tryLogin(o initiator.Options) (*initiator.Conn, error) {
	if o.Name == "" {
		o.Name = rigInitiator
	}
	if o.Target == "" {
		o.Target = rigTarget
	}
	c, err := initiator.Dial(r.open(), o)
	if err == nil && o.Target == rigTarget {
		// Takes the unit attention of a new nexus.
		c.Do(&initiator.Command{CDB: []byte{5: 0}})
	}
	return c, err
}

// logout ends a session in order.
func (r *rig) logout(c *initiator.Conn) {
	r.t.Helper()
	if err := c.Logout(); err != nil {
		r.t.Error(err)
	}
}

// eventually waits for something that happens on other goroutines.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !ok(); runtime.Gosched() {
		if time.Now().After(deadline) {
			t.Fatalf("%s did not happen\n%s", what, stacks())
		}
	}
}

func stacks() string {
	b := make([]byte, 1<<20)
	return string(b[:runtime.Stack(b, true)])
}

// TestMain asserts that no goroutine of the server outlives the tests.
func TestMain(m *testing.M) {
	code := m.Run()
	if code == 0 {
		deadline := time.Now().Add(10 * time.Second)
		for strings.Contains(stacks(), "iscsi.(*") && time.Now().Before(deadline) {
			runtime.Gosched()
		}
		if s := stacks(); strings.Contains(s, "iscsi.(*") {
			fmt.Println("goroutines leaked:\n" + s)
			code = 1
		}
	}
	os.Exit(code)
}

// transports runs a test over pipes and TCP.
func transports(t *testing.T, s setup, test func(t *testing.T, r *rig)) {
	for _, pipe := range []bool{true, false} {
		name := "tcp"
		if pipe {
			name = "pipe"
		}
		t.Run(name, func(t *testing.T) {
			s.pipe = pipe
			test(t, newRig(t, s))
		})
	}
}

// pipes is a listener whose connections are pipes.
type pipes struct {
	accept chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func newPipes() *pipes { return &pipes{accept: make(chan net.Conn), closed: make(chan struct{})} }

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case nc := <-p.accept:
		return nc, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error {
	p.once.Do(func() { close(p.closed) })
	return nil
}

func (p *pipes) Addr() net.Addr { return &net.UnixAddr{Name: "pipe"} }

func (p *pipes) dial() net.Conn {
	far, near := net.Pipe()
	select {
	case p.accept <- far:
	case <-p.closed:
		far.Close()
	}
	return pump(near)
}

// A pumped connection reads ahead, as a socket's buffer does: a pipe has none, and both ends
// would wait for each other's reads.
type pumped struct {
	net.Conn
	mu      sync.Mutex
	more    sync.Cond
	b       bytes.Buffer
	err     error
	stopped bool
}

// stop stops reading, once what is on its way has come.
func (p *pumped) stop() {
	p.mu.Lock()
	p.stopped = true
	p.mu.Unlock()
}

func pump(nc net.Conn) net.Conn {
	p := &pumped{Conn: nc}
	p.more.L = &p.mu
	go func() {
		b := make([]byte, 64<<10)
		for {
			n, err := nc.Read(b)
			p.mu.Lock()
			p.b.Write(b[:n])
			p.err = err
			p.more.Broadcast()
			stopped := p.stopped
			p.mu.Unlock()
			if err != nil || stopped {
				return
			}
		}
	}()
	return p
}

func (p *pumped) Read(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for p.b.Len() == 0 && p.err == nil {
		p.more.Wait()
	}
	if p.b.Len() > 0 {
		return p.b.Read(b)
	}
	if errors.Is(p.err, io.ErrClosedPipe) {
		return 0, io.EOF
	}
	return 0, p.err
}

// holdAll holds all data until hold is closed.
func holdAll(hold <-chan struct{}) sbd.Rule {
	return sbd.Rule{Calls: sbd.CallReadAt | sbd.CallWriteAt, Hold: hold}
}
