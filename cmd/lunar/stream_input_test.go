package main

import (
	"bytes"
	"compress/gzip"
	"io"
	"os"
	"testing"

	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
)

// TestWrapped: what is around a stream is noticed and taken off.
func TestWrapped(t *testing.T) {
	plain, err := os.ReadFile("../../stream/dmu/testdata/volume.zs")
	if err != nil {
		t.Fatal(err)
	}
	for name, wrap := range map[string]func(io.Writer) (io.WriteCloser, error){
		"gzip": func(w io.Writer) (io.WriteCloser, error) { return gzip.NewWriter(w), nil },
		"lz4":  func(w io.Writer) (io.WriteCloser, error) { return lz4.NewWriter(w), nil },
		"zstd": func(w io.Writer) (io.WriteCloser, error) { return zstd.NewWriter(w) },
	} {
		var wrapped, out, errs bytes.Buffer
		w, err := wrap(&wrapped)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(plain); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		whole := bytes.Clone(wrapped.Bytes())
		verify := func(in []byte) int {
			out.Reset()
			errs.Reset()
			return run(t.Context(), world{args: []string{"stream", "verify", "-"}, stdin: bytes.NewReader(in), stdout: &out, stderr: &errs, getenv: func(string) string { return "" }})
		}
		if code := verify(whole); code != exitDone || out.String() != "-: whole, 13 records, 6.96 KiB\n" {
			t.Errorf("%s: exit %d, %q, %q", name, code, &out, &errs)
		}
		if code := verify(whole[:len(whole)-9]); code != exitFailed {
			t.Errorf("%s that is cut: exit %d, %q, %q", name, code, &out, &errs)
		}
	}
}
