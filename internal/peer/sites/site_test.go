//go:build peers && linux

package sites

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/lunarsan/lunar/internal/peer"
	"github.com/lunarsan/lunar/sbd"
	"github.com/lunarsan/lunar/sbd/layer"
	"github.com/lunarsan/lunar/stream"
	"github.com/lunarsan/lunar/stream/shelf"
)

// replica is the volume that is received, below the root.
const replica = "disk.img"

// lunar is the program of this checkout, built once.
var lunar string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "lunar-sites-")
	if err == nil {
		var root string
		if root, err = peer.Checkout(); err == nil {
			lunar, err = peer.Build(root, dir)
		}
	}
	status := 1
	if err == nil {
		status = m.Run()
	} else {
		fmt.Fprintln(os.Stderr, err)
	}
	_ = os.RemoveAll(dir)
	os.Exit(status)
}

// A rig is two sites.
type rig struct {
	t      *testing.T
	work   string // in memory
	source *shelf.Shelf
	sums   map[uint64]stream.Sum // of the source's snapshots, by GUID
	prints map[string]string     // fingerprints, by the names of keys
	root   string                // folder of the replica
	addr   string                // where the receiver listens
	link   *link
	limit  string
}

// newRig makes a volume of so many MiB with three snapshots.
func newRig(t *testing.T, mib int) *rig {
	t.Helper()
	work, err := os.MkdirTemp("/dev/shm", "lunar-sites")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(work) })
	r := &rig{t: t, work: work, source: shelf.New(filepath.Join(work, "source.img")), sums: map[uint64]stream.Sum{}, prints: map[string]string{}}
	for _, name := range []string{"send", "take", "stranger"} {
		out, err := exec.Command(lunar, "key", "show", "--key", r.key(name)).Output()
		r.check(err)
		r.prints[name] = strings.TrimSpace(string(out))
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r.addr = l.Addr().String() // taken again at once by the receiver
	l.Close()
	r.link = newLink(t, r.addr)
	r.newRoot()
	r.check(sbd.Create(r.source.Path(), int64(mib)<<20, true))
	rest := rand.NewChaCha8([32]byte{1})
	for i, part := range []int64{1, 6, 8} { // all of it, then parts
		r.write(r.source.Path(), rest, int64(mib)<<20/part)
		s, err := r.source.Take(t.Context(), fmt.Sprintf("s%d", i+1))
		r.check(err)
		r.sums[s.GUID] = r.digest(r.source, s.Name)
	}
	return r
}

func (r *rig) check(err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
}

func (r *rig) key(name string) string { return filepath.Join(r.work, name+".key") }

// newRoot has the replicas be in a folder that has none.
func (r *rig) newRoot() {
	root, err := os.MkdirTemp(r.work, "root")
	r.check(err)
	r.root = root
}

// write writes n bytes that nobody knows to the beginning of a volume.
func (r *rig) write(path string, from io.Reader, n int64) {
	r.t.Helper()
	s, err := layer.Open(path, sbd.OpenOptions{})
	r.check(err)
	p := make([]byte, n)
	_, err = io.ReadFull(from, p)
	r.check(err)
	_, err = s.WriteAt(p, 0)
	r.check(errors.Join(err, s.Sync(), s.Close()))
}

// digest is what a volume has at a snapshot.
func (r *rig) digest(v stream.Volume, snapshot string) stream.Sum {
	r.t.Helper()
	d, err := stream.DigestOf(r.t.Context(), v, snapshot, nil)
	r.check(err)
	return d.Root()
}

// A site is one of the processes.
type site struct {
	*exec.Cmd
	said *bytes.Buffer
}

// start starts a process.
func (r *rig) start(args ...string) *site {
	r.t.Helper()
	s := &site{exec.Command(lunar, args...), new(bytes.Buffer)}
	s.Stdout, s.Stderr = s.said, s.said
	s.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	r.check(s.Start())
	r.t.Cleanup(s.kill)
	return s
}

// kill is kill -9. A second time does nothing.
func (s *site) kill() {
	_ = s.Process.Kill() // it may have ended
	_ = s.Wait()
}

// receiver starts the process that receives, and waits until it listens.
func (r *rig) receiver() *site {
	r.t.Helper()
	s := r.start("receive", "--listen", r.addr, "--key", r.key("take"), "--allow", r.prints["send"], "--root", r.work)
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		c, err := net.Dial("tcp", r.addr)
		if err == nil {
			c.Close()
			return s
		}
		if time.Now().After(end) {
			s.kill()
			r.t.Fatalf("the receiver does not listen: %s", s.said)
		}
	}
}

// sender starts a process that sends what the source has.
func (r *rig) sender(more ...string) *site {
	return r.send(append([]string{r.source.Path(), "--all", "--history"}, more...)...)
}

// send starts a process that sends its first argument to the replica; of a flag that is there twice
// the last counts.
func (r *rig) send(args ...string) *site {
	r.t.Helper()
	to := "lunar://" + r.link.addr + "/" + filepath.Join(r.root, replica)
	return r.start(append([]string{"send", args[0], to, "--key", r.key("send"), "--fingerprint", r.prints["take"], "--connections", "2", "--limit", r.limit}, args[1:]...)...)
}

// sent waits for a sender to have done everything.
func (r *rig) sent(s *site) {
	r.t.Helper()
	if err := s.Wait(); err != nil {
		r.t.Fatalf("the sender ended with %v: %s", err, s.said)
	}
}

// refused waits for a sender to give up, saying something.
func (r *rig) refused(s *site, says string) {
	r.t.Helper()
	if err := s.Wait(); err == nil || !strings.Contains(s.said.String(), says) {
		r.t.Errorf("the sender ended with %v, and should say %q: %s", err, says, s.said)
	}
}

// whole holds the newest snapshot that is to be seen of the replica to that of the source; it
// returns how many there are.
func (r *rig) whole() int {
	r.t.Helper()
	v := shelf.New(filepath.Join(r.root, replica))
	list, err := v.Snapshots(r.t.Context())
	if errors.Is(err, stream.ErrNoVolume) {
		return 0
	}
	r.check(err)
	list = slices.DeleteFunc(list, func(s stream.Snapshot) bool { return s.Bookmark })
	for _, s := range list {
		if _, ok := r.sums[s.GUID]; !ok {
			r.t.Fatalf("the replica has %s, which there is not", s.Name)
		}
	}
	if len(list) > 0 {
		if newest := list[len(list)-1]; r.digest(v, newest.Name) != r.sums[newest.GUID] {
			r.t.Fatalf("the replica has not what %s has", newest.Name)
		}
	}
	return len(list)
}
