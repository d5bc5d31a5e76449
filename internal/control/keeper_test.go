package control

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A store is a service manager that keeps sockets, by their names.
type store struct {
	mu    sync.Mutex
	files map[string]int // descriptors
}

// keepSockets is the service manager of the daemons of a test.
func keepSockets(t *testing.T) *store {
	c := notifySocket(t)
	t.Setenv("FDSTORE", "8")
	s := &store{files: make(map[string]int)}
	go func() {
		for {
			b, oob := make([]byte, 256), make([]byte, 256)
			n, m, _, _, err := c.ReadMsgUnix(b, oob)
			if err != nil {
				return
			}
			s.hear(t, string(b[:n]), oob[:m])
		}
	}()
	return s
}

func (s *store) hear(t *testing.T, said string, oob []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	verb, name, _ := strings.Cut(said, "\nFDNAME=")
	switch verb {
	case "FDSTORE=1":
		messages, err := syscall.ParseSocketControlMessage(oob)
		if err != nil || len(messages) != 1 {
			t.Errorf("%q came with %d messages, %v", said, len(messages), err)
			return
		}
		fds, err := syscall.ParseUnixRights(&messages[0])
		if err != nil || len(fds) != 1 {
			t.Errorf("%q came with %v, %v", said, fds, err)
			return
		}
		if old, there := s.files[name]; there {
			syscall.Close(old)
		}
		s.files[name] = fds[0]
	case "FDSTOREREMOVE=1":
		syscall.Close(s.files[name])
		delete(s.files, name)
	}
}

// names are what is kept.
func (s *store) names() (names string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for name := range s.files {
		names += name + " "
	}
	return names
}

// hand hands over copies of what is kept.
func (s *store) hand() (files []*os.File) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for name, kept := range s.files {
		if fd, err := syscall.Dup(kept); err == nil {
			files = append(files, os.NewFile(uintptr(fd), name))
		}
	}
	return files
}

// TestKeptSockets: whoever connects while the daemon is away is served by the next one.
func TestKeptSockets(t *testing.T) {
	s := keepSockets(t)
	a := netip.MustParseAddrPort(freePort(t))
	r := start(t, func(o *Options) {
		o.Listen = []netip.AddrPort{a}
		o.kept = s.hand
	})
	must(r.CreateTarget(t.Context(), TargetCreate{Name: iqnA}))(t)
	c := new(clock)
	c.until(t, "the socket", func() bool { return s.names() != "" })
	if want := fmt.Sprintf("portal-%s_%d ", a.Addr(), a.Port()); s.names() != want {
		t.Errorf("kept %q, want %q", s.names(), want)
	}
	r.end()
	waiting, err := net.Dial("tcp", a.String())
	if err != nil {
		t.Fatalf("refused while the daemon is away: %v", err)
	}
	r.run()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if _, err := waiting.Read(make([]byte, 1)); err == nil {
			t.Error("it hears something unasked")
		}
	}()
	conn, status := login(t, a.String(), iqnA)
	if status != 0 {
		t.Errorf("login status %04xh", status)
	}
	conn.Close()
	c.until(t, "the connection that waited", func() bool { return r.d.server.Metrics().Connections >= 1 })
	waiting.Close()
	<-ended

	// A portal that is wanted no more is not kept.
	other := netip.MustParseAddrPort(freePort(t))
	g := must(r.CreateGroup(t.Context(), GroupCreate{Name: "g", Portals: []string{other.String()}}))(t)
	c.until(t, "the second socket", func() bool { return strings.Count(s.names(), "portal") == 2 })
	must(r.DeleteGroup(t.Context(), g.Name, GroupDelete{}))(t)
	c.until(t, "the end of the second socket", func() bool { return strings.Count(s.names(), "portal") == 1 })
	r.end()
	r.opts.Listen = []netip.AddrPort{other}
	r.run()
	want := fmt.Sprintf("portal-%s_%d ", other.Addr(), other.Port())
	c.until(t, "the other socket alone", func() bool { return s.names() == want })
	if nc, err := net.Dial("tcp", a.String()); err == nil {
		nc.Close()
		t.Error("the old portal still listens")
	}
}

// TestKeptRemote: a client of the remote API that comes while the daemon is away is answered by the
// next one.
func TestKeptRemote(t *testing.T) {
	s := keepSockets(t)
	r := start(t, func(o *Options) {
		o.Remote = netip.MustParseAddrPort(freePort(t))
		o.kept = s.hand
	})
	name := fmt.Sprintf("portal-%s_%d ", r.opts.Remote.Addr(), r.opts.Remote.Port())
	c := new(clock)
	c.until(t, "the socket", func() bool { return strings.Contains(s.names(), name) })
	at := r.remotely()
	at.Token = must(r.CreateToken(t.Context(), TokenCreate{"backup"}))(t).Token
	r.end()
	if nc, err := net.Dial("tcp", r.opts.Remote.String()); err != nil {
		t.Fatalf("refused while the daemon is away: %v", err)
	} else {
		nc.Close()
	}
	answered := make(chan error, 1)
	go func() {
		_, err := NewRemoteClient(at).Status(t.Context())
		answered <- err
	}()
	r.run()
	if err := <-answered; err != nil {
		t.Error(err)
	}
	r.end()
	r.opts.Remote = netip.AddrPort{}
	r.run()
	c.until(t, "the end of the socket", func() bool { return !strings.Contains(s.names(), name) })
}

// TestKeptStrangers: what is handed over and is no portal is closed, and no harm done.
func TestKeptStrangers(t *testing.T) {
	plain, err := os.Create(filepath.Join(t.TempDir(), "plain"))
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	f, err := l.(*net.TCPListener).File()
	if err != nil {
		t.Fatal(err)
	}
	a := netip.MustParseAddrPort(l.Addr().String())
	l.Close()
	k := newKeeper([]*os.File{plain, f})
	if len(k.kept) != 1 {
		t.Errorf("kept %v", k.kept)
	}
	if _, err := plain.Stat(); err == nil {
		t.Error("the file is still open")
	}
	k.release(func(netip.AddrPort) bool { return false })
	if nc, err := net.Dial("tcp", a.String()); err == nil {
		nc.Close()
		t.Error("the socket is still open")
	}
}

// TestKeptFiles: descriptors that were meant for another process are not ours.
func TestKeptFiles(t *testing.T) {
	t.Setenv("LISTEN_FDS", "1000")
	t.Setenv("LISTEN_PID", strconv.Itoa(os.Getpid()+1))
	if files := keptFiles(); files != nil {
		t.Errorf("taken: %v", files)
	}
	t.Setenv("LISTEN_FDS", "0")
	t.Setenv("LISTEN_PID", strconv.Itoa(os.Getpid()))
	if diff := cmp.Diff([]*os.File(nil), keptFiles()); diff != "" {
		t.Error(diff)
	}
	if os.Getenv("LISTEN_PID") != "" {
		t.Error("they would be taken twice")
	}
}
