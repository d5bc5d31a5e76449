package churn

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lunarsan/lunar/stream"
)

// A shelfOf is a volume of which only snapshots and increments are asked.
type shelfOf struct {
	stream.Volume
	list    []stream.Snapshot
	streams map[string][]byte // by from..to
	open    int
}

func (v *shelfOf) Name() string { return "tank/store" }

func (v *shelfOf) Snapshots(context.Context) ([]stream.Snapshot, error) { return v.list, nil }

func (v *shelfOf) Send(_ context.Context, s stream.Send) (io.ReadCloser, error) {
	p, ok := v.streams[s.From+".."+s.Snapshot]
	if !ok {
		return nil, stream.ErrNoSnapshot
	}
	v.open++
	return &closing{bytes.NewReader(p), v}, nil
}

type closing struct {
	io.Reader
	v *shelfOf
}

func (c *closing) Close() error { c.v.open--; return nil }

// kept is a volume with three snapshots, two increments, and a bookmark of the first.
func kept(t *testing.T) (*history, *shelfOf) {
	h := newHistory(t, machines(6))
	v := &shelfOf{streams: map[string][]byte{}}
	add := func(bookmark bool) {
		_, name, _ := strings.Cut(h.now.Name, "@")
		s := stream.Snapshot{Name: name, GUID: h.now.GUID, Created: h.now.Created, Size: h.disk.Size, Bookmark: bookmark}
		if bookmark {
			s.Name, s.Size = "mark", 0
		}
		v.list = append(v.list, s)
	}
	add(false)
	add(true)
	v.streams["s1..s2"] = h.next(6*time.Hour, func() { h.write("/db01/db01-flat.vmdk", 0, mib, 0xD1) })
	v.streams["#mark..s2"] = v.streams["s1..s2"]
	add(false)
	v.streams["s2..s3"] = h.next(18*time.Hour, func() { h.write("/web01/vmware.log", 0, 64*kib, 0xD2) })
	add(false)
	return h, v
}

func TestBetween(t *testing.T) {
	_, v := kept(t)
	for _, c := range []struct {
		from, to, want string
		err            error
	}{
		{"", "", "s1 s2 s3", nil},
		{"s1", "s3", "s1 s2 s3", nil},
		{"s2", "", "s2 s3", nil},
		{"", "s2", "s1 s2", nil},
		{"#mark", "s2", "mark s2", nil},
		{"s3", "s1", "", ErrOrder},
		{"s2", "s2", "", ErrOrder},
		{"", "s1", "", ErrOrder},
		{"s0", "", "", stream.ErrNoSnapshot},
		{"mark", "", "", stream.ErrNoSnapshot},
		{"", "#mark", "", stream.ErrNoSnapshot},
	} {
		list, err := Between(t.Context(), v, c.from, c.to, nil)
		var names []string
		for _, s := range list {
			names = append(names, s.Name)
		}
		if got := strings.Join(names, " "); got != c.want || !errors.Is(err, c.err) {
			t.Errorf("%s..%s: %q, %v", c.from, c.to, got, err)
		}
	}
	for _, c := range []struct{ from, want string }{{"", "s1 s3"}, {"s2", "s2 s3"}, {"#mark", "mark s3"}} {
		list, err := Between(t.Context(), v, c.from, "", func(name string) bool { return name != "s2" })
		var names []string
		for _, s := range list {
			names = append(names, s.Name)
		}
		if got := strings.Join(names, " "); got != c.want || err != nil {
			t.Errorf("%s.. without s2: %q, %v", c.from, got, err)
		}
	}
	v.list = v.list[:1]
	for range 2 {
		if _, err := Between(t.Context(), v, "", "", nil); !errors.Is(err, stream.ErrNoSnapshot) {
			t.Errorf("of %d snapshots: %v", len(v.list), err)
		}
		v.list = nil
	}
}

// TestAdd asks for whose bytes are changed as of each later snapshot.
func TestAdd(t *testing.T) {
	for from, first := range map[string]string{"": "s1", "#mark": "mark"} {
		h, v := kept(t)
		list, err := Between(t.Context(), v, from, "", nil)
		if err != nil {
			t.Fatal(err)
		}
		var (
			tally Tally
			asked []string
			m     = h.layout()
		)
		u := Unit{Name: "disk", Layout: func(_ context.Context, snapshot string) (*Map, error) {
			asked = append(asked, snapshot)
			return m, nil
		}}
		if err := tally.Add(t.Context(), v, list, u); err != nil {
			t.Fatal(err)
		}
		if v.open != 0 {
			t.Errorf("%d streams are not closed", v.open)
		}
		if diff := cmp.Diff([]string{"s2", "s3"}, asked); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
		r := tally.Report(0)
		if r.Seconds != 86400 || r.Written != mib+64*kib || r.Intervals[0].From != first || r.Intervals[1].From != "s2" || *r.PerDay != r.Written {
			t.Errorf("%+v", r)
		}
	}
}

// TestAddFails names what could not be sent or read, and closes it.
func TestAddFails(t *testing.T) {
	h, v := kept(t)
	v.streams["s2..s3"] = v.streams["s2..s3"][:5000]
	failed := errors.New("no")
	for _, c := range []struct {
		layout error
		want   error
	}{{nil, nil}, {failed, failed}} {
		var tally Tally
		err := tally.Add(t.Context(), v, v.list[:0:0], Unit{})
		if err == nil {
			t.Error("an interval of nothing")
		}
		u := Unit{Name: "disk", Layout: func(context.Context, string) (*Map, error) { return h.layout(), c.layout }}
		list, _ := Between(t.Context(), v, "", "", nil)
		err = tally.Add(t.Context(), v, list, u)
		if err == nil || c.want != nil && !errors.Is(err, c.want) || !strings.Contains(err.Error(), "tank/store between s") {
			t.Errorf("%v", err)
		}
		if v.open != 0 {
			t.Errorf("%d streams are not closed", v.open)
		}
	}
}
