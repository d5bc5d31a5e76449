package zpl

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path"

	"github.com/lunarsan/lunar/stream/dmu"
)

// use opens the data of an object; without make, only if it has any.
func (s *stage) use(object uint64, make bool) error {
	if s.data != nil && s.open == object {
		return nil
	}
	if err := s.done(); err != nil {
		return err
	}
	name := s.path(object)
	f, err := s.root.OpenFile(name, os.O_RDWR, 0)
	if errors.Is(err, fs.ErrNotExist) && make {
		if err := s.root.Mkdir(path.Dir(name), 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
		f, err = s.root.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	info, err := f.Stat()
	if err != nil {
		return errors.Join(err, f.Close())
	}
	s.data, s.open, s.length = f, object, info.Size()
	return nil
}

// put writes a block of an object.
func (s *stage) put(object, offset uint64, block []byte) error {
	if offset > math.MaxInt64-uint64(len(block)) {
		return fmt.Errorf("object %d has a block at %d, where no file reaches", object, offset)
	}
	if err := s.use(object, true); err != nil {
		return err
	}
	if _, err := s.data.WriteAt(block, int64(offset)); err != nil {
		return err
	}
	s.length = max(s.length, int64(offset)+int64(len(block)))
	return nil
}

// free makes a hole of n bytes of an object, or of all from offset on.
func (s *stage) free(object, offset, n uint64) error {
	if err := s.use(object, false); err != nil || s.data == nil || offset >= uint64(s.length) {
		return err
	}
	if n >= uint64(s.length)-offset {
		s.length = int64(offset)
		return s.data.Truncate(s.length)
	}
	return punch(s.data, int64(offset), int64(n))
}

// zeroOut writes zeros, where no hole can be made.
func zeroOut(f *os.File, off, n int64) error {
	p := make([]byte, min(n, 1<<20))
	for n > 0 {
		done, err := f.WriteAt(p[:min(n, int64(len(p)))], off)
		if err != nil {
			return err
		}
		off, n = off+int64(done), n-int64(done)
	}
	return nil
}

// spill keeps a spill block.
func (s *stage) spill(r *dmu.Spill, block []byte) error {
	object := r.Object()
	d, err := s.dnode(object)
	if err != nil {
		return err
	}
	if d.state == 0 {
		return fmt.Errorf("object %d has a spill block, and is not there", object)
	}
	name := s.path(object) + ".spill"
	if err := s.root.Mkdir(path.Dir(name), 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	if err := s.root.WriteFile(name, block, 0o600); err != nil {
		return err
	}
	d.state |= stateSpill
	return s.putDnode(object, d)
}

// spilled is the spill block of an object, or nothing.
func (s *stage) spilled(object uint64, d *dnode) ([]byte, error) {
	if d.state&stateSpill == 0 {
		return nil, nil
	}
	return s.root.ReadFile(s.path(object) + ".spill")
}

// zap yields the entries of the ZAP that an object is.
func (s *stage) zap(object uint64, each func(entry) error) error {
	d, err := s.dnode(object)
	if err != nil {
		return err
	}
	if d.state == 0 {
		return fmt.Errorf("object %d: %w: it is not in the stream", object, errZAP)
	}
	f, err := s.root.Open(s.path(object))
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("object %d: %w: there is nothing in it", object, errZAP)
	} else if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	for e, err := range entries(f, info.Size(), d.blockSize, s.order) {
		if err == nil {
			err = each(e)
		}
		if err != nil {
			return fmt.Errorf("object %d: %w", object, err)
		}
	}
	return nil
}

// content is the data of an object, of which there are at most limit bytes.
func (s *stage) content(object, size, limit uint64) ([]byte, error) {
	if size > limit {
		return nil, fmt.Errorf("object %d has %d bytes, more than %d", object, size, limit)
	}
	p := make([]byte, size)
	f, err := s.root.Open(s.path(object))
	if errors.Is(err, fs.ErrNotExist) {
		return p, nil // all hole
	} else if err != nil {
		return nil, err
	}
	defer f.Close()
	if _, err := f.ReadAt(p, 0); err != nil && err != io.EOF {
		return nil, err
	}
	return p, nil
}
