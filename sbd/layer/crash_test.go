//go:build unix

package layer

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/lunarsan/lunar/sbd"
	"github.com/lunarsan/lunar/sbd/storetest"
)

const (
	crashSectors = 6*leastBlock/sectorLen + 3 // the last block is a part
	mostSectors  = 9 * leastBlock / sectorLen
)

// A crashing test does things to a volume, and writes down what each sector may have been given
// when. A stamp is the number of the write, all over the sector; 0 is a sector of zeros.
type crashing struct {
	*testing.T
	*rand.Rand
	*recorder
	place  place
	store  sbd.Store
	size   int // sectors
	stamp  uint64
	now    [mostSectors]uint64
	past   [mostSectors][]given
	synced int // the place in the log where the last sync ended
	sizes  []given
	frozen map[string]*freezing
}

// given is what a sector, or the size, was made from a place in the log on. It is sure from
// another one on; -1: when the next sync has ended.
type given struct {
	value      uint64
	from, sure int
}

// A freezing is a layer from its making to its end.
type freezing struct {
	content       []uint64
	begun, made   int // places in the log; 0: not yet
	ending, ended int
}

// TestCrash does random things to a volume, and then has the power fail after each single step
// that they came to, in which whatever was not synced may be there or not. What was synced must be
// there, frozen layers as they were, and no sector something it never was.
func TestCrash(t *testing.T) {
	for range times(3) {
		seed := rand.Uint64()
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			root := storetest.Memory(t)
			c := &crashing{T: t, Rand: rand.New(rand.NewPCG(seed, 0)), recorder: new(recorder), size: crashSectors, frozen: make(map[string]*freezing)}
			path := filepath.Join(root, "volume")
			must(t, c.create(path, crashSectors*sectorLen))
			c.sizes = []given{{uint64(c.size), 0, 0}}
			c.place = disk{c.recorder, "this start"}.place(path)
			c.reopen()
			for range times(40) + 9 {
				c.step()
			}
			closes(t, c.store)
			c.fail(root)
		})
	}
}

func (c *crashing) at() int { return len(c.log) }

func (c *crashing) reopen() {
	s, err := c.place.openVolume(sbd.OpenOptions{})
	must(c, err)
	c.store = s
}

func (c *crashing) step() {
	first := c.IntN(c.size)
	n := 1 + c.IntN(min(c.size-first, 3*leastBlock/sectorLen))
	layered, _ := c.store.(*Store)
	switch op := c.IntN(16); {
	case op < 5:
		c.stamp++
		c.give(first, n, c.stamp, -1)
		_, err := c.store.WriteAt(stamped(c.stamp, n), int64(first)*sectorLen)
		must(c, err)
	case op == 5:
		c.give(first, n, 0, -1)
		must(c, c.store.(sbd.Unmapper).Unmap(int64(first)*sectorLen, int64(n)*sectorLen))
	case op < 8:
		must(c, c.store.Sync())
		c.synced = c.at()
		c.surely()
	case op < 11:
		c.freeze(layered)
	case op == 11 && layered != nil:
		c.merge()
	case op == 12 && layered != nil:
		c.promote()
	case op == 13 && layered != nil:
		c.resize(layered)
	case op == 14 && layered != nil:
		c.revert()
	case op == 15:
		must(c, c.store.Close())
		if layered != nil {
			c.surely()
		}
		c.reopen()
	}
}

// give notes what n sectors are made.
func (c *crashing) give(first, n int, value uint64, sure int) {
	for i := first; i < first+n; i++ {
		c.now[i] = value
		c.past[i] = append(c.past[i], given{value, c.at(), sure})
	}
}

// surely notes that all is durable that was given.
func (c *crashing) surely() {
	for i := range c.past {
		for k := range c.past[i] {
			if c.past[i][k].sure < 0 {
				c.past[i][k].sure = c.at()
			}
		}
	}
}

func (c *crashing) freeze(layered *Store) {
	c.stamp++
	name := fmt.Sprint("layer ", c.stamp)
	f := &freezing{content: slices.Clone(c.now[:c.size]), begun: c.at()}
	c.frozen[name] = f
	if layered != nil {
		must(c, layered.Freeze(name))
	} else {
		s, err := c.place.over(c.store, sbd.OpenOptions{}, name)
		must(c, err)
		c.store = s
	}
	f.made = c.at()
	c.surely()
}

func (c *crashing) living() (names []string) {
	for name, f := range c.frozen {
		if f.ending == 0 {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// any is a layer that was not ended; nil: there is none.
func (c *crashing) any() (name string, f *freezing) {
	names := c.living()
	if len(names) == 0 {
		return "", nil
	}
	name = names[c.IntN(len(names))]
	return name, c.frozen[name]
}

func (c *crashing) merge() {
	name, f := c.any()
	if f == nil {
		return
	}
	closed := c.IntN(2) == 0
	if closed {
		closes(c, c.store)
		c.surely()
	}
	f.ending = c.at()
	must(c, c.place.unname(name))
	f.ended = c.at()
	must(c, c.place.merge(context.Background(), nil))
	if closed {
		c.reopen()
	}
}

func (c *crashing) resize(layered *Store) {
	size := 2 + c.IntN(mostSectors-2)
	c.sizes = append(c.sizes, given{uint64(size), c.at(), -1})
	gone := c.size - size
	if gone > 0 {
		c.give(size, gone, 0, -1)
	}
	must(c, layered.Resize(int64(size)*sectorLen))
	c.sizes[len(c.sizes)-1].sure = c.at()
	for i := size; i < c.size; i++ { // what was cut off does not come back
		c.past[i][len(c.past[i])-1].sure = c.at()
	}
	c.size = size
}

func (c *crashing) revert() {
	name, f := c.any()
	if f == nil {
		return
	}
	closes(c, c.store)
	c.surely()
	c.goBack(f, f.content, func() error { return c.place.revert(name) })
}

// promote has a clone take the place of the volume.
func (c *crashing) promote() {
	name, f := c.any()
	if f == nil {
		return
	}
	closes(c, c.store)
	c.surely()
	_, err := c.place.makeClone(name, "clone")
	must(c, err)
	clone, err := c.place.clone("clone").openVolume(sbd.OpenOptions{})
	must(c, err)
	content := slices.Clone(f.content)
	for range 3 {
		c.stamp++
		first := c.IntN(len(content))
		n := 1 + c.IntN(len(content)-first)
		for i := first; i < first+n; i++ {
			content[i] = c.stamp
		}
		_, err := clone.WriteAt(stamped(c.stamp, n), int64(first)*sectorLen)
		must(c, err)
	}
	closes(c, clone)
	c.goBack(f, content, func() error { return c.place.promote("clone") })
}

// goBack makes the volume something that goes on from a layer, and what is newer goes.
func (c *crashing) goBack(f *freezing, content []uint64, do func() error) {
	var newer []*freezing
	for _, n := range c.living() {
		if o := c.frozen[n]; o.begun > f.begun {
			o.ending = c.at()
			newer = append(newer, o)
		}
	}
	for i, value := range content {
		c.give(i, 1, value, -1)
	}
	for i := len(content); i < mostSectors; i++ {
		c.give(i, 1, 0, -1)
	}
	c.sizes = append(c.sizes, given{uint64(len(content)), c.at(), -1})
	must(c, do())
	c.surely()
	c.sizes[len(c.sizes)-1].sure = c.at()
	for _, o := range newer {
		o.ended = c.at()
	}
	c.size = len(content)
	c.reopen()
}

// fail has the power fail after each deed.
func (c *crashing) fail(root string) {
	m := newMedium()
	written := false // the base, since the stack was replaced
	for k, d := range c.log {
		m.do(d)
		at := filepath.Join(root, "crash")
		must(c, m.crash(c.Rand, filepath.Join(root), at))
		written = written && d.path != c.place.stackFile() || d.path == c.place.path && d.what != "sync"
		if !written {
			must(c, untouch(filepath.Join(at, "volume")))
		}
		if c.check(disk{files{}, "a later start"}.place(filepath.Join(at, "volume")), k+1); c.Failed() {
			c.Fatalf("after deed %d of %d: %s %s at %d", k, len(c.log), d.what, d.path, d.off)
		}
		must(c, os.RemoveAll(at))
	}
}

// untouch has the base count as written when its stack says so: what the recorder makes of it anew
// is.
func untouch(path string) error {
	p := disk{files{}, ""}.place(path)
	st, err := p.read()
	if st == nil || err != nil || st.Layers[0].Written.IsZero() {
		return err
	}
	return os.Chtimes(path, time.Time{}, st.Layers[0].Written)
}

// check compares what is left with what may be, after the first k deeds.
func (c *crashing) check(p place, k int) {
	s, err := p.openVolume(sbd.OpenOptions{})
	if err != nil {
		c.Error(err)
		return
	}
	size := int(s.Size() / sectorLen)
	if !may(c.sizes, uint64(size), k) {
		c.Errorf("the volume has %d sectors", size)
	}
	for i, value := range c.stamps(s) {
		if !may(c.past[i], value, k) {
			c.Errorf("sector %d is %d, and may be %v", i, value, c.past[i])
		}
	}
	c.layers(p, k)
	closes(c, s)
	// What was cut short is gone on with.
	must(c, p.merge(context.Background(), nil))
	c.layers(p, k)
	s, err = p.openVolume(sbd.OpenOptions{})
	must(c, err)
	for i, value := range c.stamps(s) {
		if !may(c.past[i], value, k) {
			c.Errorf("sector %d is %d after merging, and may be %v", i, value, c.past[i])
		}
	}
	closes(c, s)
}

func (c *crashing) layers(p place, k int) {
	for name, f := range c.frozen {
		at, err := p.at(name)
		if errors.Is(err, ErrNoLayer) {
			if f.made > 0 && k >= f.made && (f.ending == 0 || k <= f.ending) {
				c.Errorf("%s is not there", name)
			}
			continue
		} else if err != nil {
			c.Error(err)
			continue
		}
		if k < f.begun || f.ended > 0 && k >= f.ended {
			c.Errorf("%s is there", name)
		}
		if got := c.stamps(at); !slices.Equal(got, f.content) {
			c.Errorf("%s is something else", name)
		}
		closes(c, at)
	}
}

// may says whether something that was given values can have one, after the first k deeds.
func may(past []given, value uint64, k int) bool {
	for i := len(past) - 1; i >= 0; i-- {
		if g := past[i]; g.from < k {
			if g.value == value {
				return true
			}
			if g.sure >= 0 && g.sure <= k {
				return false
			}
		}
	}
	return value == 0
}

// stamped are n sectors of a stamp, and stamps those of a volume; one that is damaged is none.
func stamped(stamp uint64, n int) []byte {
	p := make([]byte, n*sectorLen)
	for i := 0; i < len(p); i += 8 {
		binary.LittleEndian.PutUint64(p[i:], stamp)
	}
	return p
}

func (c *crashing) stamps(s sbd.Store) (all []uint64) {
	c.Helper()
	p := make([]byte, s.Size()/sectorLen*sectorLen)
	_, err := s.ReadAt(p, 0)
	must(c, err)
	for ; len(p) > 0; p = p[sectorLen:] {
		stamp := binary.LittleEndian.Uint64(p)
		if !bytes.Equal(p[8:sectorLen], p[:sectorLen-8]) {
			stamp = ^uint64(0)
		}
		all = append(all, stamp)
	}
	return all
}
