package dmu

import (
	"encoding/binary"
	"strings"
	"time"
)

// A Survey sums a stream up while it is read.
type Survey struct {
	Package   bool        `json:"package"`    // send -R, -I or -p
	Order     string      `json:"byte_order"` // little or big, as the machine that sent it
	Snapshots []*Snapshot `json:"snapshots"`
	Records   int64       `json:"records"`
	Bytes     int64       `json:"bytes"` // of the whole stream
}

// A Snapshot sums a substream up. Lengths are in bytes.
type Snapshot struct {
	Name        string    `json:"name"` // dataset@snapshot
	Dataset     string    `json:"dataset"`
	Kind        string    `json:"kind"` // volume, file system
	Created     time.Time `json:"created"`
	GUID        uint64    `json:"guid,string"`
	From        uint64    `json:"from,string"` // the GUID of the snapshot it goes on from, or 0
	Features    []string  `json:"features"`
	Raw         bool      `json:"encrypted"`
	Resuming    bool      `json:"resuming"`
	VolumeSize  uint64    `json:"volume_size,omitempty"`
	BlockSize   uint32    `json:"block_size,omitempty"` // of the volume
	Objects     int64     `json:"objects"`
	Blocks      int64     `json:"blocks"`             // of data: of a file system's files and directories too
	Data        uint64    `json:"data"`               // in those blocks, without compression
	Payload     uint64    `json:"payload"`            // as they are in the stream
	Holes       uint64    `json:"holes"`              // freed, up to the volume's end
	Redacted    uint64    `json:"redacted,omitempty"` // left out on purpose
	Compression []Packed  `json:"compression"`        // by algorithm
	Whole       bool      `json:"whole"`              // its END was there

	tail    uint64 // where the FREE to the volume's end begins, when there is one
	tailed  bool
	toTally map[Compression]int
}

// Packed is how many blocks are compressed one way, and what that does to them.
type Packed struct {
	Name    string `json:"name"`
	Blocks  int64  `json:"blocks"`
	Data    uint64 `json:"data"`
	Payload uint64 `json:"payload"`
}

// Add takes a record into account that r has just read and c has checked.
func (s *Survey) Add(r *Reader, c *Checker, rec *Record) {
	s.Package = r.Package()
	s.Order = "little"
	if r.Order() == binary.BigEndian {
		s.Order = "big"
	}
	s.Records++
	s.Bytes = r.Offset() + RecordSize + int64(len(r.Payload()))
	t := rec.Type()
	if t == TypeBegin && rec.Begin().Kind() == Substream {
		s.Snapshots = append(s.Snapshots, begun(rec.Begin()))
		return
	}
	if len(s.Snapshots) == 0 {
		return
	}
	now := s.Snapshots[len(s.Snapshots)-1]
	switch t {
	case TypeObject:
		now.Objects++
		if o := rec.Object(); now.isVolume() && o.Object() == ZvolData {
			now.BlockSize = o.BlockSize()
		}
	case TypeWrite:
		w := rec.Write()
		now.block(w.Object(), w.Compression(), w.LogicalSize(), w.payloadLen())
	case TypeWriteEmbedded:
		w := rec.WriteEmbedded()
		now.block(w.Object(), w.Compression(), w.Length(), uint64(w.PhysicalSize()))
	case TypeFree:
		now.hole(rec.Free())
	case TypeRedact:
		now.Redacted += rec.Redact().Length()
	case TypeEnd:
		now.end(c)
	}
}

func begun(b *Begin) *Snapshot {
	dataset, _, _ := strings.Cut(b.ToName(), "@")
	f := b.Features()
	return &Snapshot{
		Name: b.ToName(), Dataset: dataset, Kind: b.Objset().String(),
		Created: time.Unix(int64(b.CreationTime()), 0).UTC(),
		GUID:    b.ToGUID(), From: b.FromGUID(),
		Features: f.Names(), Raw: f.Has(FeatureRaw), Resuming: f.Has(FeatureResuming),
		Compression: []Packed{}, toTally: map[Compression]int{},
	}
}

func (s *Snapshot) isVolume() bool { return s.Kind == ObjsetZvol.String() }

// block takes a block into account. A volume's properties are not data.
func (s *Snapshot) block(object uint64, how Compression, data, payload uint64) {
	if s.isVolume() && object != ZvolData {
		return
	}
	if how == CompressionNone {
		how = CompressionOff
	}
	i, ok := s.toTally[how]
	if !ok {
		i = len(s.Compression)
		s.toTally[how] = i
		s.Compression = append(s.Compression, Packed{Name: how.String()})
	}
	p := &s.Compression[i]
	p.Blocks++
	p.Data += data
	p.Payload += payload
	s.Blocks++
	s.Data += data
	s.Payload += payload
}

// hole takes a FREE of a volume into account; in a file system's stream they say nothing that
// can be added up.
func (s *Snapshot) hole(f *Free) {
	switch {
	case !s.isVolume() || f.Object() != ZvolData:
	case f.Length() == ToEnd:
		s.tail, s.tailed = f.Offset(), true
	default:
		// A sender frees behind the end first, and then again what it comes to there.
		end := f.Offset() + f.Length()
		if s.tailed {
			end = min(end, s.tail)
		}
		s.Holes += end - min(end, f.Offset())
	}
}

func (s *Snapshot) end(c *Checker) {
	s.Whole = true
	s.VolumeSize, _ = c.VolumeSize()
	if s.tailed && s.tail < s.VolumeSize {
		s.Holes += s.VolumeSize - s.tail
	}
}

// Changed is what part of the volume the stream has blocks of, from 0 to 1; known is false
// where the volume's size is not in the stream.
func (s *Snapshot) Changed() (part float64, known bool) {
	if s.VolumeSize == 0 {
		return 0, false
	}
	return float64(s.Data) / float64(s.VolumeSize), true
}
