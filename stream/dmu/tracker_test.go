package dmu

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestTracker: wherever a stream is cut, the token is that of the last block in front of it.
func TestTracker(t *testing.T) {
	stream := smallVolume(t, binary.LittleEndian)
	token := func(in []byte) (*Token, error) {
		var tr Tracker
		r := NewReader(bytes.NewReader(in), Options{})
		for {
			rec, err := r.Next()
			if err == io.EOF || errors.Is(err, ErrTruncated) {
				return tr.Token()
			} else if err != nil {
				t.Fatal(err)
			}
			tr.Add(r, rec)
		}
	}
	want := &Token{ToGUID: 0xa1, ToName: "tank/vol@a", Compressed: true}
	at := 0
	r := NewReader(bytes.NewReader(stream), Options{})
	for rec, err := r.Next(); err != io.EOF; rec, err = r.Next() {
		if err != nil {
			t.Fatal(err)
		}
		at += RecordSize + len(r.Payload())
		if rec.Type() == TypeWrite {
			w := rec.Write()
			want.Object, want.Offset, want.Bytes = w.Object(), w.Offset(), uint64(at-RecordSize)
		}
		for _, cut := range []int{at, min(at+300, len(stream))} {
			got, err := token(stream[:cut])
			if want.Object == 0 {
				if err == nil {
					t.Errorf("cut at %d, in front of all blocks, it is %+v", cut, got)
				}
			} else if diff := cmp.Diff(want, got); err != nil || diff != "" {
				t.Errorf("cut at %d: %v %s", cut, err, diff)
			}
		}
	}
	if _, err := new(Tracker).Token(); err == nil {
		t.Error("a token of nothing")
	}
}
