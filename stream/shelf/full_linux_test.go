package shelf

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/lunarsan/lunar/sbd"
	"github.com/lunarsan/lunar/sbd/layer"
	"github.com/lunarsan/lunar/sbd/storetest"
	"github.com/lunarsan/lunar/stream"
)

// TestFullDisk: a stream for which there is no room leaves the volume as it was, and the room for
// another when it is abandoned.
func TestFullDisk(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root mounts file systems")
	}
	small := filepath.Join(t.TempDir(), "mnt")
	do(t, os.Mkdir(small, 0o700))
	if err := unix.Mount("tmpfs", small, "tmpfs", 0, "size=6m"); err != nil {
		t.Skip(err)
	}
	t.Cleanup(func() { do(t, unix.Unmount(small, 0)) })
	ctx := context.Background()
	source, replica := New(filepath.Join(storetest.Memory(t), "source")), New(filepath.Join(small, "replica"))
	do(t, sbd.Create(source.path(), 4<<20, true))
	noise := rand.NewChaCha8([32]byte{})
	write := func(n int) {
		t.Helper()
		s, err := layer.Open(source.path(), sbd.OpenOptions{})
		do(t, err)
		p := make([]byte, n)
		_, _ = noise.Read(p)
		_, err = s.WriteAt(p, 0)
		do(t, errors.Join(err, s.Sync(), s.Close()))
	}
	send := func(name, from string) *bytes.Buffer {
		t.Helper()
		_, err := source.Take(ctx, name)
		do(t, err)
		return sent(t, source, stream.Send{Snapshot: name, From: from})
	}
	write(4 << 20)
	_, err := replica.Receive(ctx, send("a", ""), stream.Receive{})
	do(t, err)
	was := see(t, replica)
	write(4 << 20)
	if _, err := replica.Receive(ctx, send("b", "a"), stream.Receive{}); !errors.Is(err, stream.ErrSpace) {
		t.Errorf("there is no room: %v", err)
	}
	if is := see(t, replica); is != was {
		t.Errorf("it was %v, and is %v", was, is)
	}
	do(t, replica.Abandon(ctx))
	if _, err := replica.Receive(ctx, sent(t, source, stream.Send{Snapshot: "b"}), stream.Receive{Anew: true}); !errors.Is(err, stream.ErrSpace) {
		t.Errorf("there is no room for both: %v", err)
	}
	if is := see(t, replica); is != was {
		t.Errorf("it was %v, and is %v", was, is)
	}
	do(t, source.Rollback(ctx, "a"))
	write(64 << 10)
	do(t, replica.Abandon(ctx))
	if _, err := replica.Receive(ctx, send("c", "a"), stream.Receive{}); err != nil {
		t.Errorf("there is room: %v", err)
	}
}

// sent is a stream.
func sent(t *testing.T, s *Shelf, q stream.Send) *bytes.Buffer {
	t.Helper()
	r, err := s.Send(t.Context(), q)
	do(t, err)
	var all bytes.Buffer
	_, err = io.Copy(&all, r)
	do(t, errors.Join(err, r.Close()))
	return &all
}
