package shelf

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lunarsan/lunar/sbd"
	"github.com/lunarsan/lunar/sbd/layer"
	"github.com/lunarsan/lunar/sbd/storetest"
	"github.com/lunarsan/lunar/stream"
	"github.com/lunarsan/lunar/stream/dmu"
	"github.com/lunarsan/lunar/stream/image"
)

func length(t *testing.T, s *Shelf, q stream.Send) int64 {
	t.Helper()
	r, err := s.Send(context.Background(), q)
	do(t, err)
	n, err := io.Copy(io.Discard, r)
	do(t, errors.Join(err, r.Close()))
	return n
}

// TestBookmarkRemembers: a stream from a bookmark has no more than what changed since, also when
// several snapshots behind it were destroyed; and everything where that was lost.
func TestBookmarkRemembers(t *testing.T) {
	onBoth(t, func(t *testing.T, folder string) { remembers(t, New(filepath.Join(folder, "disk"))) })
}

func remembers(t *testing.T, s *Shelf) {
	ctx := context.Background()
	do(t, sbd.Create(s.path(), 4<<20, true))
	take := func(name string) {
		t.Helper()
		_, err := s.Take(ctx, name)
		do(t, err)
	}
	for off := int64(0); off < 2<<20; off += 8192 {
		s.fill(t, '1', off)
	}
	take("a")
	do(t, s.Bookmark(ctx, "a", "m"))
	for i, name := range []string{"b", "c", "d", "e"} {
		s.fill(t, '2', int64(i)*256<<10)
		take(name)
	}
	want := length(t, s, stream.Send{Snapshot: "e", From: "a"})
	if want > 200<<10 {
		t.Fatalf("an increment has %d bytes", want)
	}
	for _, name := range []string{"a", "c", "b", "d"} {
		do(t, s.Destroy(ctx, name))
		if got := length(t, s, stream.Send{Snapshot: "e", From: "#m"}); got > want*2 {
			t.Errorf("without %s a stream from the bookmark has %d bytes, and %d do", name, got, want)
		}
	}
	take("f")
	if got := length(t, s, stream.Send{Snapshot: "f", From: "#m"}); got > want*2 {
		t.Errorf("a stream from the bookmark to f has %d bytes, and %d do", got, want)
	}
	do(t, s.Destroy(ctx, "f"))
	do(t, s.Destroy(ctx, "e")) // nothing is left that the changes lead to
	take("g")
	if got := length(t, s, stream.Send{Snapshot: "g", From: "#m"}); got < 2<<20 {
		t.Errorf("a stream from a bookmark of which nothing is known has %d bytes", got)
	}
}

// TestAdopt: what a stream was applied to by its path has a snapshot, unless it was written to.
func TestAdopt(t *testing.T) {
	onBoth(t, adopts)
}

func adopts(t *testing.T, folder string) {
	ctx := context.Background()
	for _, touched := range []bool{false, true} {
		s := New(filepath.Join(folder, "disk"))
		do(t, errors.Join(os.RemoveAll(s.root()), os.RemoveAll(s.path())))
		do(t, sbd.Create(s.path(), 1<<20, true))
		store, err := image.Open(s.path(), image.Options{})
		do(t, err)
		link := dmu.Link{GUID: 7, Name: "tank/vm@old", Size: 1 << 20, BlockSize: 8192}
		do(t, errors.Join(store.Save(&dmu.Chain{Snapshots: []dmu.Link{link}}), store.Close()))
		if touched {
			s.fill(t, '1', 0)
		}
		list, err := s.Snapshots(ctx)
		do(t, err)
		if touched != (len(list) == 0) || !touched && (list[0].Name != "old" || list[0].GUID != 7) {
			t.Errorf("written to %v: it has %+v", touched, list)
		}
		if touched {
			continue
		}
		do(t, s.Destroy(ctx, "old"))
		if list, err := s.Snapshots(ctx); len(list) > 0 || err != nil {
			t.Errorf("what was destroyed is back: %+v, %v", list, err)
		}
	}
}

// TestTakeHeld makes a snapshot of a file that is open, and one that was given up.
func TestTakeHeld(t *testing.T) {
	onBoth(t, func(t *testing.T, folder string) { takeHeld(t, New(filepath.Join(folder, "disk"))) })
}

func takeHeld(t *testing.T, s *Shelf) {
	ctx := context.Background()
	do(t, sbd.Create(s.path(), 1<<20, true))
	store, err := sbd.Open(s.path(), sbd.OpenOptions{})
	do(t, err)
	defer func() { do(t, store.Close()) }()
	if _, err := s.Take(ctx, "a"); !errors.Is(err, stream.ErrInUse) {
		t.Errorf("one that is open: %v", err)
	}
	for _, keep := range []bool{false, true} {
		taking, err := s.Begin(ctx, "a")
		do(t, err)
		if _, err := taking.Keep(); !errors.Is(err, ErrNotFrozen) {
			t.Errorf("kept before it was frozen: %v", err)
		}
		store, err = taking.Freeze(store, sbd.OpenOptions{})
		do(t, err)
		if _, err := store.WriteAt([]byte("later"), 0); err != nil {
			t.Fatal(err)
		}
		if keep {
			_, err = taking.Keep()
			do(t, err)
		}
		taking.End()
		list, err := s.Snapshots(ctx)
		if err != nil || keep != (len(list) == 1) {
			t.Errorf("kept %v: %+v, %v", keep, list, err)
		}
	}
	c, err := image.ReadChain(s.folder.chain())
	do(t, err)
	if written, _ := layer.Written(s.path()); c.Modified.Equal(written) {
		t.Error("the file counts as untouched although it is in use")
	}
}

// TestShare: a file that others write to gets no layers, unless it has some; reflinks do no harm.
func TestShare(t *testing.T) {
	ctx := context.Background()
	for kind, want := range map[string]error{"xfs": nil, "layers": ErrLayers} {
		t.Run(kind, func(t *testing.T) {
			s := New(filepath.Join(mounted(t, kind), "disk"))
			s.Share()
			do(t, sbd.Create(s.path(), 1<<20, true))
			if _, err := s.Take(ctx, "a"); !errors.Is(err, want) {
				t.Fatalf("%v, want %v", err, want)
			}
			_, err := New(s.path()).Take(ctx, "b")
			do(t, err)
			_, err = s.Take(ctx, "c")
			do(t, err)
		})
	}
}

// TestGoOnCompressed: the rest of a stream is compressed if what was cut was.
func TestGoOnCompressed(t *testing.T) {
	ctx := context.Background()
	folder := storetest.Memory(t)
	s, replica := New(filepath.Join(folder, "disk")), New(filepath.Join(folder, "replica"))
	do(t, sbd.Create(s.path(), 2<<20, true))
	for off := int64(0); off < 2<<20; off += 8192 {
		s.fill(t, '1', off)
	}
	_, err := s.Take(ctx, "a")
	do(t, err)
	whole := length(t, s, stream.Send{Snapshot: "a", Compressed: true})
	r, err := s.Send(ctx, stream.Send{Snapshot: "a", Compressed: true})
	do(t, err)
	if _, err := replica.Receive(ctx, io.LimitReader(r, whole/2), stream.Receive{}); !errors.Is(err, stream.ErrStream) {
		t.Fatalf("half a stream: %v", err)
	}
	do(t, r.Close())
	p, err := replica.Partial(ctx)
	do(t, err)
	if rest := length(t, s, stream.Send{Token: p.Token}); rest > whole*3/4 {
		t.Errorf("the rest of %d bytes has %d", whole, rest)
	}
}

// TestTakeWhole: of a file that no stream could be made of there is no snapshot.
func TestTakeWhole(t *testing.T) {
	s := New(filepath.Join(t.TempDir(), "disk"))
	do(t, os.WriteFile(s.path(), make([]byte, 4096+128), 0o600))
	if _, err := s.Take(context.Background(), "a"); err == nil || !strings.Contains(err.Error(), "truncate -s %512") {
		t.Errorf("%v", err)
	}
	if entries, err := os.ReadDir(filepath.Dir(s.path())); err != nil || len(entries) != 1 {
		t.Errorf("%v, %v", entries, err)
	}
}

// TestAbandonDamaged: what was received can be given up when nobody can tell any more what it is.
func TestAbandonDamaged(t *testing.T) {
	ctx := context.Background()
	onBoth(t, func(t *testing.T, folder string) {
		s, replica := New(filepath.Join(folder, "disk")), New(filepath.Join(folder, "replica"))
		do(t, sbd.Create(s.path(), 1<<20, true))
		s.fill(t, '1', 0)
		_, err := s.Take(ctx, "a")
		do(t, err)
		receive := func(limit int64) error {
			r, err := s.Send(ctx, stream.Send{Snapshot: "a"})
			do(t, err)
			_, err = replica.Receive(ctx, io.LimitReader(r, limit), stream.Receive{})
			return errors.Join(err, r.Close())
		}
		if err := receive(9 << 10); !errors.Is(err, stream.ErrStream) {
			t.Fatalf("half a stream: %v", err)
		}
		do(t, os.WriteFile(image.ChainBeside(replica.cloneAt(forkReceiving)), []byte("{"), 0o600))
		if _, err := replica.Partial(ctx); !errors.Is(err, dmu.ErrChain) {
			t.Errorf("it is damaged: %v", err)
		}
		do(t, replica.Abandon(ctx))
		do(t, receive(1<<30))
	})
}

// TestUsed: a snapshot takes what was written since, and the newest nothing yet.
func TestUsed(t *testing.T) {
	ctx := context.Background()
	onBoth(t, func(t *testing.T, folder string) {
		s := New(filepath.Join(folder, "disk"))
		do(t, sbd.Create(s.path(), 1<<20, true))
		for i, name := range []string{"a", "b"} {
			for off := int64(0); off < 512<<10; off += 8192 {
				s.fill(t, byte('1'+i), off+int64(i)*256<<10)
			}
			_, err := s.Take(ctx, name)
			do(t, err)
		}
		list, err := s.Snapshots(ctx)
		do(t, err)
		if len(list) != 2 || list[0].Used != 256<<10 || list[1].Used != 0 {
			t.Errorf("they are %+v", list)
		}
	})
}

// TestDevice: a device has no snapshots, and that is said with the way out.
func TestDevice(t *testing.T) {
	_, err := New("/dev/null").Take(context.Background(), "a")
	if !errors.Is(err, errors.ErrUnsupported) || !strings.Contains(err.Error(), "in a file") {
		t.Errorf("%v", err)
	}
}
