//go:build e2e

package zvol

import (
	"bytes"
	"errors"
	"flag"
	"io"
	"math/rand/v2"
	"testing"

	"github.com/lunarsan/lunar/stream"
)

// small is where there is no room.
var small = flag.String("small", "", "a dataset with a quota of 3 MiB")

// scribble writes n bytes at off that no compression makes shorter.
func scribble(t *testing.T, v stream.Volume, off int64, n int, seed byte) {
	t.Helper()
	p := make([]byte, n)
	_, _ = rand.NewChaCha8([32]byte{seed}).Read(p)
	b := opened(t, v.Path())
	_, err := b.WriteAt(p, off)
	if err := errors.Join(err, b.Sync(), b.Close()); err != nil {
		t.Fatal(err)
	}
}

func take(t *testing.T, v stream.Volume, name string) stream.Snapshot {
	t.Helper()
	s, err := v.Take(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// sent is the whole stream that s asks for.
func sent(t *testing.T, v stream.Volume, s stream.Send) []byte {
	t.Helper()
	r, err := v.Send(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	p, err := io.ReadAll(r)
	if err := errors.Join(err, r.Close()); err != nil {
		t.Fatal(err)
	}
	return p
}

// TestFull: a place that is full says so, and keeps what it had.
func TestFull(t *testing.T) {
	if *small == "" {
		t.Skip("-small is not given: TestGuestVolumes runs this with OpenZFS")
	}
	source := zvols.Volume(t, 16<<20)
	scribble(t, source, 0, 64<<10, 1)
	take(t, source, "a")
	scribble(t, source, 1<<20, 12<<20, 2)
	b := take(t, source, "b")
	*within, *small = *small, *within
	defer func() { *within, *small = *small, *within }()
	replica := zvols.Nothing(t)
	if _, err := replica.Receive(t.Context(), bytes.NewReader(sent(t, source, stream.Send{Snapshot: "a"})), stream.Receive{}); err != nil {
		t.Fatal(err)
	}
	_, err := replica.Receive(t.Context(), bytes.NewReader(sent(t, source, stream.Send{Snapshot: "b", From: "a"})), stream.Receive{})
	if !errors.Is(err, stream.ErrSpace) {
		t.Errorf("more than there is room for: %v", err)
	}
	p, err := replica.Partial(t.Context())
	if err != nil || p != nil && p.GUID != b.GUID {
		t.Errorf("%+v, %v", p, err)
	}
	if err := replica.Abandon(t.Context()); err != nil {
		t.Error(err)
	}
	if v, err := stream.Verify(t.Context(), source, replica, 0, nil); err != nil || !v.Same() || v.Sides[0].Snapshot != source.Name()+"@a" {
		t.Errorf("%+v, %v", v, err)
	}
	other := zvols.Nothing(t)
	if _, err := other.Receive(t.Context(), bytes.NewReader(sent(t, source, stream.Send{Snapshot: "b"})), stream.Receive{}); !errors.Is(err, stream.ErrSpace) {
		t.Errorf("a first one: %v", err)
	}
	if all, err := other.Snapshots(t.Context()); !errors.Is(err, stream.ErrNoVolume) {
		t.Errorf("%+v, %v", all, err)
	}
}
