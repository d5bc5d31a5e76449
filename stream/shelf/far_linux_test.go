package shelf

import (
	"context"
	"fmt"
	"io"
	"net"
	"testing"

	"github.com/lunarsan/lunar/sbd/storetest"
	"github.com/lunarsan/lunar/stream"
	"github.com/lunarsan/lunar/stream/streamtest"
	"github.com/lunarsan/lunar/stream/wire"
)

// A far volume is a shelf at the other end of a link. Its path is here all the same, for the test.
type far struct {
	*wire.Volume
	path string
}

func (v far) Path() string { return v.path }

// shelves has the files of a machine, by their paths.
type shelves struct{}

func (shelves) Volumes(context.Context) ([]string, error) { return nil, nil }

func (shelves) Volume(_ context.Context, name string) (stream.Volume, error) { return New(name), nil }

// linked is a place whose volumes are reached through a link.
func linked(t *testing.T, p streamtest.Place) streamtest.Place {
	t.Helper()
	server := wire.NewServer(wire.Options{})
	link, err := wire.Connect(t.Context(), func(context.Context) (io.ReadWriteCloser, error) {
		near, there := net.Pipe()
		go func() { _ = server.Serve(context.Background(), there, "test", shelves{}) }() // it ends with the link
		return near, nil
	}, wire.Options{Name: "there"})
	do(t, err)
	_, err = link.Volumes(t.Context()) // now all that the link needs is running
	do(t, err)
	t.Cleanup(func() {
		do(t, link.Close())
		do(t, server.Close())
	})
	reach := func(v stream.Volume) stream.Volume { return far{link.Volume(v.Path()), v.Path()} }
	volume, nothing := p.Volume, p.Nothing
	p.Volume = func(t *testing.T, size int64) stream.Volume { return reach(volume(t, size)) }
	p.Nothing = func(t *testing.T) stream.Volume { return reach(nothing(t)) }
	return p
}

// TestFar holds files that are reached through a link to the contract.
func TestFar(t *testing.T) {
	t.Parallel()
	streamtest.Own(t) // the link's goroutines, too
	place := linked(t, in(storetest.Memory(t)))
	streamtest.Test(t, place)
	t.Run("replicates", func(t *testing.T) { streamtest.Replicate(t, in(storetest.Memory(t)), place) })
	t.Run("verifies", func(t *testing.T) {
		v := place.Volume(t, streamtest.Size)
		_, err := v.Take(t.Context(), "a")
		do(t, err)
		verdict, err := stream.Verify(t.Context(), v, New(v.Path()), 0, nil)
		do(t, err)
		if !verdict.Same() {
			t.Errorf("a volume is not the same from afar: %v", fmt.Sprint(verdict))
		}
	})
}
