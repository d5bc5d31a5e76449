package control

import (
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// A rig is a running daemon and a client of it.
type rig struct {
	*Client
	t     *testing.T
	opts  Options
	d     *Daemon
	log   *lines
	ended chan error
	stop  context.CancelFunc
}

// lines collects what is logged.
type lines struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// start runs a daemon on a state of its own until the end of the test. change, which may be
// nil, changes how it is started.
func start(t *testing.T, change func(*Options)) *rig {
	t.Helper()
	r := &rig{t: t, log: new(lines)}
	r.opts = Options{
		StateDir: filepath.Join(t.TempDir(), "state"),
		Listen:   []netip.AddrPort{netip.MustParseAddrPort("127.0.0.1:0")},
		Memory:   64 << 20,
		Version:  "test",
		Log:      slog.New(slog.NewTextHandler(r.log, nil)),
	}
	r.opts.Socket = filepath.Join(shortDir(t), "s")
	if change != nil {
		change(&r.opts)
	}
	r.run()
	t.Cleanup(r.end)
	return r
}

// shortDir is a folder whose name is short enough for a socket in it.
func shortDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "lunar")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

func (r *rig) run() {
	r.t.Helper()
	ready := make(chan struct{})
	r.opts.Ready = func() { close(ready) }
	d, err := Open(r.opts)
	if err != nil {
		r.t.Fatal(err)
	}
	r.d = d
	ctx, stop := context.WithCancel(context.Background())
	r.stop, r.ended = stop, make(chan error, 1)
	go func() { r.ended <- d.Run(ctx) }()
	select {
	case <-ready:
	case err := <-r.ended:
		r.t.Fatal(err)
	}
	r.Client = NewClient(r.opts.Socket)
}

// end stops the daemon, and fails the test if anything is left of it.
func (r *rig) end() {
	r.t.Helper()
	if r.d == nil {
		return
	}
	r.stop()
	if err := <-r.ended; err != nil {
		r.t.Errorf("the daemon ended with %v\n%s", err, r.log)
	}
	if n := r.d.pool.Outstanding(); n != 0 {
		r.t.Errorf("%d buffers are outstanding", n)
	}
	r.d = nil
}

// restart ends the daemon and starts another on the same state.
func (r *rig) restart() {
	r.t.Helper()
	r.end()
	r.run()
}

// path is a place for a store.
func (r *rig) path(name string) string { return filepath.Join(filepath.Dir(r.opts.StateDir), name) }

// must returns what a call gave, or fails the test.
func must[A any](a A, err error) func(*testing.T) A {
	return func(t *testing.T) A {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
}

// wantProblem checks that err is a Problem whose text has the words, and that says what to do.
func wantProblem(t *testing.T, err error, words ...string) {
	t.Helper()
	var p *Problem
	if !errors.As(err, &p) {
		t.Errorf("error %v, want a Problem", err)
		return
	}
	if p.Hint == "" {
		t.Errorf("%q has no hint", p.Title)
	}
	for _, w := range words {
		if !strings.Contains(p.Title+"\n"+p.Hint, w) {
			t.Errorf("problem %q, %q: want %q in it", p.Title, p.Hint, w)
		}
	}
}

// A clock lets the time of a daemon pass when the test says so.
type clock struct {
	mu      sync.Mutex
	waiting []chan struct{}
}

func (c *clock) wait(ctx context.Context, _ time.Duration) error {
	passed := make(chan struct{})
	c.mu.Lock()
	c.waiting = append(c.waiting, passed)
	c.mu.Unlock()
	select {
	case <-passed:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// tick ends all waits that have begun.
func (c *clock) tick() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, w := range c.waiting {
		close(w)
	}
	c.waiting = nil
}

// until lets time pass until ok, which must come about soon.
func (c *clock) until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for !ok() {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain: %s", what)
		}
		c.tick()
		time.Sleep(time.Millisecond) // the daemon's goroutines run on the real clock
	}
}

// eventually waits until ok, which must come about soon by itself.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	new(clock).until(t, what, ok)
}

var errBroken = errors.New("broken for the test")

// crash ends the daemon without a drain of its state, as far as the next one can tell, and
// starts another on it.
func (r *rig) crash() {
	r.t.Helper()
	left := filepath.Join(r.opts.StateDir, boltFile)
	state, err := os.ReadFile(left)
	if err != nil {
		r.t.Fatal(err)
	}
	r.end()
	if err := os.WriteFile(left, state, 0o600); err != nil {
		r.t.Fatal(err)
	}
	r.run()
}
