package wire

import (
	"crypto/sha256"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/lunarsan/lunar/stream"
)

func TestCalls(t *testing.T) {
	r := newRig(t, mapHost{"tank/a": &pipeVolume{name: "tank/a"}}, Options{})
	l := r.link(Options{})
	list, err := l.Volume("tank/a").Snapshots(t.Context())
	if err != nil || len(list) != 1 || list[0].GUID != 7 {
		t.Errorf("snapshots %v, %v", list, err)
	}
	if names, err := l.Volumes(t.Context()); err != nil || len(names) != 1 || names[0] != "tank/a" {
		t.Errorf("volumes %v, %v", names, err)
	}
	err = l.Volume("tank/a").Destroy(t.Context(), "a")
	var remote *RemoteError
	if !errors.Is(err, stream.ErrHeld) || !errors.As(err, &remote) || remote.At != "far" {
		t.Errorf("destroying says %v", err)
	}
	if _, err := l.Volume("tank/b").Snapshots(t.Context()); !errors.Is(err, stream.ErrNoVolume) {
		t.Errorf("a volume that is not there says %v", err)
	}
	if _, err := l.Volume("tank/a").Send(t.Context(), stream.Send{Snapshot: "missing"}); !errors.Is(err, stream.ErrNoSnapshot) {
		t.Errorf("a snapshot that is not there says %v", err)
	}
}

const testStream = 24<<20 + 12345

// TestStreams sends and receives, over several connections and with every compression.
func TestStreams(t *testing.T) {
	want := sumOf(t, newMaterial(testStream))
	for _, test := range []struct {
		compress string
		lanes    int
	}{{"auto", 1}, {"none", 3}, {"lz4", 2}, {"zstd-1", 1}, {"zstd-3", 4}} {
		t.Run(test.compress, func(t *testing.T) {
			v := &pipeVolume{name: "v", source: func() io.Reader { return newMaterial(testStream) }}
			c, err := ParseCompression(test.compress)
			if err != nil {
				t.Fatal(err)
			}
			r := newRig(t, mapHost{"v": v}, Options{Compress: c})
			l := r.link(Options{Compress: c, Connections: test.lanes})
			in, err := l.Volume("v").Send(t.Context(), stream.Send{Snapshot: "a"})
			if err != nil {
				t.Fatal(err)
			}
			if got := sumOf(t, in); got != want {
				t.Error("what was sent is not what came")
			}
			if err := in.Close(); err != nil {
				t.Error(err)
			}
			s, err := l.Volume("v").Receive(t.Context(), newMaterial(testStream), stream.Receive{Name: "b"})
			if err != nil || s.Name != "b" || v.sum != want {
				t.Errorf("received %v, %v; the same: %t", s, err, v.sum == want)
			}
			s, err = l.Volume("v").Receive(t.Context(), strings.NewReader(""), stream.Receive{Name: "c", Anew: true})
			if err != nil || s.Name != "c" || v.sum != sha256.Sum256(nil) {
				t.Errorf("of nothing received %v, %v", s, err)
			}
			traffic := l.Traffic()
			if traffic.Raw != 2*testStream || test.compress != "none" && traffic.Wire > 3*testStream/2 {
				t.Errorf("traffic %+v", traffic)
			}
		})
	}
}

// A severed connection breaks after so many bytes.
type severed struct {
	net.Conn
	left atomic.Int64
}

func (c *severed) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p[:max(0, min(int64(len(p)), c.left.Load()+1))])
	return n, errors.Join(err, c.spend(n))
}

func (c *severed) Write(p []byte) (int, error) {
	if n := c.left.Load(); n < int64(len(p)) { // a part of it still goes
		n, _ := c.Conn.Write(p[:max(0, n)])
		return n, c.spend(len(p))
	}
	n, err := c.Conn.Write(p)
	return n, errors.Join(err, c.spend(n))
}

func (c *severed) spend(n int) error {
	if c.left.Add(-int64(n)) < 0 {
		_ = c.Conn.Close()
		return errors.New("the cable was pulled")
	}
	return nil
}

// TestCuts cuts the link at 50 random points: the source is read once, all comes, and less than
// 5% of it is sent twice.
func TestCuts(t *testing.T) {
	for _, direction := range []string{"send", "receive"} {
		for _, lanes := range []int{1, 3} {
			t.Run(direction, func(t *testing.T) {
				const size = 40 << 20
				v := &pipeVolume{name: "v", source: func() io.Reader { return newMaterial(size) }}
				compress, err := ParseCompression("zstd-1")
				if err != nil {
					t.Fatal(err)
				}
				r := newRig(t, mapHost{"v": v}, Options{Compress: compress})
				r.wrap = func(c net.Conn) net.Conn {
					s := &severed{Conn: c}
					s.left.Store(1 << 62)
					if n := r.dials.Load(); n <= 50 {
						s.left.Store(rand.Int64N(size / 2 / 50))
						if n == 1 {
							s.left.Add(4096) // the first one has to succeed
						}
					}
					return s
				}
				l := r.link(Options{Connections: lanes, Compress: compress})
				want, got := sumOf(t, newMaterial(size)), [32]byte{}
				if direction == "send" {
					in, err := l.Volume("v").Send(t.Context(), stream.Send{Snapshot: "a"})
					if err != nil {
						t.Fatal(err)
					}
					got = sumOf(t, in)
					if err := in.Close(); err != nil || v.sends.Load() != 1 {
						t.Errorf("%d sends, %v", v.sends.Load(), err)
					}
				} else {
					once := newMaterial(size)
					if _, err := l.Volume("v").Receive(t.Context(), once, stream.Receive{}); err != nil {
						t.Fatal(err)
					}
					got = v.sum
				}
				if got != want {
					t.Error("what was sent is not what came")
				}
				traffic := l.Traffic()
				if n := r.dials.Load(); n < 50 {
					t.Errorf("%d connections, traffic %+v", n, traffic)
				}
				for _, h := range r.server.sessions { // of the two, one has sent
					traffic.Again += h.total().Again
				}
				if again := float64(traffic.Again) / float64(traffic.Wire); again > 0.05 {
					t.Errorf("%.1f%% was sent again: %+v", 100*again, traffic)
				}
			})
		}
	}
}
