//go:build unix

package layer

import (
	"errors"
	"os"
	"time"

	"github.com/lunarsan/lunar/sbd"
)

// Info tells about a layer.
type Info struct {
	Name    string    // empty: it was ended, and has yet to be merged
	Created time.Time // when it was frozen
	Size    int64     // of the volume then, in bytes
	Clones  []string
}

// List tells about the layers of the volume at path, oldest first. A volume without layers has
// none.
func List(path string) ([]Info, error) {
	p, err := system().find(path)
	if err != nil {
		return nil, err
	}
	st, locked, err := p.edit()
	if errors.Is(err, ErrNoLayer) {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	defer locked.unlock()
	if st.plain() {
		return nil, nil
	}
	var out []Info
	for _, e := range st.Layers[:len(st.Layers)-1] {
		out = append(out, Info{e.Name, e.Created, e.Size, e.Clones})
	}
	return out, nil
}

// Gives is what ending the layer of a name gives back, once it is merged (bytes): the space of what
// it has where the layer above has something else, or does not show it.
func Gives(path, name string) (int64, error) {
	p, err := system().find(path)
	if err != nil {
		return 0, err
	}
	return p.gives(name)
}

func (p place) gives(name string) (n int64, err error) {
	st, i, locked, err := p.editAt(name)
	if err != nil {
		return 0, err
	}
	defer locked.unlock()
	unlocked := sbd.OpenOptions{ReadOnly: true, Unlocked: true}
	upper, err := p.openLayer(st.Layers[i+1], st.Block, unlocked)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, upper.close()) }()
	var lower *layer
	if e := st.Layers[i]; e.File != 0 {
		lower, err = p.openLayer(e, st.Block, unlocked)
	} else {
		lower, err = p.openBase(e, unlocked, false, true)
	}
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, lower.close()) }()
	shown := (min(upper.Shows, lower.Size) + st.Block - 1) / st.Block
	n, err = lower.takes(shown, blocksOf(lower.Size, st.Block), st.Block)
	for b := int64(0); err == nil; {
		if b = upper.blocks.next(b, shown, true); b >= shown {
			break
		}
		stop := upper.blocks.next(b, shown, false)
		var more int64
		more, err = lower.takes(b, stop, st.Block)
		n, b = n+more, stop
	}
	return n, err
}

// takes is the space of the blocks of a layer from b up to end (bytes).
func (l *layer) takes(b, end, block int64) (n int64, err error) {
	for {
		var stop int64
		if b, stop = run(l.blocks, nil, b, end); b >= end {
			return n, nil
		}
		for off, until := b*block, min(stop*block, l.Size); off < until; {
			has, more, err := mapped(l.store, off)
			if err != nil {
				return 0, err
			}
			if more = min(more, until-off); has {
				n += more
			}
			off += more
		}
		b = stop
	}
}

// Layered says whether the volume at path has layers.
func Layered(path string) (bool, error) {
	p, err := system().find(path)
	if err != nil {
		return false, err
	}
	st, err := p.read()
	return st != nil && !st.plain(), err
}

// Written is when the volume at path was written to last, whichever layer that went to. Making,
// merging and ending layers is not writing.
func Written(path string) (time.Time, error) {
	p, err := system().find(path)
	if err != nil {
		return time.Time{}, err
	}
	st, err := p.read()
	if err != nil {
		return time.Time{}, err
	}
	if st != nil {
		path = p.data(*st.top())
	}
	info, err := os.Stat(path)
	if err != nil {
		return time.Time{}, err
	}
	return info.ModTime().UTC(), nil
}
