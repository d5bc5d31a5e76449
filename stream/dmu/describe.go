package dmu

// A Description is a record for JSON: the fields that its type has. GUIDs are text, since many
// readers of JSON have no numbers that long.
type Description struct {
	Offset      int64    `json:"at"` // of the record in the stream
	Type        string   `json:"type"`
	Payload     int      `json:"payload"` // its length
	Name        string   `json:"name,omitempty"`
	GUID        uint64   `json:"guid,string,omitempty"`
	From        uint64   `json:"from,string,omitempty"`
	Features    []string `json:"features,omitempty"`
	Object      *uint64  `json:"object,omitempty"`
	At          *uint64  `json:"offset,omitempty"`
	Length      uint64   `json:"length,omitempty"` // of the block or the range
	ToEnd       bool     `json:"to_end,omitempty"` // the range has no other end
	Count       uint64   `json:"count,omitempty"`  // of objects
	DMUType     uint32   `json:"dmu_type,omitempty"`
	BlockSize   uint32   `json:"block_size,omitempty"`
	Compression string   `json:"compression,omitempty"`
	Checksum    string   `json:"checksum,omitempty"`
}

// Describe describes the record, which is at offset in its stream.
func (r *Record) Describe(offset int64, payload []byte) Description {
	d := Description{Offset: offset, Type: r.Type().String(), Payload: len(payload)}
	switch r.Type() {
	case TypeBegin:
		b := r.Begin()
		d.Name, d.GUID, d.From, d.Features = b.ToName(), b.ToGUID(), b.FromGUID(), b.Features().Names()
	case TypeEnd:
		d.Checksum = r.End().StreamChecksum().String()
	case TypeObject:
		o := r.Object()
		d.place(o.Object(), nil, 0)
		d.DMUType, d.BlockSize = o.DMUType(), o.BlockSize()
	case TypeFreeObjects:
		d.place(r.FreeObjects().First(), nil, 0)
		d.Count = r.FreeObjects().Count()
	case TypeObjectRange:
		d.place(r.ObjectRange().First(), nil, 0)
		d.Count = r.ObjectRange().Slots()
	case TypeWrite:
		w := r.Write()
		at := w.Offset()
		d.place(w.Object(), &at, w.LogicalSize())
		d.DMUType, d.Compression = w.DMUType(), w.Compression().String()
	case TypeWriteEmbedded:
		w := r.WriteEmbedded()
		at := w.Offset()
		d.place(w.Object(), &at, w.Length())
		d.Compression = w.Compression().String()
	case TypeWriteByref:
		w := r.WriteByref()
		at := w.Offset()
		d.place(w.Object(), &at, w.Length())
	case TypeSpill:
		d.place(r.Spill().Object(), nil, r.Spill().Length())
	case TypeFree, TypeRedact: // which look the same
		f := r.Free()
		at := f.Offset()
		d.place(f.Object(), &at, f.Length())
		if d.ToEnd = f.Length() == ToEnd; d.ToEnd {
			d.Length = 0
		}
	}
	return d
}

func (d *Description) place(object uint64, at *uint64, length uint64) {
	d.Object, d.At, d.Length = &object, at, length
}
