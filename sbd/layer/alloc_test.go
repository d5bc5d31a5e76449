//go:build unix

package layer

import (
	"errors"
	"path/filepath"
	"testing"

	"github.com/lunarsan/lunar/sbd"
	"github.com/lunarsan/lunar/sbd/storetest"
)

// The I/O path allocates nothing on layers either, and does not leave for what the page cache has.
func TestReadAndWriteAllocateNothing(t *testing.T) {
	if race {
		t.Skip("the race detector allocates")
	}
	s := layered(t, stacked(t, storetest.Memory(t)))
	defer closes(t, s)
	p := make([]byte, 4096)
	var off int64
	for what, call := range map[string]func() error{
		"TryReadAt":  func() error { _, err := s.TryReadAt(p, off); return err },
		"ReadAt":     func() error { _, err := s.ReadAt(p, off); return err },
		"TryWriteAt": func() error { _, err := s.TryWriteAt(p, off); return err },
		"WriteAt":    func() error { _, err := s.WriteAt(p, off); return err },
	} {
		off = 0
		allocs := testing.AllocsPerRun(200, func() {
			if err := call(); err != nil && !errors.Is(err, sbd.ErrWouldBlock) {
				t.Fatalf("%s: %v", what, err)
			}
			off = (off + 4096) % (1 << 20)
		})
		if allocs != 0 {
			t.Errorf("%s allocates %v times", what, allocs)
		}
	}
}

// stacked makes a volume of 2 MiB of which the base has all, and one delta half.
func stacked(t testing.TB, folder string) string {
	t.Helper()
	path := volume(t, folder, 2<<20)
	s := open(t, path)
	write(t, s, 1, 0, 2<<20)
	closes(t, s)
	must(t, Freeze(path, "a"))
	s = open(t, path)
	write(t, s, 2, 0, 1<<20)
	closes(t, s)
	return path
}

// BenchmarkStack reads and writes 4 KiB through a delta, from the delta and from the base, and,
// side by side, a plain file.
func BenchmarkStack(b *testing.B) {
	folder := storetest.Memory(b)
	plain := filepath.Join(folder, "plain")
	if err := sbd.Create(plain, 2<<20, true); err != nil {
		b.Fatal(err)
	}
	file, stack := open(b, plain), open(b, stacked(b, folder))
	defer file.Close()
	defer stack.Close()
	p := make([]byte, 4096)
	write(b, file, 1, 0, 2<<20)
	for _, run := range []struct {
		name  string
		store sbd.Store
		from  int64
	}{{"plain", file, 0}, {"delta", stack, 0}, {"base", stack, 1 << 20}} {
		read, write := run.store.(sbd.TryReader), run.store.(sbd.TryWriter)
		b.Run("read/"+run.name, func(b *testing.B) {
			var off int64
			for b.Loop() {
				if _, err := read.TryReadAt(p, run.from+off); err != nil {
					b.Fatal(err)
				}
				off = (off + 4096) % (1 << 20)
			}
		})
		if run.from > 0 {
			continue // what is written goes to the delta
		}
		b.Run("write/"+run.name, func(b *testing.B) {
			var off int64
			for b.Loop() {
				if _, err := write.TryWriteAt(p, off); err != nil {
					b.Fatal(err)
				}
				off = (off + 4096) % (1 << 20)
			}
		})
	}
}
