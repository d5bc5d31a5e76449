package main

import (
	"fmt"
	"io"
	"os"
	"sync"
	"unsafe"

	"golang.org/x/sys/unix"
)

// directAlign is what direct I/O is a multiple of on any disk.
const directAlign = 4096

// A directFile reads a device past the page cache, which does not see what other hosts write.
type directFile struct {
	f   *os.File
	mu  sync.Mutex // of buf
	buf []byte     // where the device reads to
}

// pastCache opens f once more, to read past the page cache.
func pastCache(f *os.File) (*directFile, error) {
	direct, err := os.OpenFile(f.Name(), os.O_RDONLY|unix.O_DIRECT, 0)
	if err != nil {
		return nil, err
	}
	b := make([]byte, 1<<20+directAlign)
	skip := -int(uintptr(unsafe.Pointer(&b[0]))) & (directAlign - 1)
	return &directFile{f: direct, buf: b[skip : skip+1<<20]}, nil
}

// ReadAt reads whole blocks, and copies what was asked for.
func (d *directFile) ReadAt(p []byte, off int64) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	done := 0
	for done < len(p) {
		at := off + int64(done)
		skip := int(at % directAlign)
		want := min(len(d.buf), (skip+len(p)-done+directAlign-1)&^(directAlign-1))
		n, err := d.f.ReadAt(d.buf[:want], at-int64(skip))
		if n <= skip {
			if err == nil {
				err = io.ErrUnexpectedEOF
			}
			return done, fmt.Errorf("reading past the page cache: %w", err)
		}
		done += copy(p[done:], d.buf[skip:n])
	}
	return done, nil
}

// Close closes what pastCache opened.
func (d *directFile) Close() error { return d.f.Close() }
