package dmu

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
)

// GenerateOptions say what a Generator makes.
type GenerateOptions struct {
	// Snapshot is what the stream makes of the volume: its GUID, the GUID that it goes on
	// from (0: a full stream), its name, when it was made, the volume's size (0: that of the
	// Source) and the length of its blocks.
	Snapshot Link
	// BaseSize is how long the volume was at the snapshot that the stream goes on from; 0:
	// not known.
	BaseSize uint64
	// Base is the volume at that snapshot. Blocks that are what they were are left out.
	Base Source
	// Changes say where to look; nil: everywhere. Without Base, all that is there is sent.
	Changes Changes
	// Resume goes on with a stream of the same snapshot that was cut, behind what the receiver
	// has; nil: from the beginning. The block that the token names is sent once more.
	Resume *Token
	// Compress is how blocks are compressed that get shorter by it: CompressionNone, LZ4,
	// Zstd or one of gzip's, at a Level, 0 being the usual one.
	Compress Compression
	Level    int

	// Progress is told how far in the volume it is (bytes).
	Progress func(at int64)
	// Done is called when all of the volume was read, before the record that makes the stream
	// whole. Its error is that of Generate: whoever reads the stream does not take it then.
	Done func(Generated) error
}

// Generated is what a stream has.
type Generated struct {
	Link
	Written uint64 `json:"written"` // bytes of the volume, in blocks
	Freed   uint64 `json:"freed"`   // bytes of the volume, in holes
	Bytes   int64  `json:"bytes"`   // of the stream
}

// A Generator makes streams of a volume as zfs send does: OBJECT and every block in order, holes
// as FREE, then the volume's size. An incremental stream in which nothing has changed has neither.
// What it makes depends on its Source, Base, Changes and options alone.
type Generator struct {
	source Source
	o      GenerateOptions

	out  *Writer
	made Generated
	free change // a hole that may get longer
	open bool   // OBJECT is out
}

// NewGenerator makes a Generator of a volume.
func NewGenerator(source Source, o GenerateOptions) *Generator {
	if o.Snapshot.Size == 0 {
		o.Snapshot.Size = uint64(source.Size())
	}
	return &Generator{source: source, o: o}
}

// Generate writes the stream. When it returns an error the stream that was written is not whole,
// and no receiver takes it.
func (g *Generator) Generate(ctx context.Context, out io.Writer) (Generated, error) {
	if err := g.check(); err != nil {
		return Generated{}, err
	}
	g.out = NewWriter(out, binary.LittleEndian)
	g.made = Generated{Link: g.o.Snapshot}
	g.open, g.free = false, change{}
	err := g.begin()
	if err == nil {
		err = g.volume(ctx)
	}
	if err == nil {
		err = g.end()
	}
	return g.made, err
}

// check holds the options to what a receiver survives.
func (g *Generator) check() error {
	s := &g.o.Snapshot
	switch bs := uint64(s.BlockSize); {
	case s.GUID == 0 || s.GUID == s.From:
		return fmt.Errorf("a snapshot cannot have GUID %d and go on from %d", s.GUID, s.From)
	case !validBlockSize(s.BlockSize):
		return fmt.Errorf("blocks of %d bytes: a volume's are a power of two from %d to %d", bs, minBlock, maxBlock)
	case s.Size == 0 || s.Size > maxVolume || s.Size%bs != 0:
		return fmt.Errorf("the volume has %d bytes, which are not whole blocks of %d", s.Size, bs)
	case s.Size > uint64(g.source.Size()):
		return fmt.Errorf("the volume has %d bytes, and there are %d", s.Size, g.source.Size())
	case s.From == 0 && (g.o.Base != nil || g.o.Changes != nil):
		return fmt.Errorf("%s is a full stream, which has nothing to go on from", s.Name)
	case g.o.Base != nil && (g.o.BaseSize == 0 || g.o.BaseSize%bs != 0 || g.o.BaseSize > uint64(g.o.Base.Size())):
		return fmt.Errorf("the volume had %d bytes before, in blocks of %d, and there are %d", g.o.BaseSize, bs, g.o.Base.Size())
	case g.o.Resume != nil:
		return g.o.checkResume()
	}
	return nil
}

// validBlockSize says whether volumes may have blocks of n bytes.
func validBlockSize(n uint32) bool { return n >= minBlock && n <= maxBlock && n&(n-1) == 0 }

func (g *Generator) begin() error {
	s := &g.o.Snapshot
	b := NewBegin()
	features := g.o.Compress.Needs()
	if s.BlockSize > oldMaxBlock {
		features |= FeatureLargeBlocks
	}
	var note []byte
	if t := g.o.Resume; t != nil {
		features |= FeatureResuming
		if t.LargeBlocks {
			features |= FeatureLargeBlocks
		}
		var err error
		if note, err = t.resumeNote(); err != nil {
			return err
		}
		b.SetPayloadLen(uint32(len(note)))
	}
	b.SetVersion(Substream, features)
	b.SetObjset(ObjsetZvol)
	b.SetFlags(BeginFreeRecords | BeginSpillBlock) // what every sender has
	b.SetCreationTime(uint64(max(0, s.Created.Unix())))
	b.SetFromGUID(s.From)
	b.SetToGUID(s.GUID)
	if err := b.SetToName(s.Name); err != nil {
		return err
	}
	return g.out.Write(b.Record(), note)
}

// volume writes what has changed of the volume.
func (g *Generator) volume(ctx context.Context) error {
	s := &g.o.Snapshot
	object, from := g.o.resumesIn()
	if object != ZvolData {
		g.open = true
		return nil
	}
	if s.From == 0 || s.Size != g.o.BaseSize || g.o.Resume != nil {
		if err := g.start(); err != nil {
			return err
		}
	}
	w := &walker{
		now: g.source, size: int64(s.Size), was: g.o.Base, wasSize: int64(g.o.BaseSize),
		changes: g.grown(), block: int64(s.BlockSize), longest: max(portionSize, int64(s.BlockSize)),
		at: int64(from),
	}
	c := newCrew(ctx, w, func() *worker {
		return &worker{now: g.source, was: g.o.Base, wasSize: w.wasSize, block: w.block, how: g.o.Compress, level: g.o.Level}
	})
	defer c.stop()
	for {
		p, err := c.next()
		if err != nil || p == nil {
			return err
		}
		for _, change := range p.changed {
			if err := g.put(change); err != nil {
				return err
			}
		}
		if g.o.Progress != nil {
			g.o.Progress(p.off + p.n)
		}
		c.giveBack(p)
	}
}

// grown are the changes, and what the volume has become longer by.
func (g *Generator) grown() Changes {
	if g.o.Changes == nil {
		return nil
	}
	return &grownChanges{g.o.Changes, int64(g.o.BaseSize), int64(g.o.Snapshot.Size)}
}

// A grownChanges has everything behind the end that the volume had as changed.
type grownChanges struct {
	Changes
	before, size int64
}

func (c *grownChanges) Next(off int64) (from, n int64, err error) {
	if off < c.before {
		if from, n, err = c.Changes.Next(off); err != nil || n > 0 && from < c.before {
			return from, n, err
		}
	}
	off = max(off, c.before)
	return off, max(0, c.size-off), nil
}

// put writes a change. Holes that follow one another become one.
func (g *Generator) put(c change) error {
	if c.payload == nil {
		g.made.Freed += uint64(c.n)
		if g.free.n > 0 && g.free.off+g.free.n == c.off {
			g.free.n += c.n
			return nil
		}
	}
	if err := g.settle(); err != nil {
		return err
	}
	if c.payload == nil {
		g.free = c
		return g.start()
	}
	if err := g.start(); err != nil {
		return err
	}
	g.made.Written += uint64(c.n)
	w := NewRecord(TypeWrite).Write()
	w.SetObject(ZvolData)
	w.SetDMUType(ObjectZvol)
	w.SetOffset(uint64(c.off))
	w.SetLogicalSize(uint64(c.n))
	if c.how != CompressionNone {
		w.SetCompression(c.how)
		w.SetCompressedSize(uint64(len(c.payload)))
	}
	return g.write(w.Record(), c.payload)
}

// settle writes the hole that was kept back.
func (g *Generator) settle() error {
	if g.free.n == 0 {
		return nil
	}
	f := g.free
	g.free = change{}
	return g.hole(ZvolData, uint64(f.off), uint64(f.n))
}

// start writes OBJECT 1 and that nothing is behind the volume's end, before its first change. A
// sender says so of what is behind the last block; this is known without looking for that first.
func (g *Generator) start() error {
	if g.open {
		return nil
	}
	g.open = true
	if err := g.object(ZvolData, ObjectZvol, g.o.Snapshot.BlockSize); err != nil {
		return err
	}
	return g.hole(ZvolData, g.o.Snapshot.Size, ToEnd)
}

// end writes the volume's size, and END. The size is written when anything is: a stream without
// would do for a receiver that has one, and kill one that has not.
func (g *Generator) end() error {
	if err := g.settle(); err != nil {
		return err
	}
	if g.open {
		if err := g.props(); err != nil {
			return err
		}
	}
	g.made.Bytes = g.out.Offset() + RecordSize
	if g.o.Done != nil {
		if err := g.o.Done(g.made); err != nil {
			return err
		}
	}
	if err := g.write(NewRecord(TypeEnd), nil); err != nil {
		return err
	}
	return g.out.Close()
}

// props writes object 2, and that there are no others.
func (g *Generator) props() error {
	if err := g.object(ZvolProps, ObjectZvolProp, minZvolZAP); err != nil {
		return err
	}
	if err := g.hole(ZvolProps, minZvolZAP, ToEnd); err != nil {
		return err
	}
	zap := VolumeProps(g.o.Snapshot.Size)
	w := NewRecord(TypeWrite).Write()
	w.SetObject(ZvolProps)
	w.SetDMUType(ObjectZvolProp)
	w.SetLogicalSize(uint64(len(zap)))
	if err := g.write(w.Record(), zap); err != nil {
		return err
	}
	f := NewRecord(TypeFreeObjects).FreeObjects()
	f.SetFirst(ZvolProps + 1)
	f.SetCount(dnodesPerBlock - ZvolProps - 1)
	return g.write(f.Record(), nil)
}

func (g *Generator) object(n uint64, dmuType, blockSize uint32) error {
	o := NewRecord(TypeObject).Object()
	o.SetObject(n)
	o.SetDMUType(dmuType)
	o.SetBlockSize(blockSize)
	o.SetDnodeSlots(1)
	return g.write(o.Record(), nil)
}

func (g *Generator) hole(object, off, n uint64) error {
	f := NewRecord(TypeFree).Free()
	f.SetObject(object)
	f.SetOffset(off)
	f.SetLength(n)
	return g.write(f.Record(), nil)
}

// write writes a record of the snapshot.
func (g *Generator) write(rec *Record, payload []byte) error {
	rec.SetToGUID(g.o.Snapshot.GUID)
	return g.out.Write(rec, payload)
}
