package dmu

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"testing"
	"testing/iotest"

	"github.com/lunarsan/lunar/stream/dmu/nvlist"
)

// apart are the substreams of a stream, by the names of their snapshots, read in small pieces.
func apart(in io.Reader) (names []string, streams [][]byte, s *Substreams, err error) {
	s = NewSubstreams(in)
	for {
		b, err := s.Next()
		if err == io.EOF {
			return names, streams, s, nil
		}
		if err != nil {
			return names, streams, s, err
		}
		names = append(names, b.ToName())
		var out bytes.Buffer
		if _, err := io.CopyBuffer(struct{ io.Writer }{&out}, struct{ io.Reader }{s}, make([]byte, 777)); err != nil {
			return names, streams, s, err
		}
		streams = append(streams, out.Bytes())
	}
}

// TestSubstreams: each substream is a whole stream, and together they are what the package has
// between its header and its end.
func TestSubstreams(t *testing.T) {
	for _, order := range orders {
		stream := smallPackage(t, order)
		for name, in := range map[string]io.Reader{"whole": bytes.NewReader(stream), "half": iotest.HalfReader(bytes.NewReader(stream)), "in place": window{stream}} {
			names, streams, s, err := apart(in)
			if err != nil || !slices.Equal(names, []string{"tank/vol@a", "tank/vol@b", "tank/vol@c"}) || s.Package() != "tank/vol@c" {
				t.Fatalf("%s: %q of %s, %v", name, names, s.Package(), err)
			}
			for i, p := range streams {
				if _, err := drain(bytes.NewReader(p), Options{}); err != nil {
					t.Errorf("%s: %s: %v", name, names[i], err)
				}
			}
			if all := slices.Concat(streams...); !bytes.HasSuffix(stream[:len(stream)-RecordSize], all) || len(all) < 3*2*RecordSize {
				t.Errorf("%s: the substreams have %d bytes, which are not those of the package", name, len(all))
			}
		}
		// What nobody reads is passed over.
		s := NewSubstreams(bytes.NewReader(stream))
		for range 3 {
			if _, err := s.Next(); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := s.Next(); err != io.EOF {
			t.Error(err)
		}
		if n, err := s.Read(make([]byte, 1)); n != 0 || err != io.EOF {
			t.Errorf("behind the last %d bytes, %v", n, err)
		}
	}
	whole := smallVolume(t, le)
	names, streams, s, err := apart(bytes.NewReader(whole))
	if err != nil || len(names) != 1 || !bytes.Equal(streams[0], whole) || s.Package() != "" || len(s.Properties()) != 0 {
		t.Errorf("a stream that is no package: %q, %v", names, err)
	}
}

// TestSubstreamsBroken: no substream has its end that is not whole; the END of a stream that is
// no package waits for what follows.
func TestSubstreamsBroken(t *testing.T) {
	whole, several := smallVolume(t, le), smallPackage(t, le)
	for _, n := range []int{0, 1, RecordSize, 2 * RecordSize, len(several) / 2, len(several) - RecordSize - 1, len(several) - 1} {
		_, streams, _, err := apart(bytes.NewReader(several[:n]))
		if !isStream(err) {
			t.Errorf("cut at %d: %v", n, err)
		}
		for _, p := range streams {
			if _, err := drain(bytes.NewReader(p), Options{}); err != nil {
				t.Errorf("cut at %d: %v", n, err)
			}
		}
	}
	for what, p := range map[string][]byte{"cut": whole[:len(whole)-1], "followed by a byte": append(bytes.Clone(whole), 0), "followed by itself": append(bytes.Clone(whole), whole...)} {
		s := NewSubstreams(bytes.NewReader(p))
		if _, err := s.Next(); err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(s)
		if !isStream(err) || len(got) != len(whole)-RecordSize {
			t.Errorf("%s: %d bytes of %d, %v", what, len(got), len(whole), err)
		}
		if _, err := s.Next(); !isStream(err) {
			t.Errorf("%s: then %v", what, err)
		}
	}
}

func isStream(err error) bool {
	var wrong *Error
	return errors.As(err, &wrong)
}

// TestSubstreamsProperties: what is lost of a package whose substreams alone are received.
func TestSubstreamsProperties(t *testing.T) {
	list := func(names ...string) *nvlist.List {
		l := nvlist.New()
		for _, name := range names {
			l.AddUint64(name, 1)
		}
		return l
	}
	fs := nvlist.New().AddString("name", "tank/vol").
		AddList("props", list("compression", "volmode")).
		AddList("snapprops", nvlist.New().AddList("a", list()).AddList("b", list("a:note", "compression"))).
		AddList("snapholds", nvlist.New().AddList("a", list()).AddList("b", list("keep")))
	header := nvlist.New().AddString("tosnap", "c").AddList("fss", nvlist.New().AddList("0x1", fs).AddUint64("0x2", 2))
	s := newSample(t, le).compound(header)
	s.begin("c", 0xb2, 0xc3, 0).end()
	s.guid = 0
	_, _, got, err := apart(bytes.NewReader(s.end().bytes()))
	if want := []string{"a:note", "compression", "holds", "volmode"}; err != nil || !slices.Equal(got.Properties(), want) {
		t.Errorf("%q, %v; want %q", got.Properties(), err, want)
	}
	eachReal(t, func(t *testing.T, name string, stream []byte) {
		names, streams, s, err := apart(bytes.NewReader(stream))
		if err != nil && !errors.Is(err, ErrTruncated) {
			t.Errorf("%s: %v", name, err)
		}
		want, set := 1, []string(nil)
		switch name {
		case "v8-I-a-c.zs":
			want = 2
		case "v8-R-c.zs":
			want, set = 3, []string{"compression"}
		case "v64-p-b.zs":
			set = []string{"compression"}
		}
		if len(streams) != want || !slices.Equal(s.Properties(), set) {
			t.Errorf("%s: %q, with %q", name, names, s.Properties())
		}
	})
}
