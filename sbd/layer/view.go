//go:build unix

package layer

import (
	"errors"
	"fmt"
	"math/bits"

	"github.com/lunarsan/lunar/sbd"
)

// A view is a volume as it is read: layers on top of each other. It never changes; another one
// takes its place.
type view struct {
	slots []slot // oldest first
	shift uint   // of a block
	size  int64  // bytes
	from  []seen // the stacks that it is made of
}

// A slot is a layer's part in a view: it shows the first bytes of what is below.
type slot struct {
	*layer
	layerKey
	shows int64
}

func shiftOf(block int64) uint { return uint(bits.TrailingZeros64(uint64(block))) }

// at finds who has the byte at off: a layer, or nobody, and it is zero. n is for how many bytes
// from off on that holds.
func (v *view) at(off int64) (l *layer, n int64) {
	b := off >> v.shift
	end := (b + 1) << v.shift
	for i := len(v.slots) - 1; i >= 0; i-- {
		s := &v.slots[i]
		if s.has(b) {
			return s.layer, end - off
		}
		if off >= s.shows {
			break
		}
		end = min(end, s.shows)
	}
	return nil, end - off
}

// span is at for as many blocks as there are, up to end.
func (v *view) span(off, end int64) (l *layer, n int64) {
	l, n = v.at(off)
	for off+n < end {
		next, more := v.at(off + n)
		if next != l {
			break
		}
		n += more
	}
	return l, min(n, end-off)
}

// read fills p from off; with wait false it does not wait for the medium.
func (v *view) read(p []byte, off int64, wait bool) (err error) {
	for end := off + int64(len(p)); off < end; {
		l, n := v.span(off, end)
		part := p[:n]
		switch {
		case l == nil:
			clear(part)
		case wait:
			_, err = l.store.ReadAt(part, off)
		case l.reader != nil:
			_, err = l.reader.TryReadAt(part, off)
		default:
			err = sbd.ErrWouldBlock
		}
		if err != nil {
			return err
		}
		p, off = p[n:], off+n
	}
	return nil
}

// farthest is how far mapped looks, in bytes.
const farthest = 1 << 30

// mapped tells whether the byte at off has space in any layer, and for how long that holds.
func (v *view) mapped(off int64) (bool, int64, error) {
	l, n := v.span(off, min(v.size, off+farthest))
	if l == nil {
		return false, n, nil
	}
	has, run, err := mapped(l.store, off)
	return has, min(n, run), err
}

// shared tells whether the byte at off is another layer's than the top's, and for how long that
// holds.
func (v *view) shared(off int64) (bool, int64) {
	top := v.slots[len(v.slots)-1].layer
	l, n := v.span(off, min(v.size, off+farthest))
	return l != top, n
}

// check tells whether there are n bytes at off.
func (v *view) check(off, n int64) error {
	if off < 0 || n < 0 || off > v.size || n > v.size-off {
		return fmt.Errorf("%d bytes at %d of %d: %w", n, off, v.size, sbd.ErrOutOfRange)
	}
	return nil
}

// close closes what of the view is not in another one, which may be nil.
func (v *view) close(but *view) error {
	kept := make(map[*layer]bool)
	if but != nil {
		for _, s := range but.slots {
			kept[s.layer] = true
		}
	}
	var err error
	for _, s := range v.slots {
		if !kept[s.layer] {
			err = errors.Join(err, s.close())
		}
	}
	return err
}
