//go:build unix

package layer

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/lunarsan/lunar/sbd"
	"github.com/lunarsan/lunar/sbd/storetest"
)

// taken is the space of a volume's files, but for the maps.
func taken(t *testing.T, path string) (n int64) {
	t.Helper()
	p, err := system().find(path)
	must(t, err)
	st, err := p.read()
	must(t, err)
	files := []string{path}
	if st != nil {
		for _, e := range st.Layers[1:] {
			files = append(files, p.data(e))
		}
	}
	for _, file := range files {
		s, err := sbd.Open(file, sbd.OpenOptions{ReadOnly: true, Unlocked: true})
		must(t, err)
		space, err := s.(sbd.Measurer).Space()
		must(t, err)
		n += space.Used
		closes(t, s)
	}
	return n
}

// TestGives: ending a layer gives back what was said.
func TestGives(t *testing.T) {
	const size = 48*leastBlock + 4096
	r := rand.New(rand.NewPCG(3, 4))
	for round := range 20 {
		path := volume(t, storetest.Memory(t), size)
		for _, name := range []string{"a", "b", "c", ""} {
			s := open(t, path)
			for range 1 + r.IntN(6) {
				off := r.Int64N(size/leastBlock) * leastBlock
				n := min(leastBlock*(1+r.Int64N(12)), s.Size()-off)
				switch {
				case n <= 0:
				case r.IntN(4) == 0:
					must(t, s.(sbd.Unmapper).Unmap(off, n))
				default:
					write(t, s, 1, off, n)
				}
			}
			if r.IntN(3) == 0 {
				must(t, s.(sbd.Resizer).Resize(leastBlock*(1+r.Int64N(48))))
			}
			closes(t, s)
			if name != "" {
				must(t, Freeze(path, name))
			}
		}
		names := []string{"a", "b", "c"}
		r.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
		for _, name := range names {
			said, err := Gives(path, name)
			must(t, err)
			was := taken(t, path)
			must(t, Merge(t.Context(), path, name, nil))
			if gave := was - taken(t, path); gave != said {
				t.Errorf("round %d: ending %s of %s gave %d bytes back, and %d were said", round, name, fmt.Sprint(names), gave, said)
			}
		}
	}
}
