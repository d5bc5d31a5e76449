package zfs

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"math/rand/v2"
	"testing"
	"testing/iotest"

	"github.com/lunarsan/lunar/stream"
	"github.com/lunarsan/lunar/stream/dmu"
)

// through is what a relay lets through of a stream, read in one way or the other.
func through(t *testing.T, in io.Reader, write bool) ([]byte, error) {
	t.Helper()
	r := newRelay(in)
	if _, err := r.open(); err != nil {
		return nil, err
	}
	var out bytes.Buffer
	var err error
	if write {
		_, err = r.WriteTo(&out)
	} else {
		_, err = io.CopyBuffer(struct{ io.Writer }{&out}, struct{ io.Reader }{r}, make([]byte, 777))
	}
	return out.Bytes(), err
}

// borders are where the records of a stream begin, and its end.
func borders(t *testing.T, p []byte) (at []int) {
	t.Helper()
	r := dmu.NewReader(bytes.NewReader(p), dmu.Options{})
	for {
		if _, err := r.Next(); err == io.EOF {
			return append(at, len(p))
		} else if err != nil {
			t.Fatal(err)
		}
		at = append(at, int(r.Offset()))
	}
}

func TestRelay(t *testing.T) {
	for _, p := range [][]byte{generated(t, 1, 0, nil), generated(t, 2, 1, nil)} {
		for _, write := range []bool{false, true} {
			for _, in := range []io.Reader{bytes.NewReader(p), iotest.HalfReader(bytes.NewReader(p)), iotest.DataErrReader(bytes.NewReader(p))} {
				if got, err := through(t, in, write); err != nil || !bytes.Equal(got, p) {
					t.Errorf("%d bytes come through of %d: %v", len(got), len(p), err)
				}
			}
		}
	}
}

// TestRelayCut: what comes through of a stream that is cut are whole records, and never END.
func TestRelayCut(t *testing.T) {
	p := generated(t, 1, 0, nil)
	at := borders(t, p)
	random := rand.New(rand.NewPCG(1, 2))
	for range 60 {
		n := random.IntN(len(p))
		got, err := through(t, bytes.NewReader(p[:n]), n%2 == 0)
		if !errors.Is(err, stream.ErrStream) {
			t.Fatalf("cut at %d: %v", n, err)
		}
		checkPrefix(t, p, got, at, n)
	}
}

// large are streams that a relay's buffer has no room for, nor for one of its blocks.
func large(t *testing.T) [][]byte {
	return [][]byte{
		generatedOf(t, 10<<20, dmu.GenerateOptions{Snapshot: dmu.Link{GUID: 7, Name: "far/away@s", BlockSize: 128 << 10}}),
		generatedOf(t, 32<<20, dmu.GenerateOptions{Snapshot: dmu.Link{GUID: 7, Name: "far/away@s", BlockSize: 4 << 20}}),
	}
}

// TestRelayLarge: a relay asks for no more than it needs to let a record go on.
func TestRelayLarge(t *testing.T) {
	failed := errors.New("the wire was cut")
	for _, p := range large(t) {
		at := borders(t, p)
		for k := 2; k < len(at)-1; k += 1 + len(at)/6 {
			r := newRelay(io.MultiReader(bytes.NewReader(p[:at[k]]), iotest.ErrReader(failed)))
			var got bytes.Buffer
			if _, err := r.WriteTo(&got); !errors.Is(err, failed) {
				t.Fatalf("%v, want %v", err, failed)
			}
			if !bytes.Equal(got.Bytes(), p[:at[k-1]]) {
				t.Fatalf("%d bytes come through of %d, want those before the last record, %d", got.Len(), at[k], at[k-1])
			}
			if cap(r.buf) > 2*(4<<20)+2*relayAhead {
				t.Fatalf("%d bytes are kept", cap(r.buf))
			}
		}
		if got, err := through(t, bytes.NewReader(p), true); err != nil || !bytes.Equal(got, p) {
			t.Errorf("%d bytes come through of %d: %v", len(got), len(p), err)
		}
	}
}

// TestRelayDamaged: a flipped bit does not come through.
func TestRelayDamaged(t *testing.T) {
	p := generated(t, 1, 0, nil)
	at := borders(t, p)
	random := rand.New(rand.NewPCG(3, 4))
	for range 60 {
		damaged, n := bytes.Clone(p), random.IntN(len(p))
		damaged[n] ^= 1 << random.IntN(8)
		got, err := through(t, bytes.NewReader(damaged), n%2 == 0)
		if !errors.Is(err, stream.ErrStream) {
			t.Fatalf("flipped at %d: %v", n, err)
		}
		checkPrefix(t, p, got, at, n)
	}
	got, err := through(t, io.MultiReader(bytes.NewReader(p), bytes.NewReader([]byte{0})), true)
	if !errors.Is(err, dmu.ErrTrailing) || len(got) >= len(p) {
		t.Errorf("a byte behind the end: %d of %d bytes come through, %v", len(got), len(p), err)
	}
}

// checkPrefix: got is the beginning of p, ends where a record does, and no later than limit.
func checkPrefix(t *testing.T, p, got []byte, borders []int, limit int) {
	t.Helper()
	if !bytes.HasPrefix(p, got) || len(got) > limit {
		t.Fatalf("%d bytes come through of %d that are good", len(got), limit)
	}
	for _, at := range borders {
		if at == len(got) {
			return
		}
	}
	t.Fatalf("%d bytes come through, which is inside a record", len(got))
}

// TestRelayRules: the machine would panic that receives a volume without its size. Such a stream
// does not come to its end.
func TestRelayRules(t *testing.T) {
	r := dmu.NewReader(bytes.NewReader(generated(t, 1, 0, nil)), dmu.Options{})
	var p []byte
	var sum dmu.Fletcher4
	end := 0
	for {
		record, err := r.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		switch {
		case record.Type() == dmu.TypeWrite && record.Write().Object() == dmu.ZvolProps:
			continue
		case record.Type() == dmu.TypeEnd:
			end = len(p)
		}
		p = append(append(p, seal(*record, &sum)...), r.Payload()...)
		sum.Add(r.Payload(), binary.LittleEndian)
	}
	got, err := through(t, bytes.NewReader(p), true)
	if !errors.Is(err, stream.ErrStream) || len(got) > end || len(got) == 0 {
		t.Errorf("%d bytes come through, END begins at %d: %v", len(got), end, err)
	}
}

// seal gives a record the checksum that it has behind others.
func seal(record dmu.Record, sum *dmu.Fletcher4) []byte {
	put := func(at int, f dmu.Fletcher4) {
		for i, word := range f {
			binary.LittleEndian.PutUint64(record[at+8*i:], word)
		}
	}
	switch record.Type() {
	case dmu.TypeBegin:
		sum.Add(record[:], binary.LittleEndian)
		return record[:]
	case dmu.TypeEnd:
		put(8, *sum)
	}
	sum.Add(record[:280], binary.LittleEndian)
	put(280, *sum)
	sum.Add(record[280:], binary.LittleEndian)
	return record[:]
}

// TestRelayRefuses: what is not one snapshot's stream.
func TestRelayRefuses(t *testing.T) {
	var whole bytes.Buffer
	w := dmu.NewWriter(&whole, binary.LittleEndian)
	head := dmu.NewBegin()
	head.SetVersion(dmu.Compound, 0)
	if err := errors.Join(head.SetToName("tank/v@a"), w.Write(head.Record(), nil), w.Write(dmu.NewRecord(dmu.TypeEnd), nil), w.Write(dmu.NewRecord(dmu.TypeEnd), nil), w.Close()); err != nil {
		t.Fatal(err)
	}
	if got, err := through(t, &whole, true); !errors.Is(err, stream.ErrPackage) || len(got) > 0 {
		t.Errorf("a package: %d bytes come through, %v", len(got), err)
	}
	unknown := generated(t, 1, 0, nil)
	var sum dmu.Fletcher4
	begin := dmu.Record(unknown[:dmu.RecordSize])
	begin.Begin().SetVersion(dmu.Substream, 1<<40)
	p := seal(begin, &sum)
	next := dmu.Record(unknown[dmu.RecordSize : 2*dmu.RecordSize])
	p = append(p, seal(next, &sum)...)
	if got, err := through(t, bytes.NewReader(p), true); !errors.Is(err, dmu.ErrUnsupported) || len(got) > 0 {
		t.Errorf("a feature that nobody knows: %d bytes come through, %v", len(got), err)
	}
}
