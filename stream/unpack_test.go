package stream_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/lunarsan/lunar/stream"
	"github.com/lunarsan/lunar/stream/dmu"
	"github.com/lunarsan/lunar/stream/dmu/dmutest"
	"github.com/lunarsan/lunar/stream/dmu/nvlist"
)

// A taker is a volume that takes streams, and keeps nothing of them but what they are of.
type taker struct {
	stream.Volume
	all []stream.Snapshot
	how []stream.Receive
}

func (v *taker) Snapshots(context.Context) ([]stream.Snapshot, error) {
	if len(v.all) == 0 {
		return nil, fmt.Errorf("a taker: %w", stream.ErrNoVolume)
	}
	return v.all, nil
}

func (v *taker) Receive(_ context.Context, in io.Reader, r stream.Receive) (stream.Snapshot, error) {
	var s stream.Snapshot
	for check := dmu.NewVerifier(in, false); ; {
		rec, err := check.Next()
		if err == io.EOF {
			v.all, v.how = append(v.all, s), append(v.how, r)
			return s, nil
		}
		if err != nil {
			return s, fmt.Errorf("%w: %w", stream.ErrStream, err)
		}
		if b := rec.Begin(); rec.Type() == dmu.TypeBegin {
			_, s.Name, _ = strings.Cut(b.ToName(), "@")
			s.GUID = b.ToGUID()
			if r.Name != "" {
				s.Name = r.Name
			}
			if n := len(v.all); b.FromGUID() != 0 && (n == 0 || v.all[n-1].GUID != b.FromGUID()) || b.FromGUID() == 0 && n > 0 {
				return s, stream.ErrBase
			}
		}
	}
}

// takers are the volumes of a destination, by what they are called below it.
type takers map[string]*taker

func (all takers) volume(below string) (stream.Volume, error) {
	if all[below] == nil {
		all[below] = &taker{}
	}
	return all[below], nil
}

// String has the snapshots of all, in order.
func (all takers) String() string {
	var text []string
	for _, below := range slices.Sorted(maps.Keys(all)) {
		for _, s := range all[below].all {
			text = append(text, below+"@"+s.Name)
		}
	}
	return strings.Join(text, " ")
}

// packaged is a package of tank/vms: a file system with two volumes below it, with two snapshots
// each.
func packaged(t *testing.T) []byte {
	t.Helper()
	var out bytes.Buffer
	s := dmutest.New(t, &out)
	s.Dataset = "tank/vms"
	fs := nvlist.New().AddList("props", nvlist.New().AddUint64("compression", 15))
	s.Package("b", nvlist.Pair{Name: "fss", Type: nvlist.Nested, Value: nvlist.New().AddList("0x1", fs)})
	s.Files("a", 0, 1)
	s.Files("b", 1, 2)
	for i, name := range []string{"tank/vms/vm1", "tank/vms/old/vm2"} {
		s.Dataset = name
		for nth, snapshot := range []string{"a", "b"} {
			first := uint64(10 * (i + 1))
			s.Begin(snapshot, first*uint64(nth), first+uint64(nth)*first, 4096)
			s.Block(4096*nth, bytes.Repeat([]byte{byte(nth + 1)}, 4096), dmu.CompressionNone)
			s.End(64 << 10)
		}
	}
	s.EndPackage()
	s.Close()
	return out.Bytes()
}

func TestUnpack(t *testing.T) {
	in := packaged(t)
	all := takers{}
	seen := map[int]int64{}
	out, err := stream.Unpack(t.Context(), bytes.NewReader(in), stream.Unpacking{
		Receive: stream.Receive{Rollback: true}, Volume: all.volume, Files: true,
		Progress: func(p stream.Progress) { seen[p.Nth] = p.Bytes },
	})
	if err != nil || all.String() != "@a @b old/vm2@a old/vm2@b vm1@a vm1@b" {
		t.Fatalf("%s, %v", all, err)
	}
	var text []string
	for i, d := range out.Done {
		text = append(text, fmt.Sprint(d.Kind, " ", d.To))
		if d.Bytes != seen[i+1] || d.Bytes < 2*dmu.RecordSize {
			t.Errorf("%+v, and %d bytes were told of", d, seen[i+1])
		}
	}
	if got := strings.Join(text, ", "); got != "full a, increment b, full vm1@a, increment vm1@b, full old/vm2@a, increment old/vm2@b" {
		t.Error(got)
	}
	if !all["vm1"].how[0].Rollback || len(out.Notes) != 1 || !strings.Contains(out.Notes[0], "compression") {
		t.Errorf("%+v, %q", all["vm1"].how, out.Notes)
	}

	// Once more: all is there. And where files are, file systems have no place.
	if out, err = stream.Unpack(t.Context(), bytes.NewReader(in), stream.Unpacking{Volume: all.volume, Files: true}); err != nil || len(out.Done) != 0 || len(out.Notes) != 2 || !strings.HasPrefix(out.Notes[0], "6 snapshots") {
		t.Errorf("%+v, %v", out, err)
	}
	all = takers{}
	if out, err = stream.Unpack(t.Context(), bytes.NewReader(in), stream.Unpacking{Volume: all.volume}); err != nil || all.String() != "old/vm2@a old/vm2@b vm1@a vm1@b" || len(out.Notes) != 2 || !strings.HasPrefix(out.Notes[0], "tank/vms is a file system") {
		t.Errorf("%s: %+v, %v", all, out, err)
	}
}

// TestUnpackCut: what was whole of a package is there, and the same package goes on behind it.
func TestUnpackCut(t *testing.T) {
	in := packaged(t)
	for n := 0; n < len(in); n += 700 {
		all := takers{}
		out, err := stream.Unpack(t.Context(), bytes.NewReader(in[:n]), stream.Unpacking{Volume: all.volume})
		if !errors.Is(err, stream.ErrStream) {
			t.Fatalf("cut at %d: %v", n, err)
		}
		again, err := stream.Unpack(t.Context(), bytes.NewReader(in), stream.Unpacking{Volume: all.volume})
		if err != nil || all.String() != "old/vm2@a old/vm2@b vm1@a vm1@b" || len(out.Done)+len(again.Done) != 4 {
			t.Fatalf("cut at %d: %s, %d and %d: %v", n, all, len(out.Done), len(again.Done), err)
		}
	}
}

// TestUnpackOne: a stream that is no package is received as it is.
func TestUnpackOne(t *testing.T) {
	var out bytes.Buffer
	s := dmutest.New(t, &out)
	s.Begin("a", 0, 1, 4096)
	s.End(64 << 10)
	s.Close()
	all := takers{}
	how := stream.Unpacking{Receive: stream.Receive{Name: "first"}, Volume: all.volume}
	if done, err := stream.Unpack(t.Context(), bytes.NewReader(out.Bytes()), how); err != nil || all.String() != "@first" || len(done.Done) != 1 {
		t.Errorf("%s, %v", all, err)
	}
	if _, err := stream.Unpack(t.Context(), bytes.NewReader(out.Bytes()), how); !errors.Is(err, stream.ErrBase) {
		t.Errorf("once more: %v", err)
	}
	if _, err := stream.Unpack(t.Context(), bytes.NewReader(append(out.Bytes(), 0)), stream.Unpacking{Volume: takers{}.volume}); !errors.Is(err, dmu.ErrTrailing) {
		t.Errorf("with a byte behind it: %v", err)
	}
}

// TestUnpackBookmark: of a snapshot that is but a bookmark there the bytes are missing.
func TestUnpackBookmark(t *testing.T) {
	all := takers{"vm1": {all: []stream.Snapshot{{Name: "a", GUID: 10, Bookmark: true}}}}
	if _, err := stream.Unpack(t.Context(), bytes.NewReader(packaged(t)), stream.Unpacking{Volume: all.volume}); !errors.Is(err, stream.ErrBase) {
		t.Errorf("%s, %v", all, err)
	}
}

func TestUnpackRefuses(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	some := func(name string, clone bool) []byte {
		var out bytes.Buffer
		s := dmutest.New(t, &out)
		s.Dataset = "tank/vms"
		s.Package("b")
		s.Dataset, s.Clone = name, clone
		s.Begin("b", 7, 8, 4096)
		s.End(64 << 10)
		s.EndPackage()
		s.Close()
		return out.Bytes()
	}
	broken := errors.New("there is no such folder")
	for what, test := range map[string]struct {
		ctx  context.Context
		in   []byte
		how  stream.Unpacking
		want string
	}{
		"a name for all":      {t.Context(), some("tank/vms", false), stream.Unpacking{Receive: stream.Receive{Name: "x"}}, "cannot all be called x"},
		"a clone":             {t.Context(), some("tank/vms/vm1", true), stream.Unpacking{}, "begins with a clone"},
		"another pool":        {t.Context(), some("dozer/vms", false), stream.Unpacking{}, "not below that"},
		"one beside it":       {t.Context(), some("tank/vms2", false), stream.Unpacking{}, "not below that"},
		"one above it":        {t.Context(), some("tank/vms/../x", false), stream.Unpacking{}, "no name of a dataset"},
		"no name":             {t.Context(), some("tank/vms//x", false), stream.Unpacking{}, "no name of a dataset"},
		"no place":            {t.Context(), some("tank/vms/vm1", false), stream.Unpacking{Volume: func(string) (stream.Volume, error) { return nil, broken }}, broken.Error()},
		"what has no base":    {t.Context(), some("tank/vms/vm1", false), stream.Unpacking{}, stream.ErrBase.Error()},
		"when it is given up": {ctx, packaged(t), stream.Unpacking{}, context.Canceled.Error()},
	} {
		t.Run(what, func(t *testing.T) {
			all := takers{}
			if test.how.Volume == nil {
				test.how.Volume = all.volume
			}
			if out, err := stream.Unpack(test.ctx, bytes.NewReader(test.in), test.how); err == nil || !strings.Contains(err.Error(), test.want) || len(out.Done) > 0 {
				t.Errorf("%s, %v; want %q", all, err, test.want)
			}
		})
	}
}
