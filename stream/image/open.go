//go:build unix

package image

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/lunarsan/lunar/sbd"
	"github.com/lunarsan/lunar/sbd/layer"
	"github.com/lunarsan/lunar/stream/dmu"
)

// A Store is a file or a block device, with layers or without, and the chain of its snapshots. It is locked: nobody
// else who asks has it open for writing.
type Store struct {
	sbd.Store
	path    string
	beside  string // the chain's file
	regular bool
	layered bool
	made    bool // by us, and no chain has been saved since
	chain   *dmu.Chain
	behind  writeBehind
	noting  noting
}

// Options say how a store is opened.
type Options struct {
	ReadOnly bool
	Create   bool   // a regular file, if there is none
	Chain    string // the chain's file; empty: beside a regular file
	Bare     bool   // a device without a chain will do
}

// placeholder is the length of a file that has nothing in it yet (bytes); one of none cannot be
// opened as a store.
const placeholder = 512

// ErrNoChain is what Open returns of a device when nobody says where its chain is.
var ErrNoChain = errors.New("a device has no place beside it for the record of its snapshots")

// ErrInUse is what Open returns of a store that somebody else has open.
var ErrInUse = sbd.ErrInUse

// Exists says whether there is something at path.
func Exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// Open opens the store at path and reads its chain, which is empty where there is none.
func Open(path string, o Options) (*Store, error) {
	s := &Store{path: path, beside: o.Chain}
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist) && o.Create && !o.ReadOnly:
		if err := s.create(); err != nil {
			return nil, err
		}
	case err != nil:
		return nil, err
	default:
		s.regular = info.Mode().IsRegular()
	}
	if s.beside == "" {
		if !s.regular && !o.Bare {
			return nil, fmt.Errorf("%s: %w", path, ErrNoChain)
		}
		if s.regular {
			s.beside = ChainBeside(path)
		}
	}
	if s.regular && !o.ReadOnly && info != nil && info.Size() == 0 {
		// One that was emptied for a full stream, and lost the power then.
		if err := os.Truncate(path, placeholder); err != nil {
			return nil, err
		}
	}
	if s.Store, err = layer.Open(path, sbd.OpenOptions{ReadOnly: o.ReadOnly}); err != nil {
		s.undo()
		return nil, err
	}
	_, s.layered = s.Store.(*layer.Store)
	s.chain = new(dmu.Chain)
	if s.beside != "" {
		if s.chain, err = ReadChain(s.beside); err != nil {
			return nil, errors.Join(err, s.Close())
		}
	}
	if !o.ReadOnly && s.beside != "" {
		s.recall()
	}
	if !o.ReadOnly && !s.layered {
		s.behind.open(path)
	}
	return s, nil
}

// create makes the file.
func (s *Store) create() error {
	f, err := os.OpenFile(s.path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	s.regular, s.made = true, true
	err = errors.Join(f.Truncate(placeholder), f.Sync(), f.Close(), sbd.SyncFolder(filepath.Dir(s.path)))
	if err != nil {
		s.undo()
	}
	return err
}

// undo removes a file that nothing has become of.
func (s *Store) undo() {
	if s.made {
		_ = os.Remove(s.path) // what is left is empty
	}
}

// Close gives the store back. A file that was made for a stream that was then refused goes.
func (s *Store) Close() error {
	s.undo()
	s.noting.end(s.beside)
	s.behind.close()
	return s.Store.Close()
}

// Blank says whether nothing has ever been written to the store, as far as can be told.
func (s *Store) Blank() bool {
	if !s.regular {
		return false
	}
	m, ok := s.Store.(sbd.Mapper)
	if !ok {
		return s.Size() <= placeholder
	}
	mapped, n, err := m.Mapped(0)
	return err == nil && !mapped && n >= s.Size()
}
