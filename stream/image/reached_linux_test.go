package image

import (
	"bytes"
	"context"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/lunarsan/lunar/sbd"
	"github.com/lunarsan/lunar/sbd/layer"
	"github.com/lunarsan/lunar/stream/dmu"
)

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// full is a full stream of a volume of noise.
func full(t *testing.T, volume []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	o := dmu.GenerateOptions{Snapshot: dmu.Link{GUID: 5, Name: "tank/vm@a", Size: uint64(len(volume)), BlockSize: 16 << 10}}
	_, err := dmu.NewGenerator(bytes.NewReader(volume), o).Generate(t.Context(), &out)
	check(t, err)
	return out.Bytes()
}

// killed applies the beginning of a stream to the store at path as a process does that is killed
// then: nothing is made durable but what was before the first byte.
func killed(t *testing.T, path string, beginning []byte) {
	t.Helper()
	s, err := Open(path, Options{Create: true})
	check(t, err)
	in, more := io.Pipe()
	places := make(chan dmu.Cursor, 64)
	o := dmu.ApplyOptions{Blank: s.Blank(), Every: time.Hour, Reached: func(c dmu.Cursor) {
		s.Reached(c)
		places <- c
	}}
	ended := make(chan error, 1)
	go func() { ended <- dmu.NewApplier(s, s.Chain(), s.Save, o).Apply(context.Background(), in) }()
	_, err = more.Write(beginning)
	check(t, err)
	for at := range places {
		if at.Offset >= 4<<20 {
			break
		}
	}
	note := reachedBeside(s.beside)
	p, err := os.ReadFile(note)
	check(t, err)
	chain, err := os.ReadFile(s.beside)
	check(t, err)
	check(t, more.Close())
	<-ended // now the chain has all of it, and the note is of no use
	check(t, s.Close())
	check(t, os.WriteFile(note, p, 0o600))
	check(t, os.WriteFile(s.beside, chain, 0o600))
}

// TestReached: what a process wrote that was killed need not be sent again, if the note of it is of
// this start of the system and goes on from what is durable.
func TestReached(t *testing.T) {
	volume := make([]byte, 8<<20)
	_, _ = rand.NewChaCha8([32]byte{1}).Read(volume)
	stream := full(t, volume)
	change := func(f func(*reached)) func(*testing.T, string) {
		return func(t *testing.T, path string) {
			t.Helper()
			p, err := os.ReadFile(path)
			check(t, err)
			r := reached(p)
			f(&r)
			check(t, os.WriteFile(path, r[:], 0o600))
		}
	}
	for name, c := range map[string]struct {
		spoil func(*testing.T, string)
		used  bool
	}{
		"whole":                 {func(*testing.T, string) {}, true},
		"damaged":               {change(func(r *reached) { r[41] ^= 1 }), false},
		"of an earlier start":   {change(func(r *reached) { r[reachedStart] ^= 1; r.seal() }), false},
		"of another snapshot":   {change(func(r *reached) { r[8] ^= 1; r.seal() }), false},
		"of another time":       {change(func(r *reached) { r.setPlace(24, dmu.Cursor{Offset: 1 << 20}); r.seal() }), false},
		"of a place before":     {change(func(r *reached) { r.setPlace(40, dmu.Cursor{}); r.seal() }), false},
		"cut short":             {func(t *testing.T, path string) { check(t, os.Truncate(path, 100)) }, false},
		"longer than there are": {func(t *testing.T, path string) { check(t, os.Truncate(path, 200)) }, false},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "disk")
			killed(t, path, stream[:6<<20])
			c.spoil(t, reachedBeside(ChainBeside(path)))
			check(t, Recall(path))
			chain, err := ReadChain(ChainBeside(path))
			check(t, err)
			if at := chain.Receiving.Offset; c.used != (at >= 4<<20) || !c.used && at > 0 {
				t.Errorf("it goes on at byte %d", at)
			}
			if Exists(reachedBeside(ChainBeside(path))) {
				t.Error("the note is still there")
			}
			s, err := Open(path, Options{})
			check(t, err)
			var done dmu.Applied
			o := dmu.ApplyOptions{Reached: s.Reached, Done: func(d dmu.Applied) error { done = d; return nil }}
			check(t, dmu.NewApplier(s, s.Chain(), s.Save, o).Apply(t.Context(), bytes.NewReader(stream)))
			if got := int64(len(volume)) - int64(done.Written); !done.GoneOn || c.used != (got >= 4<<20) {
				t.Errorf("%d bytes were not written again", got)
			}
			p := make([]byte, len(volume))
			_, err = s.ReadAt(p, 0)
			check(t, err)
			if !bytes.Equal(p, volume) {
				t.Error("it has other bytes")
			}
			check(t, s.Close())
			if Exists(reachedBeside(ChainBeside(path))) {
				t.Error("a note is left over")
			}
		})
	}
}

// TestRecallLeavesAlone: a note of a store that somebody writes to is his.
func TestRecallLeavesAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "disk")
	check(t, sbd.Create(path, 1<<20, true))
	note := reachedBeside(ChainBeside(path))
	check(t, os.WriteFile(note, []byte("his"), 0o600))
	s, err := layer.Open(path, sbd.OpenOptions{})
	check(t, err)
	check(t, Recall(path))
	if !Exists(note) {
		t.Error("it was taken away")
	}
	check(t, s.Close())
	check(t, Recall(path))
	if Exists(note) {
		t.Error("it was left")
	}
}
