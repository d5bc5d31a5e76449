//go:build unix

package layer

import (
	"bytes"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/lunarsan/lunar/sbd"
)

// A recorder is a disk that writes down what is done to it, in order.
type recorder struct {
	files
	mu  sync.Mutex
	log []deed
}

// A deed is something that was done to a file.
type deed struct {
	what string // "write", "wipe", "resize", "sync", "create", "replace", "link", "remove", "names"
	path string
	to   string // of a link
	off  int64  // or the size
	n    int64
	p    []byte
}

func (r *recorder) add(d deed) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.log = append(r.log, d)
}

func (r *recorder) open(path string, o sbd.OpenOptions) (sbd.Store, error) {
	s, err := r.files.open(path, o)
	if err != nil {
		return nil, err
	}
	return &recorded{Store: s, path: path, to: r}, nil
}

func (r *recorder) create(path string, size int64) error {
	err := r.files.create(path, size)
	r.add(deed{what: "create", path: path, off: size})
	return err
}

func (r *recorder) replace(path string, p []byte) error {
	err := r.files.replace(path, p)
	r.add(deed{what: "replace", path: path, p: bytes.Clone(p)})
	return err
}

func (r *recorder) link(path, another string) error {
	err := r.files.link(path, another)
	r.add(deed{what: "link", path: path, to: another})
	return err
}

func (r *recorder) remove(path string) error {
	r.add(deed{what: "remove", path: path})
	return r.files.remove(path)
}

func (r *recorder) names(folder string) error {
	err := r.files.names(folder)
	r.add(deed{what: "names", path: folder})
	return err
}

// A recorded store writes down what is done to it.
type recorded struct {
	sbd.Store
	path string
	to   *recorder
}

func (s *recorded) WriteAt(p []byte, off int64) (int, error) {
	s.to.add(deed{what: "write", path: s.path, off: off, p: bytes.Clone(p)})
	return s.Store.WriteAt(p, off)
}

func (s *recorded) Unmap(off, n int64) error {
	s.to.add(deed{what: "wipe", path: s.path, off: off, n: n})
	return s.Store.(sbd.Unmapper).Unmap(off, n)
}

func (s *recorded) Zero(off, n int64) error {
	s.to.add(deed{what: "wipe", path: s.path, off: off, n: n})
	return s.Store.(sbd.Zeroer).Zero(off, n)
}

func (s *recorded) Resize(size int64) error {
	s.to.add(deed{what: "resize", path: s.path, off: size})
	return s.Store.(sbd.Resizer).Resize(size)
}

func (s *recorded) Sync() error {
	err := s.Store.Sync()
	s.to.add(deed{what: "sync", path: s.path})
	return err
}

func (s *recorded) Mapped(off int64) (bool, int64, error) { return s.Store.(sbd.Mapper).Mapped(off) }

func (s *recorded) Space() (sbd.Space, error) { return s.Store.(sbd.Measurer).Space() }

// A medium is what the disk has after some of the deeds.
type medium struct {
	files map[string]*content
	ghost map[string]*content // that were removed, which may come back
}

// content is a file: what is durable, and what was done since.
type content struct {
	durable []byte
	since   []deed
}

func newMedium() *medium {
	return &medium{files: make(map[string]*content), ghost: make(map[string]*content)}
}

// do does one deed.
func (m *medium) do(d deed) {
	f := m.files[d.path]
	switch d.what {
	case "create":
		m.files[d.path] = &content{durable: make([]byte, d.off)}
		m.settle(filepath.Dir(d.path))
	case "replace":
		m.files[d.path] = &content{durable: d.p}
		m.settle(filepath.Dir(d.path))
	case "link":
		m.files[d.to] = f
		m.settle(filepath.Dir(d.to))
	case "names":
		m.settle(d.path)
	case "remove":
		for path, f := range m.files {
			if path == d.path || strings.HasPrefix(path, d.path+"/") {
				m.ghost[path] = f
				delete(m.files, path)
			}
		}
	case "sync":
		for _, one := range f.since {
			f.durable = one.on(f.durable)
		}
		f.since = nil
	default:
		if f != nil { // and was not removed before it was closed
			f.since = append(f.since, d)
		}
	}
}

// settle has no file of a folder come back.
func (m *medium) settle(folder string) {
	for path := range m.ghost {
		if filepath.Dir(path) == folder {
			delete(m.ghost, path)
		}
	}
}

// on is what the bytes of a file are after a deed.
func (d deed) on(p []byte) []byte {
	switch d.what {
	case "resize":
		if d.off <= int64(len(p)) {
			return slices.Clone(p[:d.off])
		}
		return append(slices.Clip(p), make([]byte, d.off-int64(len(p)))...)
	case "wipe":
		if d.off < int64(len(p)) {
			clear(p[d.off:min(d.off+d.n, int64(len(p)))])
		}
	case "write":
		if d.off < int64(len(p)) {
			copy(p[d.off:], d.p)
		}
	}
	return p
}

// lost is what a loss of power leaves of a file: of what was not durable, any sectors.
func (c *content) lost(r *rand.Rand) []byte {
	p := slices.Clone(c.durable)
	for _, d := range c.since {
		if d.what == "resize" {
			if r.IntN(2) == 0 {
				p = d.on(p)
			}
			continue
		}
		n := max(d.n, int64(len(d.p)))
		for off := int64(0); off < n; {
			next := min((d.off+off)/sectorLen*sectorLen+sectorLen-d.off, n)
			if r.IntN(2) == 0 {
				one := deed{what: d.what, off: d.off + off, n: next - off}
				if d.p != nil {
					one.p = d.p[off:next]
				}
				p = one.on(p)
			}
			off = next
		}
	}
	return p
}

// crash writes what a loss of power leaves under another root.
func (m *medium) crash(r *rand.Rand, from, to string) error {
	put := func(path string, f *content) error {
		path = to + strings.TrimPrefix(path, from)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			return err
		}
		return os.WriteFile(path, f.lost(r), 0o600)
	}
	for path, f := range m.files {
		if err := put(path, f); err != nil {
			return err
		}
	}
	for path, f := range m.ghost {
		if m.files[path] == nil && r.IntN(2) == 0 {
			if err := put(path, f); err != nil {
				return err
			}
		}
	}
	return nil
}
