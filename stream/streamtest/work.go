package streamtest

import (
	"bytes"
	"context"
	"errors"
	"hash/maphash"
	"io"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/lunarsan/lunar/stream"
)

// work is a test under way.
type work struct {
	*testing.T
	Place
}

func (w *work) volume() stream.Volume {
	w.Helper()
	return w.Place.Volume(w.T, Size)
}

// with opens path for f.
func (w *work) with(path string, f func(Bytes)) {
	w.Helper()
	b := w.Open(w.T, path)
	defer func() {
		if err := b.Close(); err != nil {
			w.Error(err)
		}
	}()
	f(b)
}

func (w *work) write(path string, off int64, p []byte) {
	w.Helper()
	w.with(path, func(b Bytes) {
		if _, err := b.WriteAt(p, off); err != nil {
			w.Fatal(err)
		}
		if err := b.Sync(); err != nil {
			w.Fatal(err)
		}
	})
}

// scribble writes here and there what no compression makes shorter, and some zeros; equal seeds
// write the same.
func (w *work) scribble(path string, seed uint64) {
	w.Helper()
	random := rand.NewChaCha8([32]byte{byte(seed)})
	w.with(path, func(b Bytes) {
		for i := range int64(12) {
			p := make([]byte, 64<<10)
			if i != 5 {
				_, _ = random.Read(p)
			}
			if _, err := b.WriteAt(p, int64(random.Uint64()%(Size/4096-16))*4096); err != nil {
				w.Fatal(err)
			}
		}
		if err := b.Sync(); err != nil {
			w.Fatal(err)
		}
	})
}

// contents are the bytes at path.
func (w *work) contents(path string) (p []byte) {
	w.Helper()
	w.with(path, func(b Bytes) {
		p = make([]byte, b.Size())
		if _, err := b.ReadAt(p, 0); err != nil && err != io.EOF {
			w.Fatal(err)
		}
	})
	return p
}

func (w *work) digest(path string) uint64 {
	w.Helper()
	return maphash.Bytes(hashSeed, w.contents(path))
}

var hashSeed = maphash.MakeSeed()

func (w *work) take(v stream.Volume, name string) stream.Snapshot {
	w.Helper()
	s, err := v.Take(w.Context(), name)
	if err != nil {
		w.Fatalf("take %s: %v", name, err)
	}
	if s.Name != name || s.GUID == 0 || s.Bookmark || s.Size != Size {
		w.Fatalf("taking %s made %+v", name, s)
	}
	return s
}

// do expects no error.
func (w *work) do(what string, err error) {
	w.Helper()
	if err != nil {
		w.Fatalf("%s: %v", what, err)
	}
}

// refused expects an error that is one of those, and that says more than that.
func (w *work) refused(what string, err error, kinds ...error) {
	w.Helper()
	for _, kind := range kinds {
		if errors.Is(err, kind) {
			if err == kind {
				w.Errorf("%s: %q names nothing", what, err)
			}
			return
		}
	}
	w.Errorf("%s: %v, want %v", what, err, kinds)
}

// list are the snapshots and bookmarks; none where there is no volume.
func (w *work) list(v stream.Volume) []stream.Snapshot {
	w.Helper()
	all, err := v.Snapshots(w.Context())
	if err != nil && !errors.Is(err, stream.ErrNoVolume) {
		w.Fatalf("list %s: %v", v.Name(), err)
	}
	return all
}

// names are those of the snapshots; of bookmarks behind a #.
func (w *work) names(v stream.Volume) (names []string) {
	w.Helper()
	for _, s := range w.list(v) {
		if s.Bookmark {
			s.Name = "#" + s.Name
		}
		names = append(names, s.Name)
	}
	return names
}

func (w *work) has(v stream.Volume, want ...string) {
	w.Helper()
	if got := w.names(v); !slices.Equal(got, want) {
		w.Errorf("%s has %q, want %q", v.Name(), got, want)
	}
}

func (w *work) find(v stream.Volume, name string) stream.Snapshot {
	w.Helper()
	for _, s := range w.list(v) {
		if s.Name == name {
			return s
		}
	}
	w.Fatalf("%s has no %s", v.Name(), name)
	panic("unreachable")
}

// stream reads the whole stream that s asks for.
func (w *work) stream(ctx context.Context, v stream.Volume, s stream.Send) ([]byte, error) {
	r, err := v.Send(ctx, s)
	if err != nil {
		return nil, err
	}
	p, err := io.ReadAll(r)
	return p, errors.Join(err, r.Close())
}

func (w *work) send(v stream.Volume, s stream.Send) []byte {
	w.Helper()
	p, err := w.stream(w.Context(), v, s)
	if err != nil {
		w.Fatalf("send %+v: %v", s, err)
	}
	return p
}

func (w *work) receive(v stream.Volume, p []byte, r stream.Receive) stream.Snapshot {
	w.Helper()
	s, err := v.Receive(w.Context(), bytes.NewReader(p), r)
	if err != nil {
		w.Fatalf("receive %d bytes: %v", len(p), err)
	}
	return s
}

// unmoved has f do what must change nothing of v.
func (w *work) unmoved(v stream.Volume, f func()) {
	w.Helper()
	names := w.names(v)
	var was uint64
	if len(names) > 0 {
		was = w.digest(v.Path())
	}
	f()
	if got := w.names(v); !slices.Equal(got, names) {
		w.Errorf("%s had %q, and has %q", v.Name(), names, got)
	}
	if len(names) > 0 && w.digest(v.Path()) != was {
		w.Errorf("%s has other bytes than before", v.Name())
	}
}

// pair is a volume with the snapshots a and b, and a replica that has a.
func (w *work) pair() (source, replica stream.Volume) {
	w.Helper()
	source, replica = w.volume(), w.Nothing(w.T)
	w.scribble(source.Path(), 1)
	w.take(source, "a")
	w.receive(replica, w.send(source, stream.Send{Snapshot: "a"}), stream.Receive{})
	w.scribble(source.Path(), 2)
	w.take(source, "b")
	return source, replica
}
