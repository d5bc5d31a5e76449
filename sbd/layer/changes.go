//go:build unix

package layer

import (
	"fmt"

	"github.com/lunarsan/lunar/sbd"
)

// A Difference is where a volume may differ between two of its layers.
type Difference struct {
	blocks      *blockMap
	block, size int64
	same        int64 // from here on there is nothing that both have
}

// Changes tells where the volume at path as of the layer to, or as it is now (""), may differ from
// what it was as of the older layer from, or from nothing (""). Of a volume that is open for
// writing, what was written since its last Sync may be missing.
func Changes(path, from, to string) (*Difference, error) {
	p, err := system().find(path)
	if err != nil {
		return nil, err
	}
	return p.changes(from, to)
}

func (p place) changes(from, to string) (*Difference, error) {
	st, locked, err := p.edit()
	if err != nil {
		return nil, err
	}
	defer locked.unlock()
	i, j := st.index(from), len(st.Layers)-1
	if to != "" {
		j = st.index(to)
	}
	switch {
	case i < 0 && from != "":
		return nil, fmt.Errorf("%s: %q: %w", p.path, from, ErrNoLayer)
	case j < 0:
		return nil, fmt.Errorf("%s: %q: %w", p.path, to, ErrNoLayer)
	case i > j:
		return nil, fmt.Errorf("%s: %q: %w before %q", p.path, from, ErrNoLayer, to)
	}
	c := &Difference{block: st.Block, size: st.Layers[j].Size, same: st.Layers[j].Size, blocks: newMap(blocksOf(st.Layers[j].Size, st.Block))}
	if from == "" {
		c.same, i = 0, j
	}
	for _, e := range st.Layers[i+1 : j+1] {
		l, err := p.openLayer(e, st.Block, sbd.OpenOptions{ReadOnly: true})
		if err != nil {
			return nil, err
		}
		c.blocks.add(l.blocks)
		c.same = min(c.same, e.Shows)
		if err := l.close(); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// Next is the first range that may differ and ends behind off; n is 0 where there is none.
func (c *Difference) Next(off int64) (from, n int64, err error) {
	off = max(off, 0)
	if off >= c.size {
		return 0, 0, nil
	}
	blocks := blocksOf(c.size, c.block)
	b, stop := run(c.blocks, nil, off/c.block, blocks)
	from, end := b*c.block, min(stop*c.block, c.size)
	if b == blocks {
		from, end = c.size, c.size
	}
	// Behind what shows of the older one, all differs.
	if end >= c.same || from >= c.same {
		from, end = min(from, max(c.same, off)), c.size
	}
	return from, end - from, nil
}
