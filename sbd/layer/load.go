//go:build unix

package layer

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/lunarsan/lunar/sbd"
)

// A seen is a stack as it was when a view was made of it.
type seen struct {
	place
	info os.FileInfo
}

// stale says whether any of the stacks has been replaced since.
func (v *view) stale() bool {
	return slices.ContainsFunc(v.from, func(s seen) bool {
		info, err := os.Stat(s.stackFile())
		// The number of a file that was replaced is soon another one's.
		return err == nil && !(os.SameFile(info, s.info) && info.ModTime().Equal(s.info.ModTime()))
	})
}

// A loading makes a view.
type loading struct {
	sbd.OpenOptions
	top    uint64 // the layer it is of, or 0: of the last
	mine   bool   // the volume is locked by the caller
	locked bool   // and its base too
	old    *view  // whose layers are open already; nil: none
	stack  *stack // as read
	unsure bool   // what is kept may be another one
}

// load makes a view of the volume, whose stack is locked. Without a stack it is nil.
func (p place) load(how *loading) (v *view, err error) {
	how.stack, err = p.read()
	if how.stack == nil || err != nil {
		return nil, err
	}
	st := how.stack
	info, err := os.Stat(p.stackFile())
	if err != nil {
		return nil, err
	}
	v = &view{shift: shiftOf(st.Block)}
	defer func() {
		if err != nil {
			err = errors.Join(err, v.close(how.old))
			v = nil
		}
	}()
	if st.Parent != 0 {
		below, err := p.below(how)
		if err != nil {
			return v, err
		}
		v.slots, v.from = below.slots, below.from
	}
	v.from = append(v.from, seen{p, info})
	last := len(st.Layers) - 1
	if how.top != 0 {
		if last = slices.IndexFunc(st.Layers, func(e entry) bool { return e.ID == how.top }); last < 0 {
			return v, fmt.Errorf("%s: %w", p.path, ErrNoLayer)
		}
	}
	for i, e := range st.Layers[:last+1] {
		o := how.OpenOptions
		o.ReadOnly = o.ReadOnly || how.top != 0 || i < last
		s := slot{layerKey: layerKey{p.folder, e.File, e.Turn}, shows: e.Shows}
		if s.layer = how.opened(s.layerKey); s.layer == nil {
			switch {
			case e.File == 0:
				s.layer, err = p.openBase(e, o, how.mine, how.locked)
			case o.ReadOnly:
				s.layer, err = p.openLayer(e, st.Block, o)
			default:
				s.layer, err = p.openTop(e, st.Block, o)
			}
			if err != nil {
				return v, err
			}
		}
		v.slots = append(v.slots, s)
	}
	v.size = st.Layers[last].Size
	return v, nil
}

// opened is a layer that is open already.
func (how *loading) opened(key layerKey) *layer {
	if how.old != nil {
		for _, s := range how.old.slots {
			if s.layerKey == key {
				return s.layer
			}
		}
	}
	return nil
}

// below makes the view that a clone stands on.
func (p place) below(how *loading) (*view, error) {
	parent, ok := p.parent()
	if !ok {
		return nil, fmt.Errorf("%s: %w: it is a clone, and does not lie where clones do", p.path, ErrDamaged)
	}
	l, err := parent.lockStack()
	if err != nil {
		return nil, fmt.Errorf("%s: the volume that it is a clone of: %w", p.path, err)
	}
	defer l.unlock()
	there := loading{OpenOptions: how.OpenOptions, top: how.stack.Parent, old: how.old}
	there.ReadOnly = true
	v, err := parent.load(&there)
	if err != nil {
		return nil, fmt.Errorf("%s: the volume that it is a clone of: %w", p.path, err)
	}
	if v != nil && there.stack.Block == how.stack.Block &&
		slices.ContainsFunc(there.stack.Layers, func(e entry) bool {
			return e.ID == how.stack.Parent && slices.Contains(e.Clones, filepath.Base(p.path))
		}) {
		return v, nil
	}
	if v != nil {
		err = v.close(how.old)
	}
	return nil, errors.Join(fmt.Errorf("%s: %w: %s does not know it as a clone", p.path, sbd.ErrGone, parent.path), err)
}
