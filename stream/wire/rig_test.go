package wire

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"math/rand/v2"
	"net"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/lunarsan/lunar/stream"
)

// A pipeVolume sends what source makes and sums what it receives, as a plain pipe would: there
// is no going back in it.
type pipeVolume struct {
	stream.Volume // nothing else is called
	name          string
	source        func() io.Reader
	sends         atomic.Int32
	failAfter     error // of receive
	pace          func(n int)

	mu       sync.Mutex
	received int64
	sum      [sha256.Size]byte
}

func (v *pipeVolume) Name() string { return v.name }

func (v *pipeVolume) Snapshots(context.Context) ([]stream.Snapshot, error) {
	return []stream.Snapshot{{Name: "a", GUID: 7}}, nil
}

func (v *pipeVolume) Destroy(_ context.Context, name string) error {
	return fmt.Errorf("%s@%s: %w", v.name, name, stream.ErrHeld)
}

func (v *pipeVolume) Send(_ context.Context, s stream.Send) (io.ReadCloser, error) {
	if s.Snapshot == "missing" {
		return nil, fmt.Errorf("%s@missing: %w", v.name, stream.ErrNoSnapshot)
	}
	v.sends.Add(1)
	return io.NopCloser(v.source()), nil
}

func (v *pipeVolume) Receive(_ context.Context, in io.Reader, r stream.Receive) (stream.Snapshot, error) {
	h := sha256.New()
	n, err := io.Copy(&paced{h, v.pace}, in)
	v.mu.Lock()
	defer v.mu.Unlock()
	v.received += n
	v.sum = [sha256.Size]byte(h.Sum(nil))
	if err == nil {
		err = v.failAfter
	}
	return stream.Snapshot{Name: r.Name, GUID: 9}, err
}

type paced struct {
	hash.Hash
	pace func(n int)
}

func (p *paced) Write(b []byte) (int, error) {
	if p.pace != nil {
		p.pace(len(b))
	}
	return p.Hash.Write(b)
}

// A material is a stream of n bytes that compress to about a half; every one of it is different.
type material struct {
	left int64
	rand *rand.ChaCha8
}

func newMaterial(n int64) *material { return &material{left: n, rand: rand.NewChaCha8([32]byte{1})} }

func (m *material) Read(p []byte) (int, error) {
	if m.left == 0 {
		return 0, io.EOF
	}
	n := int(min(int64(len(p)), m.left, 4096))
	clear(p[:n])
	_, _ = m.rand.Read(p[:n/2])
	m.left -= int64(n)
	return n, nil
}

// sumOf is the SHA-256 of all of a stream.
func sumOf(t *testing.T, r io.Reader) [sha256.Size]byte {
	t.Helper()
	h := sha256.New()
	if _, err := io.Copy(h, r); err != nil {
		t.Fatal(err)
	}
	return [sha256.Size]byte(h.Sum(nil))
}

// A mapHost has volumes by name.
type mapHost map[string]stream.Volume

func (h mapHost) Volumes(context.Context) (names []string, err error) {
	for name := range h {
		names = append(names, name)
	}
	return names, nil
}

func (h mapHost) Volume(_ context.Context, name string) (stream.Volume, error) {
	if v := h[name]; v != nil {
		return v, nil
	}
	return nil, fmt.Errorf("%s: %w", name, stream.ErrNoVolume)
}

// A rig is a server, and what clients dial it by, in one process.
type rig struct {
	t       *testing.T
	server  *Server
	host    Host
	wrap    func(net.Conn) net.Conn // the client's end
	serving sync.WaitGroup
	dials   atomic.Int32
	down    atomic.Bool

	mu    sync.Mutex
	conns []net.Conn
}

func newRig(t *testing.T, host Host, o Options) *rig {
	t.Helper()
	before := runtime.NumGoroutine()
	r := &rig{t: t, server: NewServer(o), host: host}
	t.Cleanup(func() {
		r.cut()
		if err := r.server.Close(); err != nil {
			t.Error(err)
		}
		r.serving.Wait()
		noneLeft(t, before)
	})
	return r
}

func (r *rig) dial(context.Context) (io.ReadWriteCloser, error) {
	r.dials.Add(1)
	if r.down.Load() {
		return nil, errors.New("the network is down")
	}
	near, far := net.Pipe()
	r.mu.Lock()
	r.conns = append(r.conns, near)
	r.mu.Unlock()
	r.serving.Go(func() { _ = r.server.Serve(context.Background(), far, "client", r.host) })
	if r.wrap != nil {
		return r.wrap(near), nil
	}
	return near, nil
}

// cut ends all connections.
func (r *rig) cut() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, c := range r.conns {
		_ = c.Close()
	}
	r.conns = nil
}

// link connects a client, which is closed before the server.
func (r *rig) link(o Options) *Link {
	r.t.Helper()
	o.Name = "far"
	l, err := Connect(r.t.Context(), r.dial, o)
	if err != nil {
		r.t.Fatal(err)
	}
	blocks := l.now.s.pool
	r.t.Cleanup(func() {
		if err := l.Close(); err != nil {
			r.t.Error(err)
		}
		for wait := time.Now().Add(5 * time.Second); blocks.outstanding() != 0; time.Sleep(time.Millisecond) {
			if time.Now().After(wait) {
				r.t.Fatalf("%d bytes of blocks are still somebody's", blocks.outstanding())
			}
		}
	})
	return l
}

// noneLeft waits for goroutines to end.
func noneLeft(t *testing.T, before int) {
	t.Helper()
	for wait := time.Now().Add(5 * time.Second); runtime.NumGoroutine() > before; time.Sleep(time.Millisecond) {
		if time.Now().Before(wait) {
			continue
		}
		// The runtime's own are counted while they run finalizers, and have no stack here. In a
		// bubble no real time passes in which they could be done.
		stacks := make([]byte, 1<<20)
		stacks = stacks[:runtime.Stack(stacks, true)]
		if n := bytes.Count(stacks, []byte("goroutine ")) - bytes.Count(stacks, []byte("in goroutine ")); n > before {
			t.Fatalf("%d goroutines, and there were %d before:\n%s", n, before, stacks)
		}
		return
	}
}
