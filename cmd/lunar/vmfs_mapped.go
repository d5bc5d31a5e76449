package main

import (
	"errors"
	"os"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// A mappedFile is a file that can be looked at where it lies in memory. Block devices are not
// mapped: a read that fails there is a signal, and they fail more often.
type mappedFile struct {
	*os.File
	data  []byte
	shown atomic.Int64 // bytes since pages were given back
}

// mapFile maps all of f to memory.
func mapFile(f *os.File, size int64) (*mappedFile, error) {
	if int64(int(size)) != size {
		return nil, unix.EFBIG
	}
	data, err := unix.Mmap(int(f.Fd()), 0, int(size), unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		return nil, os.NewSyscallError("mmap", err)
	}
	return &mappedFile{File: f, data: data}, nil
}

// Pages that were looked at stay in memory. They are given back after keepMapped bytes, so that
// a walk over a large volume takes no more; what was shown remains valid, and is mapped again
// when it is looked at. The kernel maps pages around the one that is asked for.
const (
	keepMapped = 32 << 20
	around     = 64 << 10
)

// Slice implements vmfs.Slicer.
func (m *mappedFile) Slice(off int64, n int) []byte {
	if off < 0 || off > int64(len(m.data)-n) {
		return nil
	}
	if m.shown.Add(max(int64(n), around)) > keepMapped {
		m.shown.Store(0)
		_ = unix.Madvise(m.data, unix.MADV_DONTNEED) // it only saves memory
	}
	return m.data[off : off+int64(n) : off+int64(n)]
}

// Close ends the mapping: nothing that Slice returned may be looked at any more.
func (m *mappedFile) Close() error {
	return errors.Join(unix.Munmap(m.data), m.File.Close())
}
