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
	"sync"
	"testing"
	"time"

	"github.com/lunarsan/lunar/sbd"
	"github.com/lunarsan/lunar/sbd/storetest"
)

// TestFirstTouch: many write to sectors of the same blocks at once. None of them brings back what
// was there before another one.
func TestFirstTouch(t *testing.T) {
	const size, workers = 16 * leastBlock, 8
	path := volume(t, storetest.Memory(t), size)
	must(t, Freeze(path, "0"))
	s := layered(t, path)
	defer closes(t, s)
	for round := range byte(12) {
		var wg sync.WaitGroup
		for w := range int64(workers) {
			wg.Go(func() {
				r := rand.New(rand.NewPCG(uint64(round), uint64(w)))
				for _, block := range r.Perm(size / leastBlock) {
					start := int64(block) * leastBlock
					if block%2 == 0 { // as a whole, all with the same
						if err := s.Zero(start, leastBlock); err != nil {
							t.Error(err)
						}
						continue
					}
					for off := start + w*sectorLen; off < start+leastBlock; off += workers * sectorLen {
						if _, err := s.WriteAt(bytes.Repeat([]byte{round + 1}, sectorLen), off); err != nil {
							t.Error(err)
						}
					}
				}
			})
		}
		wg.Wait()
		for block := int64(1); block < size/leastBlock; block += 2 {
			holds(t, s, round+1, block*leastBlock, leastBlock)
		}
		must(t, s.Freeze(fmt.Sprint(round+1)))
	}
}

// TestFirstTouchOfAll: a block is written as a whole while somebody else writes a sector of it. All
// that only one of them wrote is there.
func TestFirstTouchOfAll(t *testing.T) {
	const blocks = 32
	path := volume(t, storetest.Memory(t), blocks*leastBlock)
	must(t, Freeze(path, "0"))
	s := layered(t, path)
	defer closes(t, s)
	for round := range byte(8) {
		var wg sync.WaitGroup
		for _, n := range []int64{leastBlock, sectorLen} {
			wg.Go(func() {
				p := bytes.Repeat([]byte{round + 1}, int(n))
				for off := int64(0); off < blocks*leastBlock; off += leastBlock {
					if _, err := s.WriteAt(p, off); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		holds(t, s, round+1, 0, blocks*leastBlock)
		must(t, s.Freeze(fmt.Sprint(round+1)))
	}
}

// TestMergeWhileOpen: layers are frozen and ended, and merged in the background, while the volume
// is written to and older ones are read. What is written stays, and so does what is read.
func TestMergeWhileOpen(t *testing.T) {
	const size = 64 * leastBlock
	path := volume(t, storetest.Memory(t), size)
	must(t, Freeze(path, "0"))
	s := layered(t, path)
	ctx, stop := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	var now [size / sectorLen]byte
	var writing sync.RWMutex // which a freeze has alone, as under sbd.Hold
	wg.Go(func() {           // a writer that checks what it wrote before
		r := rand.New(rand.NewPCG(1, 1))
		p := make([]byte, sectorLen)
		for n := byte(1); ctx.Err() == nil; n++ {
			writing.RLock()
			i := r.IntN(len(now))
			if _, err := s.ReadAt(p, int64(i)*sectorLen); err != nil || !bytes.Equal(p, bytes.Repeat([]byte{now[i]}, sectorLen)) {
				t.Errorf("sector %d is %d, want %d (%v)", i, p[0], now[i], err)
				stop()
			}
			now[i] = n
			if _, err := s.WriteAt(bytes.Repeat([]byte{n}, sectorLen), int64(i)*sectorLen); err != nil {
				t.Error(err)
				stop()
			}
			if n%64 == 0 {
				if err := s.Sync(); err != nil {
					t.Error(err)
				}
			}
			writing.RUnlock()
		}
	})
	for i := 1; i <= 25 && ctx.Err() == nil; i++ {
		name := fmt.Sprint(i)
		writing.Lock()
		was := now
		must(t, s.Freeze(name))
		writing.Unlock()
		wg.Go(func() { // who reads it for as long as it lives
			at, err := At(path, name)
			if errors.Is(err, ErrNoLayer) {
				return // it is over already
			} else if err != nil {
				t.Error(err)
				return
			}
			for range 3 {
				for k, value := range was {
					p := make([]byte, sectorLen)
					if _, err := at.ReadAt(p, int64(k)*sectorLen); err != nil || p[0] != value {
						t.Errorf("layer %s: sector %d is %d, want %d (%v)", name, k, p[0], value, err)
						break
					}
				}
				if _, _, err := at.(sbd.Mapper).Mapped(size / 2); err != nil {
					t.Error(err)
				}
			}
			if err := at.Close(); err != nil {
				t.Error(err)
			}
		})
		if i > 3 {
			err := Merge(ctx, path, fmt.Sprint(i-3+i%2), nil)
			if err != nil && !errors.Is(err, sbd.ErrInUse) && !errors.Is(err, ErrNoLayer) {
				t.Error(err)
			}
		}
	}
	stop()
	wg.Wait()
	must(t, s.refresh())
	for i, value := range now {
		holds(t, s, value, int64(i)*sectorLen, sectorLen)
	}
	if n := deleted(t, path); n > 0 {
		t.Errorf("%d files that were removed are open still", n)
	}
	closes(t, s)
}

// deleted is how many files of a volume this process has open that have no name any more; where
// the system does not tell, none.
func deleted(t *testing.T, path string) (n int) {
	links, _ := filepath.Glob("/proc/self/fd/*")
	for _, link := range links {
		to, err := os.Readlink(link)
		if err == nil && bytes.HasPrefix([]byte(to), []byte(path)) && bytes.HasSuffix([]byte(to), []byte(" (deleted)")) {
			t.Log(to)
			n++
		}
	}
	return n
}

// TestMergeIsCut: a merge that is cut short at any of its steps is gone on with.
func TestMergeIsCut(t *testing.T) {
	const size = 40*leastBlock + 512
	for cut := 0; ; cut++ {
		path := volume(t, storetest.Memory(t), size)
		s := open(t, path)
		write(t, s, 1, 0, size)
		closes(t, s)
		must(t, Freeze(path, "a"))
		s = open(t, path)
		write(t, s, 2, 100, 20*leastBlock)
		closes(t, s)
		must(t, Freeze(path, "b"))
		boom := errors.New("boom")
		left := cut
		err := Merge(context.Background(), path, "a", func(context.Context, int64) error {
			if left--; left < 0 {
				return boom
			}
			return nil
		})
		if _, err := At(path, "a"); !errors.Is(err, ErrNoLayer) {
			t.Errorf("a layer that was ended: %v", err)
		}
		at, errAt := At(path, "b")
		must(t, errAt)
		holds(t, at, 1, 0, 100)
		holds(t, at, 2, 100, 20*leastBlock)
		holds(t, at, 1, 100+20*leastBlock, size-100-20*leastBlock)
		closes(t, at)
		if err == nil {
			if cut == 0 {
				t.Error("nothing was moved")
			}
			return
		}
		if !errors.Is(err, boom) {
			t.Fatal(err)
		}
		must(t, Merge(context.Background(), path, "b", nil))
		s = open(t, path)
		holds(t, s, 2, 100, 20*leastBlock)
		if _, ok := s.(*Store); ok {
			t.Error("layers are left")
		}
		closes(t, s)
	}
}

// TestFrozenTogether: three units, two of them with layers already, are frozen at one instant: the
// layers have no write without those that were answered before it.
func TestFrozenTogether(t *testing.T) {
	const size = 8 * leastBlock
	folder := storetest.Memory(t)
	units := make([]*sbd.Unit, 3)
	paths := make([]string, 3)
	for i := range units {
		at := filepath.Join(folder, fmt.Sprint(i))
		must(t, os.Mkdir(at, 0o700))
		paths[i] = volume(t, at, size)
		if i > 0 {
			must(t, Freeze(paths[i], "before"))
		}
		units[i] = sbd.NewUnit(sbd.Identity{BlockSize: 512}, sbd.Config{WriteCache: true})
		must(t, units[i].Attach(open(t, paths[i])))
	}
	ctx, stop := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	for w := range int64(3) {
		wg.Go(func() {
			op, p := &sbd.Op{MayBlock: true}, make([]byte, sectorLen)
			for n := uint64(1); ctx.Err() == nil; n++ {
				binary.LittleEndian.PutUint64(p, n)
				if err := units[n%3].WriteAt(op, p, w*sectorLen, n%50 == 0); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	const rounds = 15
	for round := range rounds {
		name := fmt.Sprint(round)
		stood, err := sbd.Hold(ctx, units, time.Minute, func(_ context.Context, held []*sbd.Held) error {
			for i, h := range held {
				if l, ok := h.Store().(*Store); ok {
					if err := l.Freeze(name); err != nil {
						return err
					}
					continue
				}
				over, err := Over(h.Store(), paths[i], sbd.OpenOptions{}, name)
				if err != nil {
					return err
				}
				if err := h.Swap(over); err != nil {
					return err
				}
			}
			return nil
		})
		must(t, err)
		if round%5 == 0 {
			t.Logf("writes stood still for %v", stood)
		}
	}
	stop()
	wg.Wait()
	for round := range rounds {
		var newest, sum [3]uint64
		for _, path := range paths {
			at, err := At(path, fmt.Sprint(round))
			must(t, err)
			p := make([]byte, 3*sectorLen)
			_, err = at.ReadAt(p, 0)
			must(t, err)
			for w := range 3 {
				n := binary.LittleEndian.Uint64(p[w*sectorLen:])
				newest[w], sum[w] = max(newest[w], n), sum[w]+n
			}
			closes(t, at)
		}
		for w := range 3 {
			if newest[w] > 2 && sum[w] != 3*newest[w]-3 { // of three in a row
				t.Errorf("round %d: the newest write of %d is %d, and all have %d together", round, w, newest[w], sum[w])
			}
		}
	}
	for _, u := range units {
		must(t, u.Detach(nil))
	}
}

// TestRevertWhileMerging: going back to before the layers that are being merged ends the merge.
func TestRevertWhileMerging(t *testing.T) {
	const size = 8 * leastBlock
	path := volume(t, storetest.Memory(t), size)
	for n, name := range []string{"a", "b", "c"} {
		s := open(t, path)
		write(t, s, byte(n+1), 0, size/2)
		closes(t, s)
		must(t, Freeze(path, name))
	}
	err := Merge(t.Context(), path, "b", func(context.Context, int64) error { return Revert(path, "a") })
	if err != nil {
		t.Error(err)
	}
	s := open(t, path)
	holds(t, s, 1, 0, size/2)
	closes(t, s)
	list, err := List(path)
	if must(t, err); len(list) != 1 || list[0].Name != "a" {
		t.Errorf("the layers are %+v", list)
	}
}
