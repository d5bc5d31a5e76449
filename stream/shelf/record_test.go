package shelf

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/lunarsan/lunar/stream/dmu"
)

// sample has one of everything.
func sample() *record {
	return &record{
		Format: recordFormat, Keeps: keepsReflinks,
		Snapshots: []snapshot{
			{Name: "a", Link: dmu.Link{GUID: 1, Name: "lunar/x@a", Size: 1 << 20, BlockSize: 4096}, Holds: []string{"t"}},
			{Name: "b", Link: dmu.Link{GUID: 2, From: 1, Name: "lunar/x@b", Size: 1 << 20, BlockSize: 4096}},
		},
		Bookmarks: []bookmark{{Name: "m", Link: dmu.Link{GUID: 3}, Until: 1}},
		Clones:    []clone{{Name: "c", Snapshot: "a"}},
		Becomes:   forkReceiving, Newest: 2, Gone: 9,
	}
}

// TestRecordRefused: what this package takes for granted of a record is looked at.
func TestRecordRefused(t *testing.T) {
	p, err := sample().encode()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ from, to string }{
		{`"format": 1`, `"format": 2`},
		{`"keeps": "reflinks"`, `"keeps": "tapes"`},
		{`"name": "b"`, `"name": "a"`},
		{`"name": "b"`, `"name": "../b"`},
		{`"name": "b"`, `"name": ""`},
		{`"guid": "2"`, `"guid": "1"`},
		{`"guid": "2"`, `"guid": "0"`},
		{`"guid": "2"`, `"guid": 2`},
		{`"guid": "3"`, `"guid": "0"`},
		{`"size": "1048576"`, `"size": "9223372036854775808"`},
		{`"name": "m"`, `"name": "m/n"`},
		{`"name": "c"`, `"name": ".receiving"`},
		{`"snapshot": "a"`, `"snapshot": "z"`},
		{`"becomes": ".receiving"`, `"becomes": "../../disk"`},
		{`{`, ``},
	} {
		bad := strings.Replace(string(p), c.from, c.to, 1)
		if bad == string(p) {
			t.Fatalf("%s is not in %s", c.from, p)
		}
		if _, err := parseRecord([]byte(bad)); !errors.Is(err, ErrRecord) {
			t.Errorf("%s instead of %s: %v", c.to, c.from, err)
		}
	}
}

// FuzzRecord: no record is taken that is not written the same again.
func FuzzRecord(f *testing.F) {
	p, err := sample().encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(p)
	f.Add([]byte(`{"format":1,"keeps":"reflinks","snapshots":[]}`))
	f.Fuzz(func(t *testing.T, p []byte) {
		r, err := parseRecord(p)
		if err != nil {
			if r != nil {
				t.Fatal("a record beside an error")
			}
			return
		}
		once, err := r.encode()
		if err != nil {
			t.Skip() // a time that JSON has no form for
		}
		again, err := parseRecord(once)
		if err != nil {
			t.Fatal(err)
		}
		if twice, err := again.encode(); err != nil || !bytes.Equal(once, twice) {
			t.Fatalf("%v: %s is written as %s", err, once, twice)
		}
	})
}

// FuzzSpans: no list of changes is taken that is not one, and it tells of all that is in it.
func FuzzSpans(f *testing.F) {
	f.Add([]byte(`[[0,4096],[8192,12288]]`))
	f.Add([]byte(`null`))
	f.Add([]byte(`[[5,4]]`))
	f.Fuzz(func(t *testing.T, p []byte) {
		s, err := parseSpans(p)
		if err != nil || len(s) == 0 || s[0][0] < 0 {
			return
		}
		all, err := allOf(s)
		if err != nil || len(all) != len(s) {
			t.Fatalf("of %v it tells %v, %v", s, all, err)
		}
		for _, x := range s {
			if from, n, _ := s.few(2).Next(x[0]); n == 0 || from > x[0] || from+n < x[1] {
				t.Fatalf("%v is not in %v", x, s.few(2))
			}
		}
	})
}

// TestSpans holds the union of changes against bits.
func TestSpans(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	const size = 200
	some := func() (s spans, bits [size]bool) {
		for at := random.Int64N(20); ; at += 1 + random.Int64N(20) {
			until := at + 1 + random.Int64N(20)
			if until > size {
				return s, bits
			}
			s = append(s, span{at, until})
			for ; at < until; at++ {
				bits[at] = true
			}
		}
	}
	for range 1000 {
		a, inA := some()
		b, inB := some()
		both := a.and(b)
		if err := both.check(); err != nil {
			t.Fatalf("%v and %v: %v: %v", a, b, both, err)
		}
		var in [size]bool
		for _, x := range both {
			for at := x[0]; at < x[1]; at++ {
				in[at] = true
			}
		}
		for at := range in {
			if in[at] != (inA[at] || inB[at]) {
				t.Fatalf("%v and %v are %v", a, b, both)
			}
			from, n, _ := both.Next(int64(at))
			want := at
			for want < size && !in[want] {
				want++
			}
			if (n == 0) != (want == size) || n > 0 && (max(from, int64(at)) != int64(want) || from+n <= int64(at)) {
				t.Fatalf("in %v, behind %d: %d, %d", both, at, from, n)
			}
		}
	}
}
