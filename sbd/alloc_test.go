package sbd_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"testing"

	"github.com/lunarsan/lunar/sbd"
	"github.com/lunarsan/lunar/sbd/storetest"
)

// The I/O path allocates nothing: 4 KiB, inline, from memory.
func TestReadAndWriteAllocateNothing(t *testing.T) {
	if race {
		t.Skip("the race detector allocates")
	}
	for name, store := range map[string]func(t *testing.T) sbd.Store{
		"memory":         func(t *testing.T) sbd.Store { return sbd.NewMem(16 << 20) },
		"file on disk":   func(t *testing.T) sbd.Store { return newFile(t, t.TempDir()) },
		"file in memory": func(t *testing.T) sbd.Store { return newFile(t, storetest.Memory(t)) },
	} {
		t.Run(name, func(t *testing.T) {
			u := online(t, sbd.Config{WriteCache: true}, store(t))
			p := make([]byte, 4096)
			blocking := &sbd.Op{MayBlock: true}
			for off := int64(0); off < 1<<20; off += 4096 {
				if err := u.WriteAt(blocking, p, off, false); err != nil {
					t.Fatal(err)
				}
			}
			op := new(sbd.Op)
			var off int64
			measure := func(what string, call func() error) {
				served := 0
				allocs := testing.AllocsPerRun(200, func() {
					err := call()
					if err != nil && !errors.Is(err, sbd.ErrWouldBlock) {
						t.Fatal(err)
					}
					if err == nil {
						served++
					}
					off = (off + 4096) % (1 << 20)
				})
				if allocs != 0 {
					t.Errorf("%s allocates %v times", what, allocs)
				}
				t.Logf("%s: %d of 201 served inline", what, served)
			}
			measure("ReadAt", func() error { return u.ReadAt(op, p, off) })
			measure("WriteAt", func() error { return u.WriteAt(op, p, off, false) })
			measure("blocking ReadAt", func() error { return u.ReadAt(blocking, p, off) })
			measure("blocking WriteAt", func() error { return u.WriteAt(blocking, p, off, false) })
			measure("durable WriteAt", func() error { return u.WriteAt(blocking, p, off, true) })
		})
	}
}

func BenchmarkUnit(b *testing.B) {
	for name, store := range map[string]func(b *testing.B) sbd.Store{
		"null":  func(b *testing.B) sbd.Store { return sbd.NewNull(16 << 20) },
		"mem":   func(b *testing.B) sbd.Store { return sbd.NewMem(16 << 20) },
		"disk":  func(b *testing.B) sbd.Store { return newFile(b, b.TempDir()) },
		"tmpfs": func(b *testing.B) sbd.Store { return newFile(b, storetest.Memory(b)) },
	} {
		u := online(b, sbd.Config{WriteCache: true}, store(b))
		for _, n := range []int64{4 << 10, 256 << 10} {
			p := make([]byte, n)
			op := &sbd.Op{MayBlock: true}
			for off := int64(0); off < 16<<20; off += n {
				if err := u.WriteAt(op, p, off, false); err != nil {
					b.Fatal(err)
				}
			}
			run := func(what string, op *sbd.Op, call func(*sbd.Op, int64) error) {
				b.Run(fmt.Sprintf("%s/%s/%dK", name, what, n>>10), func(b *testing.B) {
					b.ReportAllocs()
					b.SetBytes(n)
					var off int64
					for b.Loop() {
						if err := call(op, off); err != nil && err != sbd.ErrWouldBlock {
							b.Fatal(err)
						}
						off = (off + n) % (16 << 20)
					}
				})
			}
			run("read", new(sbd.Op), func(op *sbd.Op, off int64) error { return u.ReadAt(op, p, off) })
			run("write", op, func(op *sbd.Op, off int64) error { return u.WriteAt(op, p, off, false) })
		}
	}
}

func newFile(t testing.TB, folder string) sbd.Store {
	path := filepath.Join(folder, "store")
	create(t, path, 16<<20, true)
	return open(t, path)
}
