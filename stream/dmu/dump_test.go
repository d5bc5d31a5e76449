package dmu

import (
	"bytes"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// dumped is all of a stream as text.
func dumped(t *testing.T, stream []byte) string {
	t.Helper()
	var out []byte
	var totals Totals
	for r := NewReader(bytes.NewReader(stream), Options{}); ; {
		rec, err := r.Next()
		if err == io.EOF {
			return string(totals.Dump(out))
		} else if err != nil {
			t.Fatal(err)
		}
		out = rec.Dump(out, r.Payload())
		totals.Add(rec)
	}
}

// TestRealDumps: the words are those that zstream dump -v had for the same streams.
func TestRealDumps(t *testing.T) {
	files := realFiles(t)
	eachReal(t, func(t *testing.T, name string, stream []byte) {
		want := string(files[name+".dump"])
		got := dumped(t, stream)
		if diff := cmp.Diff(strings.Split(want, "\n"), strings.Split(got, "\n")); diff != "" {
			t.Errorf("(-zstream +lunar)\n%.3000s", diff)
		}
	})
}
