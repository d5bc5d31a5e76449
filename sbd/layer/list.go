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
	Bytes   int64     // that it takes itself; -1: not known
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
		out = append(out, Info{e.Name, e.Created, e.Size, p.takes(e), e.Clones})
	}
	return out, nil
}

// takes is the space of a layer, in bytes.
func (p place) takes(e entry) int64 {
	s, err := p.open(p.data(e), sbd.OpenOptions{ReadOnly: true, Unlocked: true})
	if err != nil {
		return -1
	}
	defer s.Close()
	if m, ok := s.(sbd.Measurer); ok {
		if space, err := m.Space(); err == nil {
			return space.Used
		}
	}
	return -1
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
