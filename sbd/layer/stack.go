package layer

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"
)

const (
	format      = 1
	longest     = 16 << 20 // of stack.json, in bytes
	mostLayers  = 4096
	leastBlock  = 16 << 10
	usualBlock  = 64 << 10
	usualBlocks = 1 << 26 // in a map of 8 MiB
	mostBlocks  = 1 << 28 // in a map of 32 MiB
)

// A stack is the layers of a volume, as they are kept.
type stack struct {
	Format int     `json:"format"`
	Block  int64   `json:"block"`            // what is copied up at a time, in bytes
	Next   uint64  `json:"next"`             // number of the next layer
	Parent uint64  `json:"parent,omitempty"` // of a clone: the layer that it stands on
	Layers []entry `json:"layers"`           // oldest first; the last is written to
}

// An entry is a layer.
type entry struct {
	ID      uint64    `json:"id"`             // what it is read as
	File    uint64    `json:"file"`           // where its bytes are: N.delta, or the base (0)
	Key     uint64    `json:"key,string"`     // what its map is known by
	Turn    uint64    `json:"turn,omitempty"` // how often others were merged into it
	Name    string    `json:"name,omitempty"` // empty: the one that is written to, or one to be merged
	Created time.Time `json:"created,omitzero"`
	Size    int64     `json:"size"`  // of the volume, in bytes
	Shows   int64     `json:"shows"` // of what is below, from the start; in bytes
	Clones  []string  `json:"clones,omitempty"`

	// Written is when a base was written to last, by us; zero: a device, or it is being merged into.
	Written time.Time `json:"written,omitzero"`
}

// newStack is that of a volume without layers.
func newStack(size int64) stack {
	block := int64(leastBlock)
	for block < usualBlock && size/block > usualBlocks || size/block >= mostBlocks {
		block *= 2
	}
	return stack{Format: format, Block: block, Next: 2, Layers: []entry{{ID: 1, Size: size}}}
}

// push puts an empty layer on top, to be written to.
func (s *stack) push() *entry {
	size := s.Layers[len(s.Layers)-1].Size
	s.Layers = append(s.Layers, entry{ID: s.Next, File: s.Next, Key: rand.Uint64(), Size: size, Shows: size})
	s.Next++
	return s.top()
}

func (s *stack) top() *entry { return &s.Layers[len(s.Layers)-1] }

// index is where the layer of a name is; -1: nowhere.
func (s *stack) index(name string) int {
	if name == "" {
		return -1
	}
	return slices.IndexFunc(s.Layers, func(e entry) bool { return e.Name == name })
}

// plain says that there is the base alone.
func (s *stack) plain() bool { return s.Parent == 0 && len(s.Layers) == 1 }

func (s *stack) encode() ([]byte, error) { return json.MarshalIndent(s, "", "\t") }

// clone is a copy that may be changed.
func (s *stack) clone() stack {
	c := *s
	c.Layers = slices.Clone(s.Layers)
	for i := range c.Layers {
		c.Layers[i].Clones = slices.Clone(c.Layers[i].Clones)
	}
	return c
}

// parseStack reads stack.json, and refuses what nobody of us would have written.
func parseStack(p []byte) (*stack, error) {
	var s stack
	if len(p) > longest {
		return nil, fmt.Errorf("%w: stack.json has %d bytes", ErrDamaged, len(p))
	}
	if err := json.Unmarshal(p, &s); err != nil {
		return nil, fmt.Errorf("%w: stack.json: %w", ErrDamaged, err)
	}
	if s.Format != format {
		return nil, fmt.Errorf("stack.json has format %d, and this program knows %d: use a newer one", s.Format, format)
	}
	if err := s.check(); err != nil {
		return nil, fmt.Errorf("%w: stack.json: %w", ErrDamaged, err)
	}
	return &s, nil
}

func (s *stack) check() error {
	if s.Block < 4096 || s.Block > 1<<30 || s.Block&(s.Block-1) != 0 {
		return fmt.Errorf("blocks of %d bytes", s.Block)
	}
	if n := len(s.Layers); n == 0 || n > mostLayers {
		return fmt.Errorf("%d layers", n)
	}
	if s.top().Name != "" && !s.plain() {
		return fmt.Errorf("the last layer has the name %q", s.top().Name)
	}
	known := make(map[any]bool)
	twice := func(what any) bool {
		was := known[what]
		known[what] = true
		return was
	}
	type id uint64
	type clone string
	for i, e := range s.Layers {
		switch base := e.File == 0; {
		case base != (i == 0 && s.Parent == 0):
			return fmt.Errorf("the base is layer %d", i)
		case e.ID == 0 || e.ID >= s.Next || e.File >= s.Next || twice(id(e.ID)) || twice(e.File):
			return fmt.Errorf("layer %d has the number %d and the file %d", i, e.ID, e.File)
		case e.Size <= 0 || (e.Size-1)/s.Block >= mostBlocks:
			return fmt.Errorf("layer %d has %d bytes", i, e.Size)
		case e.Shows < 0 || e.Shows > e.Size || i > 0 && e.Shows > s.Layers[i-1].Size || base && e.Shows != 0:
			return fmt.Errorf("layer %d shows %d bytes of what is below", i, e.Shows)
		case e.Name != "" && (checkName(e.Name) != nil || twice(e.Name)):
			return fmt.Errorf("layer %d has the name %q", i, e.Name)
		case e.Name == "" && len(e.Clones) > 0:
			return fmt.Errorf("layer %d has clones and no name", i)
		}
		for _, c := range e.Clones {
			if checkName(c) != nil || twice(clone(c)) {
				return fmt.Errorf("layer %d has the clone %q", i, c)
			}
		}
	}
	return nil
}
