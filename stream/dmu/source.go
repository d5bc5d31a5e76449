package dmu

import "io"

// A Source is a volume that a stream is made of, or what it was before. Its methods are called
// from several goroutines.
type Source interface {
	io.ReaderAt
	Size() int64 // bytes
}

// A Mapper is a Source that knows where it has nothing.
type Mapper interface {
	// Mapped tells whether the byte at off may be something else than zero, and for how many
	// bytes from off on that holds (n > 0).
	Mapped(off int64) (mapped bool, n int64, err error)
}

// Changes know where a volume may differ from what it was: a dirty map, or two files that share
// what they have in common.
type Changes interface {
	// Next is the first range that may differ and ends behind off; n is 0 where there is none.
	Next(off int64) (from, n int64, err error)
}

// A span is a range of a volume, in whole blocks.
type span struct {
	off, n int64
	hole   bool // it has nothing
}

// A walker finds the spans of a volume that a stream has to look at, in order.
type walker struct {
	now     Source
	size    int64  // of the volume
	was     Source // nil: not there
	wasSize int64
	changes Changes // nil: everything may have changed
	block   int64   // length of a block
	longest int64   // length of a span that is read

	at    int64 // everything before is done
	until int64 // everything from at to here may have changed
}

// next is the next span; its n is 0 at the end.
func (w *walker) next() (span, error) {
	for {
		if w.at >= w.until {
			if err := w.advance(); err != nil || w.at >= w.size {
				return span{}, err
			}
		}
		mapped, n, err := w.mapped(w.now, w.size)
		if err != nil {
			return span{}, err
		}
		if whole := n / w.block * w.block; !mapped && whole > 0 {
			skip, err := w.wasNothing()
			if err != nil {
				return span{}, err
			}
			s := span{w.at, whole, true}
			if skip > 0 {
				s.n = min(whole, skip)
			}
			w.at += s.n
			if skip > 0 {
				continue
			}
			return s, nil
		}
		s := span{off: w.at, n: w.block}
		if mapped {
			s.n = min((n+w.block-1)/w.block*w.block, w.longest)
		}
		w.at += s.n
		return s, nil
	}
}

// advance goes to the next range that may have changed, or to the end.
func (w *walker) advance() error {
	if w.changes == nil {
		w.until = w.size
		return nil
	}
	from, n, err := w.changes.Next(w.at)
	if err != nil {
		return err
	}
	if n <= 0 || from >= w.size {
		w.at, w.until = w.size, w.size
		return nil
	}
	n = min(n, w.size-from)
	w.until = (from + n + w.block - 1) / w.block * w.block
	w.at = max(w.at, from/w.block*w.block)
	return nil
}

// mapped asks s, of which size bytes count, about the place at hand.
func (w *walker) mapped(s Source, size int64) (bool, int64, error) {
	left := min(w.until, size) - w.at
	m, ok := s.(Mapper)
	if !ok {
		return true, left, nil
	}
	mapped, n, err := m.Mapped(w.at)
	return mapped, min(n, left), err
}

// wasNothing is for how many bytes, in whole blocks, the volume had nothing before either.
func (w *walker) wasNothing() (int64, error) {
	if w.was == nil || w.at >= w.wasSize {
		return 0, nil
	}
	mapped, n, err := w.mapped(w.was, w.wasSize)
	if err != nil || mapped {
		return 0, err
	}
	return n / w.block * w.block, nil
}
