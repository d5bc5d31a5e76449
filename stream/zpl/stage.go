package zpl

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strconv"

	"github.com/lunarsan/lunar/stream/dmu"
)

// A stage holds the objects of a file system on disk, while its stream has not told which files
// they are: a stream has objects in the order of their numbers, and names come when they come.
//
//	STAGE/dnodes      a slot of 512 bytes for each object number, sparse:
//	                  0 state u8, 1 slots u8, 4 type u32, 8 bonustype u32, 12 blksz u32,
//	                  16 length of the bonus u32, 32 the bonus, into the slots that follow
//	STAGE/N/O         the data of object O, in hexadecimal, N being O/1024
//	STAGE/N/O.spill   its spill block
type stage struct {
	root   *os.Root
	name   string
	dnodes *os.File
	order  binary.ByteOrder
	last   uint64 // the highest object

	open   uint64 // the object whose data is open, or 0
	data   *os.File
	length int64 // of data
	codec  dmu.Codec
	block  []byte
}

const (
	slotSize   = 512
	slotHeader = 32

	statePresent byte = 1 << 0
	stateSpill   byte = 1 << 1
	stateVisited byte = 1 << 2
)

// A dnode is what is known of an object beside its data.
type dnode struct {
	state     byte
	slots     int
	dmuType   uint32
	bonusType uint32
	blockSize int
	bonus     []byte
}

// newStage makes a stage in root.
func newStage(root *os.Root) (*stage, error) {
	s := &stage{root: root, name: ".lunar-extract"}
	if err := root.Mkdir(s.name, 0o700); err != nil {
		return nil, err
	}
	f, err := root.OpenFile(path.Join(s.name, "dnodes"), os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, errors.Join(err, root.RemoveAll(s.name))
	}
	s.dnodes = f
	return s, nil
}

// close removes the stage.
func (s *stage) close() error {
	return errors.Join(s.done(), s.dnodes.Close(), s.root.RemoveAll(s.name))
}

// done closes the data that is open.
func (s *stage) done() error {
	if s.data == nil {
		return nil
	}
	err := s.data.Close()
	s.data, s.open = nil, 0
	return err
}

// path is where the data of an object is.
func (s *stage) path(object uint64) string {
	return path.Join(s.name, strconv.FormatUint(object/1024, 16), strconv.FormatUint(object, 16))
}

// take takes a record.
func (s *stage) take(rec *dmu.Record, payload []byte) error {
	switch rec.Type() {
	case dmu.TypeObject:
		return s.object(rec.Object(), payload)
	case dmu.TypeFreeObjects:
		return s.freeObjects(rec.FreeObjects())
	case dmu.TypeWrite:
		w := rec.Write()
		return s.write(w, payload)
	case dmu.TypeWriteEmbedded:
		w := rec.WriteEmbedded()
		s.block = sized(s.block, int(w.Length()))
		if err := s.codec.DecompressEmbedded(w, s.block, payload); err != nil {
			return fmt.Errorf("object %d at %d: %w", w.Object(), w.Offset(), err)
		}
		return s.put(w.Object(), w.Offset(), s.block)
	case dmu.TypeFree:
		f := rec.Free()
		return s.free(f.Object(), f.Offset(), f.Length())
	case dmu.TypeSpill:
		return s.spill(rec.Spill(), payload)
	}
	return nil
}

func (s *stage) write(w *dmu.Write, payload []byte) error {
	if how := w.Compression(); how != dmu.CompressionNone {
		s.block = sized(s.block, int(w.LogicalSize()))
		if err := s.codec.Decompress(how, s.block, payload); err != nil {
			return fmt.Errorf("object %d at %d: %w", w.Object(), w.Offset(), err)
		}
		payload = s.block
	}
	return s.put(w.Object(), w.Offset(), payload)
}

// object takes over what an object is. One that was something else loses its data.
func (s *stage) object(o *dmu.Object, bonus []byte) error {
	n := o.Object()
	d := dnode{
		state:     statePresent,
		slots:     max(int(o.DnodeSlots()), 1),
		dmuType:   o.DMUType(),
		bonusType: o.BonusType(),
		blockSize: int(o.BlockSize()),
		bonus:     bonus[:min(int(o.BonusLen()), len(bonus))],
	}
	if slotHeader+len(d.bonus) > d.slots*slotSize {
		return fmt.Errorf("object %d has a bonus of %d bytes in %d slots", n, len(d.bonus), d.slots)
	}
	was, err := s.dnode(n)
	if err != nil {
		return err
	}
	if was.state != 0 && (was.dmuType != d.dmuType || was.blockSize != d.blockSize || was.slots != d.slots) {
		if err := s.remove(n); err != nil {
			return err
		}
		was.state = 0
	}
	if o.Flags()&dmu.FlagHasSpill != 0 {
		d.state |= was.state & stateSpill
	}
	return s.putDnode(n, &d)
}

func (s *stage) putDnode(object uint64, d *dnode) error {
	p := make([]byte, d.slots*slotSize)
	p[0], p[1] = d.state, byte(d.slots)
	binary.LittleEndian.PutUint32(p[4:], d.dmuType)
	binary.LittleEndian.PutUint32(p[8:], d.bonusType)
	binary.LittleEndian.PutUint32(p[12:], uint32(d.blockSize))
	binary.LittleEndian.PutUint32(p[16:], uint32(len(d.bonus)))
	copy(p[slotHeader:], d.bonus)
	if _, err := s.dnodes.WriteAt(p, int64(object)*slotSize); err != nil {
		return err
	}
	s.last = max(s.last, object)
	return nil
}

// dnode is what is known of an object; its state is 0 where there is none.
func (s *stage) dnode(object uint64) (*dnode, error) {
	p := make([]byte, slotSize)
	if object > s.last {
		return &dnode{}, nil
	}
	if err := s.readSlots(p, object); err != nil {
		return nil, err
	}
	d := &dnode{
		state:     p[0],
		slots:     int(p[1]),
		dmuType:   binary.LittleEndian.Uint32(p[4:]),
		bonusType: binary.LittleEndian.Uint32(p[8:]),
		blockSize: int(binary.LittleEndian.Uint32(p[12:])),
	}
	n := int(binary.LittleEndian.Uint32(p[16:]))
	if slotHeader+n > slotSize {
		p = make([]byte, d.slots*slotSize)
		if err := s.readSlots(p, object); err != nil {
			return nil, err
		}
	}
	if slotHeader+n > len(p) {
		return nil, fmt.Errorf("object %d is not what was staged", object)
	}
	d.bonus = p[slotHeader : slotHeader+n]
	return d, nil
}

func (s *stage) readSlots(p []byte, object uint64) error {
	n, err := s.dnodes.ReadAt(p, int64(object)*slotSize)
	clear(p[n:])
	if err == io.EOF {
		err = nil
	}
	return err
}

// visit says whether a directory is visited for the first time: one that is in two places, or in
// itself, would have no end.
func (s *stage) visit(object uint64, d *dnode) (bool, error) {
	if d.state&stateVisited != 0 {
		return false, nil
	}
	_, err := s.dnodes.WriteAt([]byte{d.state | stateVisited}, int64(object)*slotSize)
	return true, err
}

func (s *stage) freeObjects(f *dmu.FreeObjects) error {
	if f.First() > s.last {
		return nil
	}
	for n := f.First(); n <= min(s.last, f.First()+f.Count()-1); n++ {
		at, err := nextData(s.dnodes, int64(n)*slotSize)
		if err != nil {
			return err
		}
		if next := uint64(at / slotSize); next > n {
			n = next - 1 // there is none before
			continue
		}
		d, err := s.dnode(n)
		if err != nil {
			return err
		}
		if d.state == 0 {
			continue
		}
		if err := s.remove(n); err != nil {
			return err
		}
		if _, err := s.dnodes.WriteAt(make([]byte, slotSize), int64(n)*slotSize); err != nil {
			return err
		}
	}
	return nil
}

// remove takes away the data of an object.
func (s *stage) remove(object uint64) error {
	if s.open == object {
		if err := s.done(); err != nil {
			return err
		}
	}
	for _, name := range []string{s.path(object), s.path(object) + ".spill"} {
		if err := s.root.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// sized is p with length n.
func sized(p []byte, n int) []byte {
	if cap(p) < n {
		return make([]byte, n)
	}
	return p[:n]
}
