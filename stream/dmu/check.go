package dmu

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"

	"github.com/lunarsan/lunar/stream/dmu/nvlist"
)

// A Checker holds a stream to the rules that receivers hold it to, those of OpenZFS's latest
// release the strictest, and to those that keep a receiver alive: OpenZFS takes a full stream
// of a volume without the volume's size, and panics when it lists the volume. The zero value
// waits for a BEGIN.
type Checker struct {
	begin   Begin
	open    bool // a substream
	object  uint64
	offset  uint64
	codec   Codec
	block   []byte
	size    uint64 // of the volume, when sized
	sized   bool
	blksz   uint32 // of the volume's data, 0 when nobody said
	dataset string // that blksz is of
	end     uint64 // behind the volume's last block
	partial bool   // it goes on behind the volume's properties
}

// Check looks at the next record, in order, and its payload. It returns nil or an error that
// says which rule the record breaks.
func (c *Checker) Check(rec *Record, payload []byte, order binary.ByteOrder) error {
	t := rec.Type()
	if t == TypeBegin {
		return c.checkBegin(rec.Begin(), payload)
	}
	if !c.open {
		return nil // between the substreams of a package, where the Reader has an eye on it
	}
	if guid := rec.ToGUID(); guid != c.begin.ToGUID() {
		return fmt.Errorf("%v belongs to snapshot %#x, the stream to %#x", t, guid, c.begin.ToGUID())
	}
	switch t {
	case TypeObject:
		return c.checkObject(rec.Object())
	case TypeFreeObjects:
		return checkRange(t, rec.FreeObjects().First(), rec.FreeObjects().Count(), maxObject+1)
	case TypeWrite:
		return c.checkWrite(rec.Write(), payload, order)
	case TypeFree:
		return c.checkFree(rec.Free())
	case TypeSpill:
		return c.checkSpill(rec.Spill())
	case TypeWriteEmbedded:
		return c.checkEmbedded(rec.WriteEmbedded(), payload, order)
	case TypeObjectRange:
		return c.checkObjectRange(rec.ObjectRange())
	case TypeRedact:
		if !c.has(FeatureRedacted) {
			return errors.New("REDACT in a stream that is not redacted")
		}
	case TypeWriteByref:
		return errors.New("WRITE_BYREF, which no receiver since OpenZFS 2.0 takes; zstream redup makes a stream without")
	case TypeEnd:
		return c.checkEnd()
	}
	return nil
}

// VolumeSize is the length of the volume that the substream under way has told (bytes).
func (c *Checker) VolumeSize() (size uint64, known bool) { return c.size, c.sized }

func (c *Checker) has(f Features) bool { return c.begin.Features().Has(f) }

func (c *Checker) checkBegin(b *Begin, payload []byte) error {
	dataset, _, snapshot := strings.Cut(b.ToName(), "@")
	c.begin = *b
	c.open = b.Kind() == Substream
	if !c.open {
		return nil
	}
	if dataset != c.dataset {
		c.blksz = 0
	}
	c.dataset = dataset
	c.object, c.offset, c.size, c.sized, c.end, c.partial = 0, 0, 0, false, 0, false
	switch {
	case b.ToGUID() == 0:
		return errors.New("BEGIN without the snapshot's GUID")
	case b.FromGUID() == b.ToGUID():
		return fmt.Errorf("BEGIN goes on from the snapshot that it makes, %#x", b.ToGUID())
	case !snapshot || dataset == "":
		return fmt.Errorf("BEGIN names %q, not a dataset@snapshot", b.ToName())
	case b.Objset() != ObjsetZFS && b.Objset() != ObjsetZvol:
		return fmt.Errorf("BEGIN is of a dataset that cannot be received: %v", b.Objset())
	}
	if !c.has(FeatureResuming) {
		return nil
	}
	list, err := nvlist.Decode(payload)
	if err != nil {
		return fmt.Errorf("a resuming BEGIN says where it resumes: %w", err)
	}
	object, ok := list.Uint64(keyResumeObject)
	if _, also := list.Uint64(keyResumeOffset); !ok || !also {
		return errors.New("a resuming BEGIN without resume_object and resume_offset")
	}
	c.partial = object > ZvolProps
	return nil
}

func (c *Checker) checkObject(o *Object) error {
	if err := checkObjectID(TypeObject, o.Object()); err != nil {
		return err
	}
	bs := o.BlockSize()
	switch {
	case !validDMUType(o.DMUType()):
		return fmt.Errorf("OBJECT %d has type %d, which there is not", o.Object(), o.DMUType())
	case bs < minBlock || bs > maxBlock || bs%sector != 0:
		return fmt.Errorf("OBJECT %d has blocks of %d bytes", o.Object(), bs)
	case bs > oldMaxBlock && !c.has(FeatureLargeBlocks):
		return fmt.Errorf("OBJECT %d has blocks of %d bytes, in a stream without large blocks", o.Object(), bs)
	case o.BonusLen() > maxBonus:
		return fmt.Errorf("OBJECT %d has a bonus of %d bytes", o.Object(), o.BonusLen())
	case o.DnodeSlots() > 1 && !c.has(FeatureLargeDnode):
		return fmt.Errorf("OBJECT %d takes %d slots, in a stream without large dnodes", o.Object(), o.DnodeSlots())
	case o.DnodeSlots() > maxSlots:
		return fmt.Errorf("OBJECT %d takes %d slots", o.Object(), o.DnodeSlots())
	case c.has(FeatureRaw):
	case o.Flags()&^FlagHasSpill != 0, o.RawBonusLen() != 0, o.IndirectShift() != 0, o.Levels() != 0, o.BlockPointers() != 0:
		return fmt.Errorf("OBJECT %d has what only raw streams have", o.Object())
	}
	if c.begin.Objset() == ObjsetZvol && o.Object() == ZvolData {
		if c.blksz != 0 && c.blksz != bs {
			return fmt.Errorf("OBJECT changes the volume's blocks from %d to %d bytes: a receiver would drop what it has of the volume", c.blksz, bs)
		}
		c.blksz = bs
	}
	return nil
}

func (c *Checker) checkWrite(w *Write, payload []byte, order binary.ByteOrder) error {
	how := w.Compression()
	size := w.LogicalSize()
	if err := c.checkBlock(TypeWrite, w.Object(), w.Offset(), size); err != nil {
		return err
	}
	switch {
	case !validDMUType(w.DMUType()):
		return fmt.Errorf("WRITE is of type %d, which there is not", w.DMUType())
	case how == CompressionNone && w.CompressedSize() != 0:
		return fmt.Errorf("WRITE is not compressed, to %d bytes", w.CompressedSize())
	case how == CompressionNone && c.has(FeatureRaw):
		return errors.New("WRITE of a raw stream does not say how it is compressed")
	case how == CompressionNone:
	case w.CompressedSize() == 0 || w.CompressedSize() > size:
		return fmt.Errorf("WRITE is compressed from %d bytes to %d", size, w.CompressedSize())
	case how.Needs() == 0:
		return fmt.Errorf("WRITE is compressed with %v", how)
	case !c.has(FeatureRaw) && !c.has(how.Needs()):
		return fmt.Errorf("WRITE is compressed with %v, in a stream without %v", how, how.Needs()&^c.begin.Features())
	}
	if c.begin.Objset() != ObjsetZvol || w.Object() != ZvolProps || w.Offset() != 0 {
		return nil
	}
	if c.has(FeatureRaw) {
		c.sized = true // and encrypted
		return nil
	}
	block := payload
	if how != CompressionNone {
		c.block = grown(c.block, int(size))
		if err := c.codec.Decompress(how, c.block, payload); err != nil {
			return fmt.Errorf("the volume's properties: %w", err)
		}
		block = c.block
	}
	return c.readProps(block, order)
}

func (c *Checker) checkEmbedded(w *WriteEmbedded, payload []byte, order binary.ByteOrder) error {
	if err := c.checkBlock(TypeWriteEmbedded, w.Object(), w.Offset(), w.Length()); err != nil {
		return err
	}
	switch {
	case !c.has(FeatureEmbedData):
		return errors.New("WRITE_EMBEDDED in a stream without embedded data")
	case w.EType() != 0:
		return fmt.Errorf("WRITE_EMBEDDED has something else than data in it: %d", w.EType())
	case w.PhysicalSize() == 0 || w.PhysicalSize() > MaxEmbedded:
		return fmt.Errorf("WRITE_EMBEDDED has %d bytes", w.PhysicalSize())
	case uint64(w.LogicalSize()) > w.Length():
		return fmt.Errorf("WRITE_EMBEDDED has %d bytes for a block of %d", w.LogicalSize(), w.Length())
	}
	if c.begin.Objset() != ObjsetZvol || w.Object() != ZvolProps || w.Offset() != 0 {
		return nil
	}
	c.block = grown(c.block, int(w.Length()))
	if err := c.codec.DecompressEmbedded(w, c.block, payload); err != nil {
		return fmt.Errorf("the volume's properties: %w", err)
	}
	return c.readProps(c.block, order)
}

// checkBlock holds a block to what all blocks have in common, and to the order of blocks.
func (c *Checker) checkBlock(t Type, object, offset, size uint64) error {
	if err := checkObjectID(t, object); err != nil {
		return err
	}
	switch {
	case size < minBlock || size > maxBlock:
		return fmt.Errorf("%v has a block of %d bytes", t, size)
	case size > oldMaxBlock && !c.has(FeatureLargeBlocks):
		return fmt.Errorf("%v has a block of %d bytes, in a stream without large blocks", t, size)
	case offset+size < offset:
		return fmt.Errorf("%v is at %d, where no object reaches", t, offset)
	case object < c.object || object == c.object && offset < c.offset:
		return fmt.Errorf("%v is of object %d at %d, behind object %d at %d", t, object, offset, c.object, c.offset)
	}
	c.object, c.offset = object, offset
	if c.begin.Objset() == ObjsetZvol {
		switch object {
		case ZvolData:
			c.end = max(c.end, offset+size)
		case ZvolProps:
		default:
			return fmt.Errorf("%v is of object %d, and volumes have two", t, object)
		}
	}
	return nil
}

func (c *Checker) checkFree(f *Free) error {
	if err := checkObjectID(TypeFree, f.Object()); err != nil {
		return err
	}
	if f.Length() == ToEnd {
		return nil
	}
	return checkRange(TypeFree, f.Offset(), f.Length(), ToEnd)
}

func (c *Checker) checkSpill(s *Spill) error {
	if err := checkObjectID(TypeSpill, s.Object()); err != nil {
		return err
	}
	switch {
	case s.Length() < minBlock || s.Length() > maxBlock:
		return fmt.Errorf("SPILL has a block of %d bytes", s.Length())
	case c.has(FeatureRaw) && (s.CompressedSize() == 0 || s.CompressedSize() > s.Length()):
		return fmt.Errorf("SPILL is compressed from %d bytes to %d", s.Length(), s.CompressedSize())
	case !c.has(FeatureRaw) && (s.CompressedSize() != 0 || s.Compression() != 0):
		return errors.New("SPILL is compressed, and is so in raw streams alone")
	}
	return nil
}

func (c *Checker) checkObjectRange(o *ObjectRange) error {
	switch {
	case !c.has(FeatureRaw):
		return errors.New("OBJECT_RANGE in a stream that is not raw")
	case o.Slots() != dnodesPerBlock || o.First()%dnodesPerBlock != 0:
		return fmt.Errorf("OBJECT_RANGE is of %d objects from %d", o.Slots(), o.First())
	}
	return checkRange(TypeObjectRange, o.First(), o.Slots(), maxObject+1)
}

// readProps takes note of the volume's size.
func (c *Checker) readProps(block []byte, order binary.ByteOrder) error {
	size, err := VolumeSize(block, order)
	if err != nil {
		return err
	}
	if size == 0 || size%sector != 0 || c.blksz != 0 && size%uint64(c.blksz) != 0 {
		return fmt.Errorf("the volume is %d bytes long, in blocks of %d", size, c.blksz)
	}
	c.size, c.sized = size, true
	return nil
}

func (c *Checker) checkEnd() error {
	c.open = false
	if c.begin.Objset() != ObjsetZvol {
		return nil
	}
	switch full := c.begin.FromGUID() == 0 && !c.partial; {
	case full && !c.sized:
		return errors.New("the volume's size is missing, and a receiver would panic over the volume")
	case c.size != 0 && c.end > c.size:
		return fmt.Errorf("the volume is %d bytes long, and has a block that ends at %d", c.size, c.end)
	}
	return nil
}

// checkObjectID holds an object's number to what there is.
func checkObjectID(t Type, object uint64) error {
	if object == 0 || object > maxObject {
		return fmt.Errorf("%v is of object %#x", t, object)
	}
	return nil
}

// checkRange holds from and count to an end of at most limit.
func checkRange(t Type, from, count, limit uint64) error {
	if from > limit || count > limit-from {
		return fmt.Errorf("%v is of %d from %d", t, count, from)
	}
	return nil
}

// validDMUType says whether there are objects of type t: below 54, or made of bits.
func validDMUType(t uint32) bool {
	const (
		old     = 54
		newType = 1 << 7
		mask    = 1<<8 - 1
	)
	return t > 0 && t < old || t&newType != 0 && t&^mask == 0
}

// grown is p with length n.
func grown(p []byte, n int) []byte {
	if cap(p) < n {
		return make([]byte, n)
	}
	return p[:n]
}
