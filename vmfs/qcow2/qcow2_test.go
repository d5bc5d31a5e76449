package qcow2

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// makeImage writes an image of a disk with random data in some places, and the disk itself.
func makeImage(t *testing.T, size int64, data [][2]int64) (l *Layout, image, raw *os.File) {
	t.Helper()
	var p Planner
	for _, d := range data {
		p.Add(d[0], d[1])
	}
	l, err := p.Layout(size)
	if err != nil {
		t.Fatal(err)
	}
	create := func(name string, size int64) *os.File {
		f, err := os.Create(filepath.Join(t.TempDir(), name))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = f.Close() })
		if err := f.Truncate(size); err != nil {
			t.Fatal(err)
		}
		return f
	}
	image, raw = create("disk.qcow2", l.Size()), create("disk.img", size)
	r := rand.NewChaCha8([32]byte{1})
	for _, d := range data {
		b := make([]byte, d[1])
		r.Read(b)
		for _, w := range []io.WriterAt{Writer{l, image}, raw} {
			if _, err := w.WriteAt(b, d[0]); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := l.WriteMetadata(image); err != nil {
		t.Fatal(err)
	}
	return l, image, raw
}

const mib = 1 << 20

var images = map[string]struct {
	size int64
	data [][2]int64
}{
	"empty":       {0, nil},
	"one block":   {512, [][2]int64{{0, 512}}},
	"all zeros":   {700 * mib, nil},
	"scattered":   {1200 * mib, [][2]int64{{0, 3000}, {5 * mib, 100}, {5*mib + 70000, 1 * mib}, {511 * mib, 2 * mib}, {513 * mib, 1}, {1199 * mib, mib}}},
	"second half": {1100 * mib, [][2]int64{{700 * mib, 65536}}},
	"all of it":   {20*mib + 512, [][2]int64{{0, 20*mib + 512}}},
}

// TestImages has QEMU check images and compare them with the disks.
func TestImages(t *testing.T) {
	_, missing := exec.LookPath("qemu-img")
	for name, tt := range images {
		t.Run(name, func(t *testing.T) {
			l, image, raw := makeImage(t, tt.size, tt.data)
			for _, d := range tt.data {
				from, to := max(0, d[0]-100000), min(tt.size, d[0]+d[1]+100000)
				got, want := make([]byte, to-from), make([]byte, to-from)
				_, err := Reader{l, image}.ReadAt(got, from)
				if _, err2 := raw.ReadAt(want, from); err != nil || err2 != nil || !bytes.Equal(got, want) {
					t.Errorf("the image does not read back at %d: %v, %v", from, err, err2)
				}
			}
			if missing != nil {
				t.Skip("qemu-img is not installed")
			}
			for _, args := range [][]string{{"check", image.Name()}, {"compare", "-f", "qcow2", "-F", "raw", image.Name(), raw.Name()}} {
				if out, err := exec.CommandContext(t.Context(), "qemu-img", args...).CombinedOutput(); err != nil {
					t.Errorf("qemu-img %v: %v\n%s", args, err, out)
				}
			}
		})
	}
}

// TestLarge lays out a disk that has several L1 clusters, without writing its data.
func TestLarge(t *testing.T) {
	var p Planner
	p.Add(0, 1)
	p.Add(60<<40, 3<<30)
	l, err := p.Layout(64 << 40)
	if err != nil {
		t.Fatal(err)
	}
	if l.l1 != 16 || l.data != 1+3<<14 || l.l2 != 1+6 {
		t.Errorf("%d clusters of L1, %d of L2, %d of data", l.l1, l.l2, l.data)
	}
	if at, n := l.Offset(60<<40 + 5); at != l.Size()-3<<30+5 || n != 3<<30-5 {
		t.Errorf("the data is at %d, %d bytes of it", at, n)
	}
	if at, n := l.Offset(1 << 40); at != 0 || n != 0 {
		t.Errorf("a hole is at %d", at)
	}
	if _, missing := exec.LookPath("qemu-img"); missing != nil {
		t.Skip("qemu-img is not installed")
	}
	name := filepath.Join(t.TempDir(), "large.qcow2")
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := errors.Join(f.Truncate(l.Size()), l.WriteMetadata(f)); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), "qemu-img", "check", name).CombinedOutput(); err != nil {
		t.Errorf("qemu-img check: %v\n%s", err, out)
	}
}

// TestRefuses is what cannot be laid out or written.
func TestRefuses(t *testing.T) {
	for _, size := range []int64{-512, 100, maxSize + 512} {
		if _, err := new(Planner).Layout(size); err == nil {
			t.Errorf("a disk of %d bytes was laid out", size)
		}
	}
	l, _ := new(Planner).Layout(1 << 30)
	if _, err := (Writer{l, nil}).WriteAt([]byte{1}, 0); err == nil {
		t.Error("data was written where none was planned")
	}
	if _, err := (Reader{l, nil}).ReadAt(make([]byte, 2), 1<<30-1); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("reading behind the end gives %v", err)
	}
	if err := l.WriteMetadata(fullDisk{}); err == nil || err.Error() != "full" {
		t.Errorf("writing to a full disk gives %v", err)
	}
}

type fullDisk struct{}

func (fullDisk) WriteAt([]byte, int64) (int, error) { return 0, fmt.Errorf("full") }
