package dmu

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"strings"
	"testing"
)

// TestApplyRealStreams: every stream of a real OpenZFS, in the order in which they go on from
// one another, makes the volume whose digest was recorded there.
func TestApplyRealStreams(t *testing.T) {
	files := realFiles(t)
	type step struct{ stream, snapshot string }
	chains := map[string][]step{}
	for _, v := range []string{"v4", "v8", "v64", "v128", "vgz", "vlzjb", "vzle"} {
		chains[v+" in steps"] = []step{{v + "-full-a", "a"}, {v + "-a-b", "b"}, {v + "-b-c-Lec", "c"}}
		chains[v+" as it was on disk"] = []step{{v + "-full-c-Lec", "c"}}
	}
	chains["v8 -R"] = []step{{"v8-R-c", "c"}}
	chains["v8 -R over what is there"] = []step{{"v8-full-a", "a"}, {"v8-R-c", "c"}, {"v8-R-c", "c"}}
	chains["v8 -I"] = []step{{"v8-full-a", "a"}, {"v8-I-a-c", "c"}}
	chains["v8 -I over what is there"] = []step{{"v8-full-a", "a"}, {"v8-a-b", "b"}, {"v8-I-a-c", "c"}}
	chains["v8 from a bookmark"] = []step{{"v8-full-a", "a"}, {"v8-bookmark-b", "b"}}
	chains["v64 -p"] = []step{{"v64-p-b", "b"}}
	for name, steps := range chains {
		t.Run(name, func(t *testing.T) {
			volume, _, _ := strings.Cut(name, " ")
			for _, order := range []binary.ByteOrder{binary.LittleEndian, binary.BigEndian} {
				s := newStore(t)
				for _, step := range steps {
					stream := files[step.stream+".zs"]
					if order == binary.BigEndian {
						if stream = turned(t, stream); stream == nil {
							continue
						}
					}
					if err := s.apply(stream, ApplyOptions{}); err != nil {
						t.Fatalf("%s: %v", step.stream, err)
					}
					checkReal(t, files, volume+"@"+step.snapshot, s.v)
				}
			}
		})
	}
}

// turned is a stream in big-endian order, with the payloads that a sender would have had in it.
func turned(t *testing.T, stream []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w := NewWriter(&out, binary.BigEndian)
	for r := NewReader(bytes.NewReader(stream), Options{}); ; {
		rec, err := r.Next()
		if err != nil {
			break
		}
		payload := bytes.Clone(r.Payload())
		if rec.Type() == TypeWrite && rec.Write().Object() == ZvolProps && rec.Write().Compression() == CompressionNone {
			swap8(payload)
			for entry := payload[zapEntry:]; len(entry) > 0; entry = entry[zapEntry:] {
				swap8(entry)
			}
		} else if rec.Type() == TypeWriteEmbedded && rec.WriteEmbedded().Object() == ZvolProps {
			return nil // compressed in the order of the sender
		} else if rec.Type() == TypeWrite && rec.Write().Object() == ZvolProps {
			return nil
		}
		if err := w.Write(rec, payload); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// TestApplyResumedReal: a stream that broke off where a real zfs receive did, and the rest that
// zfs send -t made.
func TestApplyResumedReal(t *testing.T) {
	files := realFiles(t)
	whole, rest := files["v64-full-a.zs"], files["v64-resumed-a.zs"]
	s := newStore(t)
	if err := s.apply(rest, ApplyOptions{}); !errors.Is(err, ErrBase) {
		t.Fatalf("the rest without the beginning: %v", err)
	}
	broken := new(BrokenOffError)
	if err := s.apply(whole[:100000], ApplyOptions{}); !errors.As(err, &broken) {
		t.Fatalf("the first 100000 bytes: %v", err)
	}
	if err := s.apply(rest, ApplyOptions{}); !errors.Is(err, ErrBase) {
		t.Fatalf("the rest behind a gap: %v", err)
	}
	if err := s.apply(whole[:399000], ApplyOptions{}); !errors.As(err, &broken) {
		t.Fatalf("the first 399000 bytes: %v", err)
	}
	if err := s.apply(rest, ApplyOptions{}); err != nil {
		t.Fatal(err)
	}
	checkReal(t, files, "v64@a", s.v)
}

// TestApplyRefusesReal: what cannot be applied leaves no trace.
func TestApplyRefusesReal(t *testing.T) {
	files := realFiles(t)
	for _, c := range []struct {
		stream string
		want   error
	}{
		{"venc-raw-a.zs", ErrEncrypted},
		{"fs-full-a.zs", ErrNotVolume},
		{"v8-a-b.zs", ErrBase},
		{"v8-I-a-c.zs", ErrBase},
	} {
		s := newStore(t)
		err := s.apply(files[c.stream], ApplyOptions{})
		if refusal := (*Refusal)(nil); !errors.Is(err, c.want) || !errors.As(err, &refusal) || refusal.Hint == "" {
			t.Errorf("%s: %v, want %v", c.stream, err, c.want)
		}
		if s.v.calls != 0 || s.saved != nil {
			t.Errorf("%s: it was refused, and there were %d calls and a chain %s", c.stream, s.v.calls, s.saved)
		}
	}
}

// TestApplyCutReal cuts real streams between records, a few from either end and some between, and
// applies them again.
func TestApplyCutReal(t *testing.T) {
	files := realFiles(t)
	for _, c := range []struct{ stream, snapshot string }{{"v64-full-a", "v64@a"}, {"v8-R-c", "v8@c"}, {"vgz-full-c-Lec", "vgz@c"}} {
		stream := files[c.stream+".zs"]
		whole := newStore(t)
		if err := whole.apply(stream, ApplyOptions{}); err != nil {
			t.Fatal(err)
		}
		checkReal(t, files, c.snapshot, whole.v)
		ends := recordEnds(t, stream)
		for i, cut := range ends {
			if i > 6 && i < len(ends)-6 && i%(9*every) != 0 {
				continue
			}
			s := newStore(t)
			err := s.apply(stream[:cut], ApplyOptions{})
			if err == nil {
				t.Fatalf("%s: %d of %d bytes were taken for the whole", c.stream, cut, len(stream))
			}
			s.powerLoss(t)
			if err := s.apply(stream, ApplyOptions{}); err != nil {
				t.Fatalf("%s after a cut at %d (%v): %v", c.stream, cut, err, err)
			}
			if !s.v.same(whole.v) {
				t.Fatalf("%s after a cut at %d: the volume is another", c.stream, cut)
			}
		}
	}
}

// recordEnds are the offsets behind the records of a stream, but the last.
func recordEnds(t *testing.T, stream []byte) (ends []int) {
	t.Helper()
	for r := NewReader(bytes.NewReader(stream), Options{}); ; {
		_, err := r.Next()
		if err != nil {
			return ends[:len(ends)-1]
		}
		ends = append(ends, int(r.Offset())+RecordSize+len(r.Payload()))
	}
}

var background = context.Background()
