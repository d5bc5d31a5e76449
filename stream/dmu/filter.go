package dmu

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/lunarsan/lunar/stream/dmu/nvlist"
)

// A Range is a part of a volume (bytes).
type Range struct{ Offset, Length uint64 }

// Filtered is what Filter left out (bytes).
type Filtered struct {
	Dropped uint64 // blocks that are holes now
	Partial uint64 // blocks that a range has a part of, and that are still there
}

// errNotVolume is why a stream cannot be rewritten that way.
var errNotVolume = errors.New("the stream is not of a volume")

// Filter copies a volume's stream without the blocks that lie in one of the ranges: they are
// holes in what comes out, and read as zeros. The snapshot is another one then, with a GUID
// made of its own and the ranges: streams of a chain that are filtered alike still follow one
// another.
func Filter(in *Reader, out io.Writer, drop []Range) (Filtered, error) {
	drop, err := sorted(drop)
	if err != nil {
		return Filtered{}, err
	}
	f := &filter{drop: drop, free: NewRecord(TypeFree).Free()}
	for {
		rec, err := in.Next()
		if err == io.EOF && f.w != nil {
			return f.done, f.w.Close()
		} else if err != nil {
			return f.done, firstError(err)
		}
		if f.w == nil {
			f.w = NewWriter(out, in.Order())
		}
		changed := *rec
		if err := f.record(&changed, in.Payload()); err != nil {
			return f.done, err
		}
	}
}

// sorted puts ranges into order, and joins those that touch.
func sorted(ranges []Range) ([]Range, error) {
	ranges = slices.Clone(ranges)
	slices.SortFunc(ranges, func(a, b Range) int {
		switch {
		case a.Offset < b.Offset:
			return -1
		case a.Offset > b.Offset:
			return 1
		}
		return 0
	})
	var out []Range
	for _, r := range ranges {
		end := r.Offset + r.Length
		if r.Length == 0 || end < r.Offset {
			return nil, fmt.Errorf("a range of %d bytes from %d on makes no sense", r.Length, r.Offset)
		}
		if last := len(out) - 1; last >= 0 && out[last].Offset+out[last].Length >= r.Offset {
			out[last].Length = max(out[last].Length, end-out[last].Offset)
			continue
		}
		out = append(out, r)
	}
	return out, nil
}

type filter struct {
	w    *Writer
	drop []Range
	free *Free // a hole that grows; its length is 0 where there is none
	done Filtered
}

func (f *filter) record(rec *Record, payload []byte) error {
	if rec.Type() == TypeBegin {
		b := rec.Begin()
		switch {
		case b.Kind() == Compound:
			header, err := f.header(payload)
			if err != nil {
				return fmt.Errorf("the header of the package: %w", err)
			}
			b.SetPayloadLen(uint32(len(header)))
			return f.w.Write(rec, header)
		case b.Objset() != ObjsetZvol:
			return errNotVolume
		case b.Features().Has(FeatureRaw):
			return errRaw
		}
		b.SetToGUID(f.guid(b.ToGUID()))
		b.SetFromGUID(f.guid(b.FromGUID()))
		return f.w.Write(rec, payload)
	}
	rec.SetToGUID(f.guid(rec.ToGUID()))
	object, offset, length := uint64(0), uint64(0), uint64(0)
	switch rec.Type() {
	case TypeWrite:
		object, offset, length = rec.Write().Object(), rec.Write().Offset(), rec.Write().LogicalSize()
	case TypeWriteEmbedded:
		object, offset, length = rec.WriteEmbedded().Object(), rec.WriteEmbedded().Offset(), rec.WriteEmbedded().Length()
	}
	if object == ZvolData {
		all, some := f.covers(offset, length)
		if all {
			f.done.Dropped += length
			return f.hole(rec.ToGUID(), offset, length)
		}
		if some {
			f.done.Partial += length
		}
	}
	if err := f.flush(); err != nil {
		return err
	}
	return f.w.Write(rec, payload)
}

// header is the nvlist of a package, with the GUIDs that its snapshots have now: by those a
// receiver finds their properties, and what else there is.
func (f *filter) header(payload []byte) ([]byte, error) {
	if len(payload) == 0 {
		return payload, nil
	}
	list, err := nvlist.Decode(payload)
	if err != nil {
		return nil, err
	}
	how, err := nvlist.EncodingOf(payload)
	if err != nil {
		return nil, err
	}
	each(list, "fss", func(fs *nvlist.List) {
		f.renumber(fs, "parentfromsnap")
		if snaps, ok := fs.List("snaps"); ok {
			f.renumber(snaps, "")
		}
	})
	return list.Encode(how)
}

// renumber changes the GUIDs of snapshots in a list, all of them or the one of a name.
func (f *filter) renumber(list *nvlist.List, name string) {
	for i := range list.Pairs {
		p := &list.Pairs[i]
		if guid, ok := p.Value.(uint64); ok && (name == "" || p.Name == name) {
			p.Value = f.guid(guid)
		}
	}
}

// guid is the GUID of a snapshot without the ranges. There is no snapshot 0.
func (f *filter) guid(of uint64) uint64 {
	if of == 0 || len(f.drop) == 0 {
		return of
	}
	text := binary.LittleEndian.AppendUint64([]byte("filtered"), of)
	for _, r := range f.drop {
		text = binary.LittleEndian.AppendUint64(binary.LittleEndian.AppendUint64(text, r.Offset), r.Length)
	}
	sum := sha256.Sum256(text)
	return max(1, binary.LittleEndian.Uint64(sum[:]))
}

// covers says whether a block lies in a range, or a part of it does.
func (f *filter) covers(offset, length uint64) (all, some bool) {
	for _, r := range f.drop {
		end := r.Offset + r.Length
		if offset < end && r.Offset < offset+length {
			return r.Offset <= offset && offset+length <= end, true
		}
	}
	return false, false
}

// hole frees a block, together with the one before if that goes too.
func (f *filter) hole(guid, offset, length uint64) error {
	if f.free.Length() > 0 && f.free.Offset()+f.free.Length() == offset {
		f.free.SetLength(f.free.Length() + length)
		return nil
	}
	if err := f.flush(); err != nil {
		return err
	}
	f.free.SetObject(ZvolData)
	f.free.SetOffset(offset)
	f.free.SetLength(length)
	f.free.Record().SetToGUID(guid)
	return nil
}

func (f *filter) flush() error {
	if f.free.Length() == 0 {
		return nil
	}
	err := f.w.Write(f.free.Record(), nil)
	f.free.SetLength(0)
	return err
}
