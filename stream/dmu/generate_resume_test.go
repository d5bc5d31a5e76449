package dmu

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
)

// resumable are two snapshots of a volume in turn, and what their streams are made of.
func resumable() (names []string, made map[string][]GenerateOptions, volumes map[string][]plain) {
	first := layout(16, map[int][]byte{0: block(1, bs), 3: text(bs), 4: block(2, bs), 9: text(bs), 15: block(7, bs)})
	same := layout(16, map[int][]byte{0: block(1, bs), 2: block(5, bs), 4: block(3, bs), 9: text(bs), 14: block(6, bs)})
	longer := append(bytes.Clone(same), layout(8, map[int][]byte{5: text(bs)})...)
	made, volumes = map[string][]GenerateOptions{}, map[string][]plain{}
	for name, second := range map[string][]byte{"same size": same, "grown": longer, "shrunk": same[:8*bs]} {
		for _, how := range []Compression{CompressionNone, CompressionLZ4} {
			for _, base := range []Source{nil, plain(first)} {
				key := fmt.Sprintf("%s %v base=%v", name, how, base != nil)
				names = append(names, key)
				made[key] = []GenerateOptions{
					{Snapshot: Link{GUID: 1}, Compress: how},
					{Snapshot: Link{GUID: 2, From: 1}, Compress: how, Base: base, BaseSize: uint64(len(first))},
				}
				volumes[key] = []plain{first, second}
			}
		}
	}
	return names, made, volumes
}

// TestGenerateResumes cuts streams behind each record, and goes on with the token of the store,
// and with that of what was read.
func TestGenerateResumes(t *testing.T) {
	names, made, volumes := resumable()
	for _, name := range names {
		t.Run(name, func(t *testing.T) {
			s := newStore(t)
			for i, o := range made[name] {
				now := volumes[name][i]
				stream := generate(t, now, o)
				for _, cut := range recordEnds(t, stream) {
					c := &store{t: t, v: s.v.clone(), saved: s.saved}
					c.v.synced = c.v.clone()
					if err := c.apply(stream[:cut], ApplyOptions{}); err == nil {
						t.Fatalf("%d of %d bytes were taken for the whole", cut, len(stream))
					}
					if r := c.receiving(); r != nil {
						o.Resume = r.Token()
					} else if o.Resume = tokenAfter(t, stream[:cut]); o.Resume != nil {
						t.Fatalf("%d bytes have a block, and the store nothing of it", cut)
					}
					if err := c.apply(generate(t, now, o), ApplyOptions{}); err != nil {
						t.Fatalf("cut at %d, going on at %+v: %v", cut, o.Resume, err)
					}
					c.holds(now)
					if o.Resume = tokenAfter(t, stream[:cut]); o.Resume != nil {
						goesOnWith(t, generate(t, now, o), stream, o.Resume)
					}
				}
				o.Resume = nil
				if err := s.apply(stream, ApplyOptions{}); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

// receiving is what the store is in the middle of, or nil.
func (s *store) receiving() *Receiving {
	if s.saved == nil {
		return nil
	}
	return s.chain().Receiving
}

// tokenAfter is the token that a stream leaves which is cut, or nil.
func tokenAfter(t *testing.T, stream []byte) *Token {
	t.Helper()
	var track Tracker
	r := NewReader(bytes.NewReader(stream), Options{})
	for {
		rec, err := r.Next()
		if errors.Is(err, ErrTruncated) {
			token, _ := track.Token()
			return token
		} else if err != nil {
			t.Fatal(err)
		}
		track.Add(r, rec)
	}
}

// goesOnWith holds the rest of a stream to the whole: its records are those from the token's
// block on, behind the OBJECT and the FREE that every part has.
func goesOnWith(t *testing.T, rest, whole []byte, token *Token) {
	t.Helper()
	want := records(t, whole)
	got := records(t, rest)
	n := len(got)
	switch token.Object {
	case ZvolData:
		if !strings.HasPrefix(got[0], "OBJECT 1") || !strings.HasPrefix(got[1], "FREE 1") {
			t.Fatalf("the rest begins with %.20s, %.20s", got[0], got[1])
		}
		n -= 2
	case ZvolProps:
		if !strings.HasPrefix(got[0], "OBJECT 2") {
			t.Fatalf("the rest begins with %.20s", got[0])
		}
	}
	if n > len(want) {
		t.Fatalf("the rest has %d records more, the whole %d", n, len(want))
	}
	for i := range n {
		if got[len(got)-n+i] != want[len(want)-n+i] {
			t.Fatalf("the rest has %.60q, the whole %.60q", got[len(got)-n+i], want[len(want)-n+i])
		}
	}
	if first := fmt.Sprintf("WRITE %d at %d ", token.Object, token.Offset); token.Object == ZvolData && !strings.HasPrefix(got[len(got)-n], first) {
		t.Fatalf("the rest goes on with %.40q, not %q", got[len(got)-n], first)
	}
	if b := begins(t, rest); b.Features()&FeatureResuming == 0 || b.ToGUID() != token.ToGUID || b.FromGUID() != token.FromGUID {
		t.Fatalf("BEGIN is of %d since %d, with %v", b.ToGUID(), b.FromGUID(), b.Features().Names())
	}
}

// records are the records of a stream between BEGIN and END, without checksums.
func records(t *testing.T, stream []byte) (all []string) {
	t.Helper()
	r := NewReader(bytes.NewReader(stream), Options{})
	for {
		rec, err := r.Next()
		if err == io.EOF {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		what := ""
		switch rec.Type() {
		case TypeBegin, TypeEnd:
			continue
		case TypeObject:
			what = fmt.Sprintf("OBJECT %d", rec.Object().Object())
		case TypeFree:
			what = fmt.Sprintf("FREE %d at %d", rec.Free().Object(), rec.Free().Offset())
		case TypeWrite:
			what = fmt.Sprintf("WRITE %d at %d", rec.Write().Object(), rec.Write().Offset())
		}
		all = append(all, fmt.Sprintf("%s %x %x", what, rec[:atChecksum], r.Payload()))
	}
}

func begins(t *testing.T, stream []byte) *Begin {
	t.Helper()
	rec, err := NewReader(bytes.NewReader(stream), Options{}).Next()
	if err != nil {
		t.Fatal(err)
	}
	b := *rec.Begin()
	return &b
}

// TestGenerateRefusesTokens: a token that no receiver of the snapshot has makes no stream.
func TestGenerateRefusesTokens(t *testing.T) {
	volume := plain(make([]byte, 16*bs))
	for _, c := range []struct {
		name  string
		token Token
		want  string
	}{
		{"another snapshot", Token{Object: 1, ToGUID: 3}, "is of snapshot 3 since 0"},
		{"another base", Token{Object: 1, ToGUID: 2, FromGUID: 9}, "is of snapshot 2 since 9"},
		{"raw", Token{Object: 1, ToGUID: 2, Raw: true}, "raw or redacted"},
		{"a file", Token{Object: 3, ToGUID: 2}, "volumes have two"},
		{"within a block", Token{Object: 1, Offset: 512, ToGUID: 2}, "where no block"},
		{"behind the end", Token{Object: 1, Offset: 16 * bs, ToGUID: 2}, "where no block"},
	} {
		o := GenerateOptions{Snapshot: Link{GUID: 2, Name: "tank/vol@a", BlockSize: bs}, Resume: &c.token}
		var out bytes.Buffer
		if _, err := NewGenerator(volume, o).Generate(context.Background(), &out); err == nil || !strings.Contains(err.Error(), c.want) || out.Len() > 0 {
			t.Errorf("%s: %v, want %q; %d bytes", c.name, err, c.want, out.Len())
		}
	}
	large := GenerateOptions{Snapshot: Link{GUID: 2, Name: "tank/vol@a", BlockSize: 1 << 20}, Resume: &Token{Object: 1, ToGUID: 2}}
	if _, err := NewGenerator(plain(make([]byte, 2<<20)), large).Generate(context.Background(), io.Discard); err == nil || !strings.Contains(err.Error(), "without large blocks") {
		t.Errorf("large blocks: %v", err)
	}
}
