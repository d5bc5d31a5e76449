//go:build e2e

package zvol

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"testing"

	"github.com/lunarsan/lunar/stream"
)

// TestKilled kills zfs at either end, again and again; what has come is gone on with, and in the end
// both have the same.
func TestKilled(t *testing.T) {
	const kills = 20
	source, replica := zvols.Volume(t, 64<<20), zvols.Nothing(t)
	scribble(t, source, 0, 48<<20, 1)
	a := take(t, source, "a")
	random := rand.New(rand.NewPCG(1, 2))
	sent, resumed := int64(0), 0
	for round := 0; ; round++ {
		p, err := replica.Partial(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		what := stream.Send{Snapshot: "a"}
		if p != nil {
			what.Token = p.Token
			resumed++
		}
		ctx, cancel := context.WithCancel(t.Context())
		sending, receiving := ctx, ctx
		if round%2 == 0 {
			receiving = t.Context()
		} else {
			sending = t.Context()
		}
		in, err := source.Send(sending, what)
		if err != nil {
			t.Fatal(err)
		}
		limit := int64(1 + random.IntN(6<<20))
		if round >= kills {
			limit = 1 << 40
		}
		count := &counter{in: in, limit: limit, trip: cancel}
		s, err := replica.Receive(receiving, count, stream.Receive{})
		cancel()
		_ = in.Close()
		sent += count.n
		if err == nil {
			if s.GUID != a.GUID {
				t.Errorf("%+v arrived as %+v", a, s)
			}
			t.Logf("%d rounds, %d of which went on with what was there; %d bytes sent", round+1, resumed, sent)
			break
		}
		if round >= kills {
			t.Fatal(err)
		}
		if all, err := replica.Snapshots(t.Context()); !errors.Is(err, stream.ErrNoVolume) {
			t.Fatalf("half a snapshot is there: %+v, %v", all, err)
		}
	}
	if resumed == 0 {
		t.Error("nothing was gone on with")
	}
	if v, err := stream.Verify(t.Context(), source, replica, 0, nil); err != nil || !v.Same() {
		t.Errorf("%+v, %v", v, err)
	}
}

// A counter calls trip when limit bytes have been read.
type counter struct {
	in    io.Reader
	n     int64
	limit int64
	trip  func()
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.in.Read(p[:min(len(p), 64<<10)])
	c.n += int64(n)
	if c.n >= c.limit {
		c.trip()
	}
	return n, err
}
