//go:build unix

package layer

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"testing"

	"github.com/lunarsan/lunar/sbd"
	"github.com/lunarsan/lunar/sbd/storetest"
)

// A model is a volume and its layers in plain memory, beside the real ones.
type model struct {
	*testing.T
	*rand.Rand
	path   string
	store  sbd.Store
	now    []byte
	frozen map[string][]byte
	order  []string // of the names, oldest first
	named  int
	clones map[string]*model
}

const modelSize = 40*leastBlock + 1000

// TestModel does the same random things to volumes with layers and in plain memory.
func TestModel(t *testing.T) {
	for range times(6) {
		seed := rand.Uint64()
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			path := volume(t, storetest.Memory(t), modelSize)
			m := &model{T: t, Rand: rand.New(rand.NewPCG(seed, 0)), path: path, now: make([]byte, modelSize)}
			m.begin()
			for range 150 {
				m.step()
			}
			m.end()
		})
	}
}

func (m *model) begin() {
	m.store, m.frozen, m.clones = open(m, m.path), make(map[string][]byte), make(map[string]*model)
}

func (m *model) end() {
	m.check()
	for _, c := range m.clones {
		c.end()
	}
	closes(m, m.store)
}

// step does one thing.
func (m *model) step() {
	size := int64(len(m.now))
	off := m.Int64N(size)
	n := 1 + m.Int64N(min(size-off, 6*leastBlock))
	part := m.now[off : off+n]
	layered, _ := m.store.(*Store)
	switch op := m.IntN(24); {
	case op < 6:
		copy(part, bytes.Repeat([]byte{byte(m.Uint32())}, len(part)))
		_, err := m.store.WriteAt(part, off)
		must(m, err)
	case op < 8:
		clear(part)
		must(m, m.store.(sbd.Unmapper).Unmap(off, n))
	case op == 8:
		clear(part)
		must(m, m.store.(sbd.Zeroer).Zero(off, n))
	case op == 9:
		size := 20*leastBlock + m.Int64N(30*leastBlock)
		must(m, m.store.(sbd.Resizer).Resize(size))
		m.now = append(slices.Clip(m.now[:min(int64(len(m.now)), size)]), make([]byte, max(0, size-int64(len(m.now))))...)
	case op < 13:
		m.freeze(layered)
	case op < 16 && layered != nil:
		m.merge()
	case op == 16 && layered != nil:
		m.revert()
	case op == 17 && layered != nil:
		m.clone()
	case op < 20:
		for _, name := range slices.Sorted(maps.Keys(m.clones)) {
			m.clones[name].step()
		}
	case op == 20:
		closes(m, m.store)
		m.store = open(m, m.path)
	case op == 21:
		must(m, m.store.Sync())
		if layered != nil {
			must(m, layered.Prepare())
			must(m, layered.refresh())
		}
	case op == 22 && layered != nil:
		m.kill(layered)
	default:
		m.check()
	}
}

func (m *model) freeze(layered *Store) {
	if layered != nil && m.IntN(2) == 0 {
		must(m, layered.Prepare())
	}
	m.named++
	name := fmt.Sprint("layer ", m.named)
	if layered != nil {
		must(m, layered.Freeze(name))
	} else {
		over, err := Over(m.store, m.path, sbd.OpenOptions{}, name)
		must(m, err)
		m.store = over
	}
	m.frozen[name] = bytes.Clone(m.now)
	m.order = append(m.order, name)
}

// merge ends a layer that has no clones, while the volume is open or closed.
func (m *model) merge() {
	for _, i := range m.Perm(len(m.order)) {
		name := m.order[i]
		if slices.ContainsFunc(slices.Collect(maps.Keys(m.clones)), func(c string) bool { return cloneOf(c) == name }) {
			continue
		}
		reopen := m.IntN(2) == 0
		if reopen {
			closes(m, m.store)
		}
		must(m, Merge(context.Background(), m.path, name, nil))
		if reopen {
			m.store = open(m, m.path)
		}
		delete(m.frozen, name)
		m.order = slices.Delete(m.order, i, i+1)
		return
	}
}

// revert goes back to a layer, if no newer one has clones.
func (m *model) revert() {
	if len(m.order) == 0 {
		return
	}
	i := m.IntN(len(m.order))
	for c := range m.clones {
		if slices.Index(m.order, cloneOf(c)) > i {
			return
		}
	}
	closes(m, m.store)
	must(m, Revert(m.path, m.order[i]))
	m.store = open(m, m.path)
	m.now = bytes.Clone(m.frozen[m.order[i]])
	for _, name := range m.order[i+1:] {
		delete(m.frozen, name)
	}
	m.order = m.order[:i+1]
}

// clone makes a clone, or discards one.
func (m *model) clone() {
	for c, of := range m.clones {
		if len(of.clones) == 0 {
			of.end()
			must(m, Discard(m.path, c))
			delete(m.clones, c)
			return
		}
	}
	if len(m.order) == 0 {
		return
	}
	name := m.order[m.IntN(len(m.order))]
	if m.clones["of "+name] != nil {
		return
	}
	c := &model{T: m.T, Rand: m.Rand, now: bytes.Clone(m.frozen[name])}
	var err error
	c.path, err = Clone(m.path, name, "of "+name)
	must(m, err)
	c.begin()
	m.clones["of "+name] = c
}

func cloneOf(name string) string { return name[len("of "):] }

// kill leaves the store as a process does that is killed, and opens the volume anew.
func (m *model) kill(s *Store) {
	v := s.now.Load()
	for _, l := range v.slots {
		l.lent = false // all files are closed, whoever they belong to
	}
	must(m, v.close(nil))
	if s.spare != nil {
		must(m, s.spare.close())
	}
	if s.base != nil && v.slots[0].store != s.base {
		closes(m, s.base)
	}
	for _, l := range s.locks {
		l.unlock()
	}
	m.store = open(m, m.path)
}

// check compares all there is.
func (m *model) check() {
	m.Helper()
	m.compare("now", m.store, m.now)
	all, err := List(m.path)
	must(m, err)
	var names []string
	for _, l := range all {
		if l.Name != "" {
			names = append(names, l.Name)
		}
	}
	if !slices.Equal(names, m.order) {
		m.Fatalf("the layers are %q, want %q", names, m.order)
	}
	for i, name := range m.order {
		at, err := At(m.path, name)
		must(m, err)
		m.compare(name, at, m.frozen[name])
		closes(m, at)
		if i > 0 {
			d, err := Changes(m.path, m.order[i-1], name)
			must(m, err)
			m.differs(d, m.frozen[m.order[i-1]], m.frozen[name])
		}
	}
	for name, c := range m.clones {
		m.compare(name, c.store, c.now)
	}
	if _, err := os.Stat(m.path); err != nil {
		m.Fatal(err)
	}
}

func (m *model) compare(what string, s sbd.Store, want []byte) {
	m.Helper()
	if s.Size() != int64(len(want)) {
		m.Fatalf("%s has %d bytes, want %d", what, s.Size(), len(want))
	}
	got := make([]byte, len(want))
	_, err := s.ReadAt(got, 0)
	must(m, err)
	for i := range got {
		if got[i] != want[i] {
			m.Fatalf("%s: byte %d is %d, want %d", what, i, got[i], want[i])
		}
	}
	for off := int64(0); off < s.Size(); {
		has, n, err := s.(sbd.Mapper).Mapped(off)
		must(m, err)
		if n <= 0 || n > s.Size()-off {
			m.Fatalf("%s: Mapped(%d) holds for %d bytes", what, off, n)
		}
		if !has && !bytes.Equal(want[off:off+n], make([]byte, n)) {
			m.Fatalf("%s: %d bytes at %d have no space and are not zero", what, n, off)
		}
		off += n
	}
}

// differs expects that was and now are the same where nothing is said of a difference.
func (m *model) differs(d *Difference, was, now []byte) {
	m.Helper()
	for off := int64(0); ; {
		from, n, err := d.Next(off)
		must(m, err)
		end := from
		if n == 0 {
			end = int64(len(now))
		}
		if off < end && (end > int64(len(was)) || !bytes.Equal(was[off:end], now[off:end])) {
			m.Fatalf("the layers differ between %d and %d, and nobody says so", off, end)
		}
		if n == 0 {
			return
		}
		off = from + n
	}
}
