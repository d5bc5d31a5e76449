package streamtest

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/lunarsan/lunar/stream"
)

// Memory is a volume that is nowhere but in memory, for tests of what is above volumes. It keeps
// to the contract, but its streams are its own: only a Memory understands them.
type Memory struct {
	name string

	mu      sync.Mutex
	there   bool
	live    []byte
	changed bool // since the newest snapshot
	open    int  // how often it is
	marks   []*mark
	clones  map[string]*clone
	partial *part
	turns   uint64 // how many marks there have been
}

// A mark is a snapshot or a bookmark.
type mark struct {
	stream.Snapshot
	turn  uint64 // when it was made; a bookmark has its snapshot's
	bytes []byte // not of a bookmark
}

type clone struct {
	of    *mark
	bytes []byte
}

// NewMemory makes a volume of size bytes, which are zeros.
func NewMemory(name string, size int64) *Memory {
	return &Memory{name: name, there: true, live: make([]byte, size)}
}

// NoMemory is a volume that is not there, and may be received.
func NoMemory(name string) *Memory { return &Memory{name: name} }

// Name implements stream.Volume.
func (m *Memory) Name() string { return m.name }

// Path implements stream.Volume. Open opens it.
func (m *Memory) Path() string { return "memory:" + m.name }

// enter locks the volume for a call.
func (m *Memory) enter(ctx context.Context) (leave func(), err error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("%s: %w", m.name, err)
	}
	m.mu.Lock()
	return m.mu.Unlock, nil
}

func (m *Memory) refuse(name string, kind error) error {
	return fmt.Errorf("%s@%s: %w", m.name, name, kind)
}

// Snapshots implements stream.Volume.
func (m *Memory) Snapshots(ctx context.Context) ([]stream.Snapshot, error) {
	leave, err := m.enter(ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
	if !m.there {
		return nil, m.refuse("", stream.ErrNoVolume)
	}
	out := make([]stream.Snapshot, len(m.marks))
	for i, k := range m.marks {
		out[i] = k.Snapshot
		out[i].Holds = slices.Clone(k.Holds)
		out[i].Clones = slices.Clone(k.Clones)
	}
	return out, nil
}

var legal = regexp.MustCompile(`^[A-Za-z0-9_:.][-A-Za-z0-9_:.]*$`)

// find returns the snapshot, or the bookmark, of a name.
func (m *Memory) find(name string, bookmark bool) (*mark, error) {
	for _, k := range m.marks {
		if k.Name == name && k.Bookmark == bookmark {
			return k, nil
		}
	}
	return nil, m.refuse(name, stream.ErrNoSnapshot)
}

// add puts k among the marks, behind those of its turn.
func (m *Memory) add(k *mark) {
	at, _ := slices.BinarySearchFunc(m.marks, k.turn+1, func(k *mark, turn uint64) int { return cmp.Compare(k.turn, turn) })
	m.marks = slices.Insert(m.marks, at, k)
}

func (m *Memory) remove(gone func(*mark) bool) { m.marks = slices.DeleteFunc(m.marks, gone) }

// newest is the newest snapshot, or nil.
func (m *Memory) newest() *mark {
	for _, k := range slices.Backward(m.marks) {
		if !k.Bookmark {
			return k
		}
	}
	return nil
}

// Take implements stream.Volume.
func (m *Memory) Take(ctx context.Context, name string) (stream.Snapshot, error) {
	leave, err := m.enter(ctx)
	if err != nil {
		return stream.Snapshot{}, err
	}
	defer leave()
	switch _, err := m.find(name, false); {
	case !m.there:
		return stream.Snapshot{}, m.refuse(name, stream.ErrNoVolume)
	case err == nil:
		return stream.Snapshot{}, m.refuse(name, stream.ErrExists)
	case !legal.MatchString(name):
		return stream.Snapshot{}, fmt.Errorf("%s: %q is no name of a snapshot", m.name, name)
	}
	k := m.mark(stream.Snapshot{Name: name, GUID: rand.Uint64(), Created: time.Now().UTC(), Size: int64(len(m.live))})
	return k.Snapshot, nil
}

// mark makes a snapshot of what the volume is.
func (m *Memory) mark(s stream.Snapshot) *mark {
	m.turns++
	k := &mark{Snapshot: s, turn: m.turns, bytes: bytes.Clone(m.live)}
	m.add(k)
	m.changed = false
	return k
}

// kept says why a snapshot cannot be destroyed.
func (m *Memory) kept(k *mark) error {
	switch {
	case len(k.Holds) > 0:
		return m.refuse(k.Name, stream.ErrHeld)
	case len(k.Clones) > 0:
		return m.refuse(k.Name, stream.ErrCloned)
	}
	return nil
}

// Destroy implements stream.Volume.
func (m *Memory) Destroy(ctx context.Context, name string) error {
	return m.with(ctx, name, func(k *mark) error {
		if err := m.kept(k); err != nil {
			return err
		}
		m.remove(func(other *mark) bool { return other == k })
		return nil
	})
}

// with calls f with a snapshot.
func (m *Memory) with(ctx context.Context, name string, f func(*mark) error) error {
	leave, err := m.enter(ctx)
	if err != nil {
		return err
	}
	defer leave()
	k, err := m.find(name, false)
	if err != nil {
		return err
	}
	return f(k)
}

// Hold implements stream.Volume.
func (m *Memory) Hold(ctx context.Context, name, tag string) error {
	return m.with(ctx, name, func(k *mark) error {
		if at, there := slices.BinarySearch(k.Holds, tag); !there {
			k.Holds = slices.Insert(k.Holds, at, tag)
		}
		return nil
	})
}

// Release implements stream.Volume.
func (m *Memory) Release(ctx context.Context, name, tag string) error {
	return m.with(ctx, name, func(k *mark) error {
		if at, there := slices.BinarySearch(k.Holds, tag); there {
			k.Holds = slices.Delete(k.Holds, at, at+1)
		}
		return nil
	})
}

// Bookmark implements stream.Volume.
func (m *Memory) Bookmark(ctx context.Context, snapshot, bookmark string) error {
	return m.with(ctx, snapshot, func(k *mark) error {
		if !legal.MatchString(bookmark) {
			return fmt.Errorf("%s: %q is no name of a bookmark", m.name, bookmark)
		}
		switch there, err := m.find(bookmark, true); {
		case err != nil:
			m.add(&mark{Snapshot: stream.Snapshot{Name: bookmark, GUID: k.GUID, Created: k.Created, Bookmark: true}, turn: k.turn})
		case there.GUID != k.GUID:
			return fmt.Errorf("%s#%s: %w", m.name, bookmark, stream.ErrExists)
		}
		return nil
	})
}

// Unbookmark implements stream.Volume.
func (m *Memory) Unbookmark(ctx context.Context, bookmark string) error {
	leave, err := m.enter(ctx)
	if err != nil {
		return err
	}
	defer leave()
	m.remove(func(k *mark) bool { return k.Bookmark && k.Name == bookmark })
	return nil
}

// Rollback implements stream.Volume.
func (m *Memory) Rollback(ctx context.Context, name string) error {
	return m.with(ctx, name, m.rollback)
}

func (m *Memory) rollback(k *mark) error {
	if m.open > 0 {
		return m.refuse("", stream.ErrInUse)
	}
	for _, newer := range m.marks {
		if newer.turn <= k.turn {
			continue
		}
		if err := m.kept(newer); err != nil {
			return err
		}
	}
	m.remove(func(other *mark) bool { return other.turn > k.turn })
	m.live, m.changed = bytes.Clone(k.bytes), false
	return nil
}

// Clone implements stream.Volume.
func (m *Memory) Clone(ctx context.Context, snapshot, name string) (path string, err error) {
	err = m.with(ctx, snapshot, func(k *mark) error {
		switch {
		case !legal.MatchString(name):
			return fmt.Errorf("%s: %q is no name of a clone", m.name, name)
		case m.clones[name] != nil:
			return m.refuse(name, stream.ErrExists)
		case m.clones == nil:
			m.clones = make(map[string]*clone)
		}
		m.clones[name] = &clone{k, bytes.Clone(k.bytes)}
		k.Clones = append(k.Clones, name)
		slices.Sort(k.Clones)
		path = m.Path() + "/" + name
		return nil
	})
	return path, err
}

// Unclone implements stream.Volume.
func (m *Memory) Unclone(ctx context.Context, name string) error {
	leave, err := m.enter(ctx)
	if err != nil {
		return err
	}
	defer leave()
	if c := m.clones[name]; c != nil {
		c.of.Clones = slices.DeleteFunc(c.of.Clones, func(other string) bool { return other == name })
		delete(m.clones, name)
	}
	return nil
}

// Open opens the volume, or a clone of it.
func (m *Memory) Open(path string) (Bytes, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if name, ok := strings.CutPrefix(path, m.Path()+"/"); ok && m.clones[name] != nil {
		return &memoryBytes{m, &m.clones[name].bytes, false}, nil
	}
	if path != m.Path() || !m.there {
		return nil, fmt.Errorf("%s: %w", path, stream.ErrNoVolume)
	}
	m.open++
	return &memoryBytes{m, &m.live, true}, nil
}

type memoryBytes struct {
	m     *Memory
	bytes *[]byte
	live  bool
}

func (b *memoryBytes) ReadAt(p []byte, off int64) (int, error) {
	b.m.mu.Lock()
	defer b.m.mu.Unlock()
	return bytes.NewReader(*b.bytes).ReadAt(p, off)
}

func (b *memoryBytes) WriteAt(p []byte, off int64) (int, error) {
	b.m.mu.Lock()
	defer b.m.mu.Unlock()
	if off < 0 || off > int64(len(*b.bytes)-len(p)) {
		return 0, io.ErrShortWrite
	}
	b.m.changed = b.m.changed || b.live
	return copy((*b.bytes)[off:], p), nil
}

func (b *memoryBytes) Size() int64 { return int64(len(*b.bytes)) }

func (b *memoryBytes) Sync() error { return nil }

func (b *memoryBytes) Close() error {
	b.m.mu.Lock()
	defer b.m.mu.Unlock()
	if b.live {
		b.m.open--
	}
	return nil
}
