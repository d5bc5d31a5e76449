package main

import (
	"bytes"
	"compress/gzip"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
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

// TestWrappedFarBack: zstd that refers back further than there is memory for is told from damage,
// with the way out.
func TestWrappedFarBack(t *testing.T) {
	file := filepath.Join(t.TempDir(), "far.zst")
	f, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	w, err := zstd.NewWriter(f, zstd.WithWindowSize(2*maxWindow), zstd.WithSingleSegment(false))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.ReadFrom(io.LimitReader(rand.NewChaCha8([32]byte{}), 1<<20)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	var out, errs bytes.Buffer
	code := run(t.Context(), world{args: []string{"stream", "verify", file}, stdout: &out, stderr: &errs, getenv: func(string) string { return "" }})
	if code != exitFailed || !strings.Contains(errs.String(), "zstd -dc --long=31") {
		t.Errorf("exit %d, %q", code, &errs)
	}
}
