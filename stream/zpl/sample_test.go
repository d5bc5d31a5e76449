package zpl

import (
	"bytes"
	"encoding/binary"
	"maps"
	"slices"
	"testing"

	"github.com/lunarsan/lunar/stream/dmu"
	"github.com/lunarsan/lunar/stream/dmu/nvlist"
)

// A sample makes small streams of file systems.
type sample struct {
	t       testing.TB
	order   binary.ByteOrder
	w       *dmu.Writer
	out     bytes.Buffer
	guid    uint64
	spoil   func(p []byte) // what is put into payloads, before they are sealed
	blksize int
}

// Objects of samples.
const (
	sampleRoot     = 38
	sampleMaster   = 32
	sampleRegistry = 35
	sampleLayouts  = 36
)

// registered are the attributes of samples, in the order of their numbers, with their lengths.
var registered = []attribute{
	{"ZPL_MODE", 8}, {"ZPL_SIZE", 8}, {"ZPL_LINKS", 8}, {"ZPL_UID", 8}, {"ZPL_GID", 8},
	{"ZPL_MTIME", 16}, {"ZPL_ATIME", 16}, {"ZPL_XATTR", 8}, {"ZPL_SYMLINK", 0}, {"ZPL_DXATTR", 0},
}

// Layouts of samples: one of everything fixed, one with a link's target, one for spill blocks.
var sampleLayout = map[string][]uint16{"2": {0, 1, 2, 3, 4, 5, 6, 7}, "3": {0, 1, 2, 3, 4, 5, 6, 7, 8}, "4": {9}}

func newSample(t testing.TB, order binary.ByteOrder, from, to uint64) *sample {
	s := &sample{t: t, order: order, guid: to, blksize: 512, spoil: func([]byte) {}}
	s.w = dmu.NewWriter(&s.out, order)
	b := dmu.NewBegin()
	b.SetVersion(dmu.Substream, dmu.FeatureSASpill)
	b.SetObjset(dmu.ObjsetZFS)
	b.SetFlags(dmu.BeginFreeRecords | dmu.BeginSpillBlock)
	b.SetFromGUID(from)
	b.SetToGUID(to)
	if err := b.SetToName("tank/fs@" + string(rune('a'+to-1))); err != nil {
		t.Fatal(err)
	}
	return s.put(b.Record(), nil)
}

func (s *sample) put(r *dmu.Record, payload []byte) *sample {
	s.t.Helper()
	if r.Type() != dmu.TypeBegin {
		r.SetToGUID(s.guid)
	}
	payload = slices.Clone(payload)
	s.spoil(payload)
	if err := s.w.Write(r, payload); err != nil {
		s.t.Fatal(err)
	}
	return s
}

func (s *sample) object(n uint64, dmuType uint32, blockSize int, bonus []byte, spill bool) *sample {
	s.t.Helper()
	o := dmu.NewRecord(dmu.TypeObject).Object()
	o.SetObject(n)
	o.SetDMUType(dmuType)
	o.SetBlockSize(uint32(blockSize))
	o.SetDnodeSlots(1)
	if bonus != nil {
		o.SetBonusType(bonusSA)
		o.SetBonusLen(uint32(len(bonus)))
	}
	if spill {
		o.SetFlags(dmu.FlagHasSpill)
	}
	return s.put(o.Record(), append(bonus, make([]byte, -len(bonus)&7)...))
}

func (s *sample) write(n, offset uint64, block []byte) *sample {
	s.t.Helper()
	w := dmu.NewRecord(dmu.TypeWrite).Write()
	w.SetObject(n)
	w.SetDMUType(19)
	w.SetOffset(offset)
	block = append(slices.Clone(block), make([]byte, -len(block)&511)...)
	w.SetLogicalSize(uint64(len(block)))
	return s.put(w.Record(), block)
}

func (s *sample) free(n, offset, length uint64) *sample {
	s.t.Helper()
	f := dmu.NewRecord(dmu.TypeFree).Free()
	f.SetObject(n)
	f.SetOffset(offset)
	f.SetLength(length)
	return s.put(f.Record(), nil)
}

func (s *sample) freeObjects(first, n uint64) *sample {
	s.t.Helper()
	f := dmu.NewRecord(dmu.TypeFreeObjects).FreeObjects()
	f.SetFirst(first)
	f.SetCount(n)
	return s.put(f.Record(), nil)
}

func (s *sample) spillBlock(n uint64, block []byte) *sample {
	s.t.Helper()
	p := dmu.NewRecord(dmu.TypeSpill).Spill()
	p.SetObject(n)
	block = append(slices.Clone(block), make([]byte, -len(block)&511)...)
	p.SetLength(uint64(len(block)))
	return s.put(p.Record(), block)
}

// bytes ends the stream.
func (s *sample) bytes() []byte {
	s.t.Helper()
	s.put(dmu.NewRecord(dmu.TypeEnd), nil)
	if err := s.w.Close(); err != nil {
		s.t.Fatal(err)
	}
	return s.out.Bytes()
}

// A named is a name in a ZAP, and its number.
type named struct {
	name  string
	value uint64
}

// microZAP is a ZAP of one block.
func (s *sample) microZAP(names ...named) []byte {
	p := make([]byte, (len(names)+1)*microEntry)
	s.order.PutUint64(p, zapMicro)
	for i, n := range names {
		e := p[(i+1)*microEntry:]
		s.order.PutUint64(e, n.value)
		copy(e[microName:microEntry-1], n.name)
	}
	return append(p, make([]byte, -len(p)&511)...)
}

// fatZAP is a ZAP of a header and one leaf, of blocks of size bytes, whose values are integers
// of width bytes.
func (s *sample) fatZAP(size, width int, values map[string][]uint64) []byte {
	p := make([]byte, 2*size)
	s.order.PutUint64(p, zapHeader)
	leaf := p[size:]
	s.order.PutUint64(leaf, zapLeaf)
	s.order.PutUint32(leaf[24:], leafMagic)
	chunks := leaf[leafHeader+size/32*2:]
	next := 0
	chunk := func() (int, []byte) {
		next++
		return next - 1, chunks[(next-1)*chunkSize:][:chunkSize]
	}
	array := func(data []byte) (first int) {
		for at := 0; at < len(data); at += chunkBytes {
			n, c := chunk()
			if at == 0 {
				first = n
			}
			c[0] = chunkArray
			rest := copy(c[1:1+chunkBytes], data[at:])
			s.order.PutUint16(c[1+chunkBytes:], noChunk)
			if at+rest < len(data) {
				s.order.PutUint16(c[1+chunkBytes:], uint16(next))
			}
		}
		return first
	}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		list := values[name]
		_, e := chunk()
		e[0], e[1] = chunkEntry, byte(width)
		var data []byte
		for _, v := range list {
			data = append(data, binary.BigEndian.AppendUint64(nil, v)[8-width:]...)
		}
		s.order.PutUint16(e[4:], uint16(array(append([]byte(name), 0))))
		s.order.PutUint16(e[6:], uint16(len(name)+1))
		s.order.PutUint16(e[8:], uint16(array(data)))
		s.order.PutUint16(e[10:], uint16(len(list)))
	}
	return p
}

// skeleton has the objects that describe the rest.
func (s *sample) skeleton() *sample {
	s.t.Helper()
	registry := make([]named, len(registered))
	for i, a := range registered {
		registry[i] = named{a.name, uint64(i) | uint64(a.length)<<24}
	}
	layouts := map[string][]uint64{}
	for name, list := range sampleLayout {
		for _, v := range list {
			layouts[name] = append(layouts[name], uint64(v))
		}
	}
	block := s.microZAP(registry...)
	s.object(masterNode, 21, 512, nil, false).write(masterNode, 0, s.microZAP(named{"ROOT", sampleRoot}, named{"SA_ATTRS", sampleMaster}))
	s.object(sampleMaster, 45, 512, nil, false).write(sampleMaster, 0, s.microZAP(named{"REGISTRY", sampleRegistry}, named{"LAYOUTS", sampleLayouts}))
	s.object(sampleRegistry, 46, len(block), nil, false).write(sampleRegistry, 0, block)
	return s.object(sampleLayouts, 47, 4096, nil, false).write(sampleLayouts, 0, s.fatZAP(4096, 2, layouts))
}

// What a bonus says of a file.
type meta struct {
	mode, size, links, xattr uint64
	symlink                  string
}

const sampleTime = 1_700_000_000

func (s *sample) bonus(m meta) []byte {
	header, layout := 8, 2
	if m.symlink != "" {
		layout = 3
	}
	p := make([]byte, header)
	s.order.PutUint32(p, saMagic)
	s.order.PutUint16(p[4:], uint16(header/8)<<10|uint16(layout))
	s.order.PutUint16(p[6:], uint16(len(m.symlink)))
	for _, v := range []uint64{m.mode, m.size, m.links, 1000, 1000, sampleTime, 5, sampleTime + 1, 6, m.xattr} {
		p = append(p, make([]byte, 8)...)
		s.order.PutUint64(p[len(p)-8:], v)
	}
	return append(p, m.symlink...)
}

// xattrSpill is a spill block with extended attributes.
func (s *sample) xattrSpill(values map[string]string) []byte {
	s.t.Helper()
	list := nvlist.New()
	for name, value := range values {
		list.Add(nvlist.Pair{Name: name, Type: nvlist.ByteArray, Value: []byte(value)})
	}
	packed, err := list.Encode(nvlist.Encoding{XDR: true})
	if err != nil {
		s.t.Fatal(err)
	}
	p := make([]byte, 8)
	s.order.PutUint32(p, saMagic)
	s.order.PutUint16(p[4:], 1<<10|4)
	s.order.PutUint16(p[6:], uint16(len(packed)))
	return append(p, packed...)
}

func (s *sample) directory(n uint64, mode uint64, names ...named) *sample {
	s.t.Helper()
	zap := s.microZAP(names...)
	return s.object(n, typeDirectory, len(zap), s.bonus(meta{mode: modeDir | mode, links: 2}), false).write(n, 0, zap)
}

func (s *sample) file(n uint64, m meta, data string) *sample {
	s.t.Helper()
	m.mode |= modeRegular
	if m.size == 0 {
		m.size = uint64(len(data))
	}
	s.object(n, 19, 512, s.bonus(m), false)
	if data != "" {
		s.write(n, 0, []byte(data))
	}
	return s
}
