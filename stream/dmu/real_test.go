package dmu

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
)

// realArchive has streams that OpenZFS 2.1.11 made, what zstream says of each (.dump), and the
// SHA-256 of the volumes in them. It is beside the checkout where there is one.
const realArchive = "../../../shared/data/zfs/streams.tar.xz"

// unpackReal reads the archive, or returns nil where it is not.
var unpackReal = sync.OnceValues(func() (map[string][]byte, error) {
	if _, err := os.Stat(realArchive); errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	plain, err := exec.Command("xz", "-dc", realArchive).Output()
	if err != nil {
		return nil, err
	}
	files := map[string][]byte{}
	for tr := tar.NewReader(bytes.NewReader(plain)); ; {
		h, err := tr.Next()
		if err == io.EOF {
			return files, nil
		} else if err != nil {
			return nil, err
		}
		if files[strings.TrimPrefix(h.Name, "./")], err = io.ReadAll(tr); err != nil {
			return nil, err
		}
	}
})

// realFiles are the files of the archive; without it the test is skipped.
func realFiles(t testing.TB) map[string][]byte {
	t.Helper()
	files, err := unpackReal()
	if err != nil {
		t.Fatal(err)
	}
	if len(files) == 0 {
		t.Skip("there are no streams of a real OpenZFS beside this checkout")
	}
	return files
}

// proven are volumes whose SHA-256 was right, by that: what comes later is compared with them, which
// takes a hundredth of the time.
var proven = struct {
	sync.Mutex
	volumes map[string]*memVolume
}{volumes: map[string]*memVolume{}}

// checkReal holds a volume to the SHA-256 that was recorded of OpenZFS's own at a snapshot.
func checkReal(t *testing.T, files map[string][]byte, snapshot string, v *memVolume) {
	t.Helper()
	want, _, _ := strings.Cut(string(files[snapshot+".sha256"]), " ")
	if want = strings.TrimSpace(want); len(want) != 64 {
		t.Fatalf("no digest of %s", snapshot)
	}
	proven.Lock()
	defer proven.Unlock()
	if known := proven.volumes[want]; known != nil && known.same(v) {
		return
	}
	if got := fmt.Sprintf("%x", sha256.Sum256(v.bytes())); got != want {
		t.Fatalf("%s: %d bytes with SHA-256 %s, want %s", snapshot, v.size, got, want)
	}
	proven.volumes[want] = v.clone()
}

// eachReal runs a test for each real stream.
func eachReal(t *testing.T, test func(t *testing.T, name string, stream []byte)) {
	t.Helper()
	files := realFiles(t)
	ran := 0
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if !strings.HasSuffix(name, ".zs") {
			continue
		}
		ran++
		t.Run(name, func(t *testing.T) { test(t, name, files[name]) })
	}
	if ran < 30 {
		t.Errorf("only %d streams in the archive", ran)
	}
}

// relay reads a stream and writes it in the given byte order.
func relay(in []byte, order binary.ByteOrder) ([]byte, error) {
	var out bytes.Buffer
	w := NewWriter(&out, order)
	for r := NewReader(bytes.NewReader(in), Options{}); ; {
		rec, err := r.Next()
		if err == io.EOF {
			err := w.Close()
			return out.Bytes(), err
		} else if err != nil {
			return nil, err
		}
		if err := w.Write(rec, r.Payload()); err != nil {
			return nil, err
		}
	}
}

// TestRealStreams: every stream is whole, keeps all rules, and is written again to the same
// bytes.
func TestRealStreams(t *testing.T) {
	eachReal(t, func(t *testing.T, name string, stream []byte) {
		out, err := relay(stream, binary.LittleEndian)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(out, stream) {
			t.Fatalf("written again it has %d bytes, not %d, or others", len(out), len(stream))
		}
	})
}
