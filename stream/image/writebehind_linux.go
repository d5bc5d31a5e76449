package image

import (
	"os"

	"golang.org/x/sys/unix"
)

// A writeBehind has the system begin to write what was written to a store, so that the next Sync
// has little left to do. It is a favour: where the system does not do it, nothing is lost.
type writeBehind struct {
	f        *os.File
	from, to int64 // written since it was told last (bytes)
}

// behindStep is how much is written between two words to the system (bytes).
const behindStep = 8 << 20

func (w *writeBehind) open(path string) { w.f, _ = os.Open(path) }

func (w *writeBehind) close() {
	if w.f != nil {
		_ = w.f.Close() // it was only read
	}
}

// wrote takes note of n bytes at off.
func (w *writeBehind) wrote(off, n int64) {
	if w.to == w.from {
		w.from, w.to = off, off
	}
	w.from, w.to = min(w.from, off), max(w.to, off+n)
	if w.f == nil || w.to-w.from < behindStep {
		return
	}
	_ = unix.SyncFileRange(int(w.f.Fd()), w.from, w.to-w.from, unix.SYNC_FILE_RANGE_WRITE)
	w.from, w.to = 0, 0
}
