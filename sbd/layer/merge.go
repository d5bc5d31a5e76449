//go:build unix

package layer

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/lunarsan/lunar/sbd"
)

// A Pace is called before n bytes are moved, and may make the mover wait. Its error ends the work.
type Pace func(ctx context.Context, n int64) error

// Merge ends the layer of a name, so that it is there no more when Merge returns, however that
// ends: ErrNoLayer, ErrCloned and sbd.ErrInUse, by a reader, say that it still is. Its bytes go
// to the layer above, or that one's to it, whichever are fewer, and what is not needed is given
// back. That may be cut short at any moment, by ctx or by the machine's end; the next Merge, of
// whichever layer or of none (""), goes on with it. The volume may be open for writing meanwhile,
// and other layers to be read. What lies directly beneath the layer that is written to waits until
// that one is frozen, or the volume is not open any more: then the last layer goes into the base,
// and the volume is a plain file or device again.
func Merge(ctx context.Context, path, name string, pace Pace) error {
	p, err := system().find(path)
	if err != nil {
		return err
	}
	if name != "" {
		if err := p.unname(name); err != nil {
			return err
		}
	}
	return p.merge(ctx, pace)
}

// unname ends a layer as far as others see it.
func (p place) unname(name string) error {
	st, i, locked, err := p.editAt(name)
	if err != nil {
		return err
	}
	defer locked.unlock()
	if err := p.unused(st.Layers[i]); err != nil {
		return err
	}
	st.Layers[i].Name = ""
	return p.write(st)
}

// unused tells why a layer cannot be ended. The stack is locked: nobody can begin to read it.
func (p place) unused(e entry) error {
	if len(e.Clones) > 0 {
		return fmt.Errorf("%s: %q: %w: %q", p.path, e.Name, ErrCloned, e.Clones)
	}
	pin, err := p.lockPin(e.ID, true)
	if err != nil {
		return fmt.Errorf("%s: %q is being read: %w", p.path, e.Name, err)
	}
	pin.unlock()
	return nil
}

// merge merges what can be.
func (p place) merge(ctx context.Context, pace Pace) error {
	if st, err := p.read(); err != nil || st == nil {
		return err
	}
	merging, err := p.lockMerge(ctx)
	if err != nil {
		return err
	}
	defer merging.unlock()
	for {
		more, err := p.mergeOne(ctx, pace)
		if err != nil || !more {
			return err
		}
	}
}

// mergeOne merges one layer that was ended with the one above, if there is any.
func (p place) mergeOne(ctx context.Context, pace Pace) (more bool, err error) {
	st, locked, err := p.edit()
	if errors.Is(err, ErrNoLayer) {
		return false, nil
	} else if err != nil {
		return false, err
	}
	locked.unlock() // nobody but us takes layers away that have no name
	last := len(st.Layers) - 1
	for i := range last {
		if st.Layers[i].Name != "" {
			continue
		}
		var top lock
		if i+1 == last {
			if top, err = p.lockTop(true); errors.Is(err, sbd.ErrInUse) {
				return false, nil
			} else if err != nil {
				return false, err
			}
		}
		err := p.pair(ctx, st, i, pace)
		top.unlock()
		if err != nil && !p.knows(st.Layers[i+1].ID) {
			err = nil // the volume went back to before it meanwhile
		}
		return err == nil, err
	}
	if st.plain() {
		return false, p.settle()
	}
	return false, nil
}

// knows says whether there is a layer of a number.
func (p place) knows(id uint64) bool {
	st, err := p.read()
	return err != nil || st != nil && slices.ContainsFunc(st.Layers, func(e entry) bool { return e.ID == id })
}

// A pairing is two layers, one on the other, that become one.
type pairing struct {
	place
	ctx          context.Context
	pace         Pace
	block        int64
	lower, upper *layer
	buffer       []byte
}

// piece is how much is moved at a time, in bytes.
const piece = 1 << 20

// pair merges layer i of a stack, which has no name, and the one above.
func (p place) pair(ctx context.Context, st *stack, i int, pace Pace) (err error) {
	m := &pairing{place: p, ctx: ctx, pace: pace, block: st.Block, buffer: make([]byte, piece)}
	lower, upper := st.Layers[i], st.Layers[i+1]
	written, err := os.Stat(p.data(upper))
	if err != nil {
		return err
	}
	if lower.File == 0 {
		guard, err := p.openBase(lower, sbd.OpenOptions{}, i+2 == len(st.Layers), false)
		if err != nil {
			return err
		}
		defer guard.close()
		s, err := p.open(p.path, sbd.OpenOptions{Unlocked: true})
		if err != nil {
			return err
		}
		m.lower = newLayer(lower, s, nil)
		if err := p.merging(); err != nil {
			return errors.Join(err, m.lower.close())
		}
	} else if m.lower, err = p.openLayer(lower, st.Block, sbd.OpenOptions{}); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, m.lower.close()) }()
	if m.upper, err = p.openLayer(upper, st.Block, sbd.OpenOptions{}); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, m.upper.close()) }()

	one, gone := upper, lower
	if m.downwards() {
		one.File, one.Key, one.Turn = lower.File, lower.Key, lower.Turn
		gone = upper
		err = m.down()
	} else {
		err = m.up()
	}
	if err != nil {
		return err
	}
	one.Turn++
	one.Shows = min(lower.Shows, upper.Shows)
	if i+2 == len(st.Layers) {
		// It is what is written to, and merging is not writing.
		if err := setTime(p.data(one), written); err != nil {
			return err
		}
	}
	if one.File == 0 {
		if one.Written, err = p.lastWritten(); err != nil {
			return err
		}
	}
	return p.commit(one, gone)
}

// merging notes that the base is written to from here on, by us.
func (p place) merging() error {
	st, locked, err := p.edit()
	if err != nil {
		return err
	}
	defer locked.unlock()
	st.Layers[0].Written = time.Time{}
	return p.write(st)
}

// commit makes one layer of two, of which the one that is gone has its file no longer.
func (p place) commit(one, gone entry) error {
	st, locked, err := p.edit()
	if err != nil {
		return err
	}
	defer locked.unlock()
	for i := 1; i < len(st.Layers); i++ {
		e := &st.Layers[i]
		if e.ID != one.ID {
			continue
		}
		// Its name may have gone meanwhile, and its clones have come or gone.
		one.Name, one.Clones, one.Size = e.Name, e.Clones, e.Size
		pin := st.Layers[i-1].ID
		st.Layers = append(st.Layers[:i-1], append([]entry{one}, st.Layers[i+1:]...)...)
		if err := p.write(st); err != nil {
			return err
		}
		return errors.Join(p.forget(gone), p.remove(p.pin(pin)))
	}
	return fmt.Errorf("%s: %w: the layers changed while two of them were merged", p.path, ErrDamaged)
}

// settle ends the stack of a volume that has nothing but its base.
func (p place) settle() error {
	top, err := p.lockTop(true)
	if errors.Is(err, sbd.ErrInUse) {
		return nil
	} else if err != nil {
		return err
	}
	defer top.unlock()
	st, locked, err := p.edit()
	if errors.Is(err, ErrNoLayer) {
		return nil
	} else if err != nil {
		return err
	}
	defer locked.unlock()
	if !st.plain() {
		return nil
	}
	s, err := p.open(p.path, sbd.OpenOptions{})
	if err != nil {
		return err
	}
	defer s.Close()
	if r, ok := s.(sbd.Resizer); ok && s.Size() > st.Layers[0].Size {
		written, err := os.Stat(p.path)
		if err == nil {
			err = errors.Join(r.Resize(st.Layers[0].Size), s.Sync(), setTime(p.path, written))
		}
		if err != nil {
			return err
		}
	}
	if err := p.sweep(st); err != nil {
		return err
	}
	return p.dissolve()
}
