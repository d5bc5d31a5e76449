//go:build unix

package layer

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/lunarsan/lunar/sbd"
)

// A Store is a volume with layers, open: for writing, or to be read as it is or was.
type Store struct {
	place
	options sbd.OpenOptions
	locks   []lock
	base    sbd.Store // that was open before there were layers; nil: none
	of      uint64    // the layer that it is read as; 0: the volume as it is

	// now is loaded by who has reading or writing locked shared. Who replaces it closes what is
	// out of sight when it has had both exclusively.
	now     atomic.Pointer[view]
	reading sync.RWMutex
	writing sync.RWMutex // to have it exclusively is to have writes stand still

	changing sync.Mutex // one change of the stack at a time
	syncing  sync.Mutex // one sync at a time; what is synced stays
	looked   time.Time  // when a sync looked last whether the stack has changed; guarded by it

	spare   *layer // that Prepare has made; guarded by changing
	claims  claims
	buffers sync.Pool // of *[]byte, a block each
}

// Options are those that any store is opened with.
type Options = sbd.OpenOptions

// Open opens the volume at path: as its layers have it where it has some, and otherwise as
// sbd.Open does. Readers share it; one that writes, here or in another process, has it alone.
// Those who read layers (At) are in nobody's way. Who reads unlocked while somebody else writes
// sees what was there at the opening, and of what was written since any part.
func Open(path string, o sbd.OpenOptions) (sbd.Store, error) {
	p, err := system().find(path)
	if err != nil {
		return sbd.Open(path, o) // which knows how to say it
	}
	return p.openVolume(o)
}

func (p place) openVolume(o sbd.OpenOptions) (sbd.Store, error) {
	for {
		s, err := p.openStack(o)
		if s != nil || err != nil {
			return s, err
		}
		plain, err := p.open(p.path, o)
		if err != nil {
			return nil, err
		}
		// It may have been frozen before we had it.
		if st, err := p.read(); err == nil && (st == nil || st.plain()) {
			return plain, nil
		}
		if err := plain.Close(); err != nil {
			return nil, err
		}
	}
}

// openStack opens the volume with its layers. Without any it returns nil.
func (p place) openStack(o sbd.OpenOptions) (sbd.Store, error) {
	st, err := p.read()
	if err != nil || st == nil {
		return nil, err
	}
	if st.plain() {
		if o.ReadOnly {
			return nil, nil
		}
		return nil, p.settle()
	}
	var top lock
	if !o.Unlocked {
		if top, err = p.lockTop(!o.ReadOnly); err != nil {
			return nil, fmt.Errorf("%s: %w", p.path, err)
		}
	}
	s, err := p.start(&loading{OpenOptions: o, mine: true, locked: o.Unlocked}, top)
	if s == nil {
		return nil, err
	}
	return s, nil
}

// start opens the volume or one of its layers. The lock is the store's, or undone if there is none.
func (p place) start(how *loading, held lock) (*Store, error) {
	locked, err := p.lockStack()
	if err != nil {
		held.unlock()
		return nil, err
	}
	defer locked.unlock()
	v, err := p.load(how)
	if err == nil && v != nil && how.stack.plain() && how.top == 0 {
		v, err = nil, v.close(nil)
	}
	if err == nil && v != nil && how.top == 0 && !how.ReadOnly {
		if err = p.recover(how.stack, v); err != nil {
			err = errors.Join(err, v.close(nil))
		}
	}
	if err != nil || v == nil {
		held.unlock()
		return nil, err
	}
	return p.newStore(v, how, held), nil
}

func (p place) newStore(v *view, how *loading, held lock) *Store {
	s := &Store{place: p, options: how.OpenOptions, of: how.top, locks: []lock{held}}
	s.claims.freed.L = &s.claims.mu
	s.now.Store(v)
	return s
}

// recover ends what a crash has left of a volume that is now open for writing.
func (p place) recover(st *stack, v *view) error {
	if err := p.sweep(st); err != nil {
		return err
	}
	// What is behind the end was cut off, and must not come back when the volume grows.
	top := v.slots[len(v.slots)-1].store
	if r, ok := top.(sbd.Resizer); ok && top.Size() > v.size {
		return r.Resize(v.size)
	}
	return nil
}

// At opens the volume to be read as it was when the layer was frozen. The layer stays while it
// is open.
func At(path, name string) (sbd.Store, error) {
	p, err := system().find(path)
	if err != nil {
		return nil, err
	}
	return p.at(name)
}

func (p place) at(name string) (sbd.Store, error) {
	e, pin, err := p.pinned(name)
	if err != nil {
		return nil, err
	}
	s, err := p.start(&loading{OpenOptions: sbd.OpenOptions{ReadOnly: true}, top: e.ID}, pin)
	if err != nil {
		return nil, err
	}
	return s, nil
}

// pinned finds the layer of a name and keeps it from being ended.
func (p place) pinned(name string) (e entry, pin lock, err error) {
	st, i, locked, err := p.editAt(name)
	if err != nil {
		return entry{}, lock{}, err
	}
	defer locked.unlock()
	pin, err = p.lockPin(st.Layers[i].ID, false)
	return st.Layers[i], pin, err
}

// edit locks the stack and reads it.
func (p place) edit() (*stack, lock, error) {
	// Where there are no layers, nothing is to be made to lock them.
	if st, err := p.read(); err != nil || st == nil {
		if err == nil {
			err = fmt.Errorf("%s has no layers: %w", p.path, ErrNoLayer)
		}
		return nil, lock{}, err
	}
	l, err := p.lockStack()
	if err != nil {
		return nil, lock{}, err
	}
	st, err := p.read()
	if err == nil && st == nil {
		err = fmt.Errorf("%s has no layers: %w", p.path, ErrNoLayer)
	}
	if err != nil {
		l.unlock()
		return nil, lock{}, err
	}
	return st, l, nil
}

// editAt is edit, with which of the layers has a name.
func (p place) editAt(name string) (*stack, int, lock, error) {
	st, locked, err := p.edit()
	if err != nil {
		return nil, 0, lock{}, err
	}
	i := st.index(name)
	if i < 0 {
		locked.unlock()
		return nil, 0, lock{}, fmt.Errorf("%s: %q: %w", p.path, name, ErrNoLayer)
	}
	return st, i, locked, nil
}

// Close gives the volume back. What was written and not synced is so now: others who look at its
// layers need not know how to take it over.
func (s *Store) Close() error {
	var err error
	if !s.options.ReadOnly {
		err = errors.Join(s.sync(), s.dropSpare())
	}
	err = errors.Join(err, s.now.Load().close(nil))
	if s.base != nil {
		err = errors.Join(err, s.base.Close())
	}
	for _, l := range s.locks {
		l.unlock()
	}
	return err
}

// top is the layer that is written to.
func (v *view) top() *slot { return &v.slots[len(v.slots)-1] }

// show makes v what is seen from here on, and closes what is out of sight.
func (s *Store) show(v *view) error {
	was := s.now.Swap(v)
	passed(&s.reading)
	passed(&s.writing)
	return was.close(v)
}

// passed returns when nobody has the lock who had it before.
func passed(l *sync.RWMutex) {
	l.Lock()
	defer l.Unlock()
}

// refresh takes in what others have made of the stack.
func (s *Store) refresh() error {
	s.changing.Lock()
	defer s.changing.Unlock()
	return s.reload()
}

// reload is refresh for who has changing locked.
func (s *Store) reload() error {
	locked, err := s.lockStack()
	if err != nil {
		return err
	}
	defer locked.unlock()
	how := &loading{OpenOptions: s.options, top: s.of, mine: s.of == 0, locked: s.base != nil || s.options.Unlocked, old: s.now.Load()}
	v, err := s.load(how)
	if err != nil {
		return err
	}
	if v == nil {
		return fmt.Errorf("%s: the folder of its layers: %w", s.path, sbd.ErrGone)
	}
	return s.show(v)
}
