package dmu

import (
	"errors"

	"github.com/lunarsan/lunar/stream/dmu/nvlist"
)

// A Tracker keeps in mind how far a stream was read, so that a sender can go on from there: what
// a receiver without ZFS needs to make a stock ZFS resume.
type Tracker struct {
	begin          Begin
	known, writes  bool
	object, offset uint64
	bytes          uint64 // behind BEGIN, up to the end of the last block
	start          int64
}

// Add takes note of a record that r has read, and whose block is where it belongs.
func (t *Tracker) Add(r *Reader, rec *Record) {
	switch rec.Type() {
	case TypeBegin:
		*t = Tracker{}
		t.begin, t.known = *rec.Begin(), rec.Begin().Kind() == Substream
		t.start = r.Offset() + RecordSize
		if list, err := nvlist.Decode(r.Payload()); err == nil && t.begin.Features().Has(FeatureResuming) {
			t.object, _ = list.Uint64(keyResumeObject)
			t.offset, _ = list.Uint64(keyResumeOffset)
		}
	case TypeWrite:
		t.wrote(r, rec.Write().Object(), rec.Write().Offset())
	case TypeWriteEmbedded:
		t.wrote(r, rec.WriteEmbedded().Object(), rec.WriteEmbedded().Offset())
	}
}

func (t *Tracker) wrote(r *Reader, object, offset uint64) {
	t.object, t.offset, t.writes = object, offset, true
	t.bytes = uint64(r.Offset() + RecordSize + int64(len(r.Payload())) - t.start)
}

// Token makes the token with which the sender repeats the last block and goes on.
func (t *Tracker) Token() (*Token, error) {
	if !t.known {
		return nil, errors.New("the stream is too short to tell which snapshot it is of")
	}
	if !t.writes && !t.begin.Features().Has(FeatureResuming) {
		return nil, errors.New("the stream has no block yet")
	}
	f := t.begin.Features()
	return &Token{
		Object: t.object, Offset: t.offset, Bytes: t.bytes,
		ToGUID: t.begin.ToGUID(), ToName: t.begin.ToName(), FromGUID: t.begin.FromGUID(),
		LargeBlocks: f.Has(FeatureLargeBlocks), Embedded: f.Has(FeatureEmbedData),
		Compressed: f.Has(FeatureCompressed), Raw: f.Has(FeatureRaw),
	}, nil
}
