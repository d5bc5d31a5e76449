//go:build unix

package layer

import (
	"bytes"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lunarsan/lunar/sbd"
	"github.com/lunarsan/lunar/sbd/storetest"
)

// A faults is a disk whose files fail on demand, and of whose system nobody knows when it began:
// no notes are taken.
type faults struct {
	files
	stores map[string]*sbd.Faulty // by the names of the files, the one that was opened last
}

func (f *faults) open(path string, o sbd.OpenOptions) (sbd.Store, error) {
	s, err := f.files.open(path, o)
	if err != nil {
		return nil, err
	}
	faulty := sbd.NewFaulty(s)
	f.stores[filepath.Base(path)] = faulty
	return faulty, nil
}

var errBroken = errors.New("broken for the test")

// TestFaults: whatever fails while a block is written for the first time, the call says so, the
// bytes beside are what they were, and what is synced afterwards is there after a crash.
func TestFaults(t *testing.T) {
	const size = 8*leastBlock + 512
	for name, rule := range map[string]struct {
		file string
		sbd.Rule
		inSync bool // writing goes well
	}{
		"reading what is below":    {"volume", sbd.Rule{Calls: sbd.CallRead}, false},
		"writing the block":        {"2.delta", sbd.Rule{Calls: sbd.CallWrite}, false},
		"writing half of it":       {"2.delta", sbd.Rule{Calls: sbd.CallWrite, Short: 5000}, false},
		"syncing the bytes":        {"2.delta", sbd.Rule{Calls: sbd.CallSync}, true},
		"writing the map":          {"2.map", sbd.Rule{Calls: sbd.CallWrite}, true},
		"syncing the map":          {"2.map", sbd.Rule{Calls: sbd.CallSync}, true},
		"writing half of a sector": {"2.map", sbd.Rule{Calls: sbd.CallWrite, Short: 100}, true},
	} {
		t.Run(name, func(t *testing.T) {
			f := &faults{stores: make(map[string]*sbd.Faulty)}
			path := volume(t, storetest.Memory(t), size)
			p := disk{f, ""}.place(path)
			plain := open(t, path)
			write(t, plain, 1, 0, size)
			closes(t, plain)
			must(t, p.freeze("a"))
			opened, err := p.openVolume(sbd.OpenOptions{})
			must(t, err)
			s := opened.(*Store)
			rule.Err, rule.Times = errBroken, 1
			f.stores[rule.file].Add(rule.Rule)
			const off, n = leastBlock + 100, 2 * leastBlock // parts of two blocks, and a whole one
			_, err = s.WriteAt(bytes.Repeat([]byte{2}, n), off)
			if rule.inSync {
				must(t, err)
				err = s.Sync()
			}
			if !errors.Is(err, errBroken) {
				t.Fatalf("it went well: %v", err)
			}
			holds(t, s, 1, 0, off)
			holds(t, s, 1, off+n, size-off-n)
			write(t, s, 2, off, n)
			must(t, s.Sync())
			v := s.now.Load()
			must(t, v.close(nil)) // as when we are killed
			s.locks[0].unlock()
			again, err := p.openVolume(sbd.OpenOptions{})
			must(t, err)
			holds(t, again, 1, 0, off)
			holds(t, again, 2, off, n)
			holds(t, again, 1, off+n, size-off-n)
			closes(t, again)
		})
	}
}

// TestFreezeFails: whatever fails of a freeze, the volume is as it was, open and closed.
func TestFreezeFails(t *testing.T) {
	const size = 4 * leastBlock
	for _, step := range []string{"create 3.delta", "create 3.map", "replace stack.json", "after stack.json", "twice stack.json"} {
		t.Run(step, func(t *testing.T) {
			f := &failing{at: step}
			path := volume(t, storetest.Memory(t), size)
			must(t, Freeze(path, "a"))
			p := disk{f, ""}.place(path)
			opened, err := p.openVolume(sbd.OpenOptions{})
			must(t, err)
			s := opened.(*Store)
			write(t, s, 1, 100, 1000)
			if !strings.HasPrefix(step, "create") {
				must(t, s.Prepare())
			}
			if err := s.Freeze("b"); !errors.Is(err, errBroken) {
				t.Fatalf("it went well: %v", err)
			}
			write(t, s, 2, 1000, 1000)
			f.at = ""
			if step == "twice stack.json" { // nobody knows which one it is
				if err := s.Freeze("c"); !errors.Is(err, ErrDamaged) {
					t.Errorf("Freeze: %v", err)
				}
				closes(t, s)
				s = layered(t, path)
				holds(t, s, 1, 100, 900)
				holds(t, s, 2, 1000, 1000)
				closes(t, s)
				return
			}
			must(t, s.Freeze("c"))
			write(t, s, 3, 1500, 1000)
			closes(t, s)
			at, err := At(path, "c")
			must(t, err)
			holds(t, at, 1, 100, 900)
			holds(t, at, 2, 1000, 1000)
			closes(t, at)
			if _, err := At(path, "b"); !errors.Is(err, ErrNoLayer) {
				t.Errorf("the layer that failed is there: %v", err)
			}
		})
	}
}

// A failing disk fails at one thing.
type failing struct {
	files
	at   string // what fails, and the file: "create F", "replace F"; "after F": once it is replaced; "twice F": and then again
	done bool
}

func (f *failing) fails(what, path string) error {
	if f.at == what+" "+filepath.Base(path) {
		return fmt.Errorf("%s: %w", path, errBroken)
	}
	return nil
}

func (f *failing) create(path string, size int64) error {
	if err := f.fails("create", path); err != nil {
		return err
	}
	return f.files.create(path, size)
}

func (f *failing) replace(path string, p []byte) error {
	if err := f.fails("replace", path); err != nil {
		return err
	}
	if f.fails("twice", path) != nil && f.done {
		return f.fails("twice", path)
	}
	err := f.files.replace(path, p)
	if !f.done {
		err = errors.Join(err, f.fails("after", path), f.fails("twice", path))
		f.done = err != nil
	}
	return err
}

// TestShrunkAndCrashed: what was cut off does not come back, though the delta was not cut any more.
func TestShrunkAndCrashed(t *testing.T) {
	const size = 4 * leastBlock
	path := volume(t, storetest.Memory(t), size)
	must(t, Freeze(path, "a"))
	s := layered(t, path)
	write(t, s, 1, 0, size)
	closes(t, s)
	p, err := system().find(path)
	must(t, err)
	st, locked, err := p.edit()
	must(t, err)
	st.top().Size, st.top().Shows = size/2+10, size/2+10
	must(t, p.write(st))
	locked.unlock()
	s = layered(t, path)
	holds(t, s, 1, 0, size/2+10)
	must(t, s.Resize(size))
	holds(t, s, 0, size/2+10, size/2-10)
	closes(t, s)
}

// TestFullPool: what a frozen layer has takes space to be written, and is refused when there is
// none left; what the top has is not.
func TestFullPool(t *testing.T) {
	const size = 8 * leastBlock
	path := volume(t, storetest.Memory(t), size)
	s := open(t, path)
	write(t, s, 1, 0, size)
	closes(t, s)
	must(t, Freeze(path, "a"))
	l := layered(t, path)
	write(t, l, 2, 0, 2*leastBlock)
	if space, err := l.Space(); err != nil || space.Used < size+2*leastBlock {
		t.Errorf("Space = %+v, %v", space, err)
	}
	u := sbd.NewUnit(sbd.Identity{BlockSize: 512}, sbd.Config{WriteCache: true, Thin: true})
	must(t, u.Attach(l))
	u.SetFull(true)
	op, b := &sbd.Op{MayBlock: true}, make([]byte, 512)
	must(t, u.WriteAt(op, b, leastBlock, false))
	if err := u.WriteAt(op, b, 2*leastBlock, false); !errors.Is(err, sbd.ErrNoSpace) {
		t.Errorf("a write that takes space: %v", err)
	}
	must(t, u.Detach(nil))
}
