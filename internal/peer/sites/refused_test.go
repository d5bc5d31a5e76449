//go:build peers && linux

package sites

import (
	"crypto/rand"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/lunarsan/lunar/sbd"
	"github.com/lunarsan/lunar/stream"
	"github.com/lunarsan/lunar/stream/shelf"
)

// TestPeerWrongKeys refuses a sender that is not known, and a receiver that is another.
func TestPeerWrongKeys(t *testing.T) {
	r := newRig(t, 4)
	r.receiver()
	r.refused(r.sender("--key", r.key("stranger")), "key")
	r.refused(r.sender("--fingerprint", r.prints["stranger"]), "key")
	if names, err := os.ReadDir(r.root); err != nil || len(names) > 0 {
		t.Errorf("they left %v, %v", names, err)
	}
	r.sent(r.sender())
}

// TestPeerWrongSnapshot refuses a volume that has another history, and one that was written to;
// nothing of it is lost.
func TestPeerWrongSnapshot(t *testing.T) {
	r := newRig(t, 4)
	r.receiver()
	path := filepath.Join(r.root, replica)
	r.check(sbd.Create(path, 4<<20, true))
	r.write(path, rand.Reader, 1<<20)
	other := shelf.New(path)
	s, err := other.Take(t.Context(), "s1") // the name alone is the same
	r.check(err)
	before := r.digest(other, "s1")
	r.refused(r.sender(), "--reseed")
	list, err := other.Snapshots(t.Context())
	if r.check(err); len(list) != 1 || list[0].GUID != s.GUID || r.digest(other, "s1") != before {
		t.Errorf("it is another volume now: %v", list)
	}

	r.newRoot()
	r.sent(r.sender())
	path = filepath.Join(r.root, replica)
	r.write(path, rand.Reader, 1<<20)
	r.write(r.source.Path(), rand.Reader, 1<<20)
	_, err = r.source.Take(t.Context(), "s4")
	r.check(err)
	r.refused(r.sender(), "--rollback")
	kept, err := shelf.New(path).Take(t.Context(), "kept") // what was written is there
	r.check(err)
	if r.digest(shelf.New(path), kept.Name) == r.sums[s.GUID] {
		t.Error("what was written is lost")
	}
}

// TestPeerFullDisk has the receiver's disk run full: what was there stays, and with more room the
// rest comes.
func TestPeerFullDisk(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root mounts file systems")
	}
	r := newRig(t, 24)
	if err := syscall.Mount("lunar", r.root, "tmpfs", 0, "size=26m"); err != nil {
		t.Skipf("mounting a small file system: %v", err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(r.root, syscall.MNT_DETACH) })
	receiver := r.receiver()
	r.refused(r.sender(), stream.ErrSpace.Error())
	n := r.whole()
	if n == 0 || n == len(r.sums) {
		t.Errorf("%d snapshots fit on the disk", n)
	}
	receiver.kill()
	if got := r.whole(); got != n {
		t.Errorf("%d snapshots are left of %d", got, n)
	}
	r.check(syscall.Mount("lunar", r.root, "tmpfs", syscall.MS_REMOUNT, "size=200m"))
	receiver = r.receiver()
	r.sent(r.sender())
	if got := r.whole(); got != len(r.sums) {
		t.Errorf("with more room there are %d snapshots", got)
	}
	receiver.kill()
}

// TestPeerTruncated gives the receiver streams that end too early, or were changed on the way: it
// has the snapshot before, and takes the whole stream after.
func TestPeerTruncated(t *testing.T) {
	r := newRig(t, 8)
	r.receiver()
	read := func(s stream.Send) []byte {
		in, err := r.source.Send(t.Context(), s)
		r.check(err)
		p, err := io.ReadAll(in)
		r.check(err)
		r.check(in.Close())
		return p
	}
	pipe := func(p []byte) *site {
		name := filepath.Join(r.work, "stream")
		r.check(os.WriteFile(name, p, 0o600))
		return r.send("file:" + name)
	}
	r.sent(pipe(read(stream.Send{Snapshot: "s1"})))
	next := read(stream.Send{Snapshot: "s2", From: "s1"})
	for _, n := range []int{0, 100, 1000, len(next) / 2, len(next) - 1} {
		r.refused(pipe(next[:n]), stream.ErrStream.Error())
		if got := r.whole(); got != 1 {
			t.Errorf("after %d bytes of %d there are %d snapshots", n, len(next), got)
		}
	}
	damaged := append([]byte(nil), next...)
	damaged[len(next)/2] ^= 1
	r.refused(pipe(damaged), stream.ErrStream.Error())
	r.refused(pipe(read(stream.Send{Snapshot: "s3", From: "s2"})), stream.ErrBase.Error())
	if got := r.whole(); got != 1 {
		t.Errorf("there are %d snapshots", got)
	}
	r.sent(pipe(next))
	if got := r.whole(); got != 2 {
		t.Errorf("the whole stream makes it %d snapshots", got)
	}
}
