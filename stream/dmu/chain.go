package dmu

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// A Chain is what is known of a volume outside ZFS: the snapshots that it has been, and the one
// that it is becoming. It is what an incremental stream is held against before a byte of it is
// written. The zero value is of a volume of which nothing is known.
//
// As a file, beside the volume's, it is a JSON document; GUIDs are decimal, as zfs get guid
// prints them, and in strings, because not every reader of JSON keeps 64 bits:
//
//	{
//	  "format": 1,
//	  "state": "receiving",                   or "complete", or "empty"
//	  "modified": "2026-11-22T16:30:00.5Z",   when the volume was written to last, by us
//	  "snapshots": [                          oldest first; the volume is the last one
//	    {
//	      "guid": "13632234480579499448",
//	      "from": "0",                        the GUID of the one before, "0" in a full stream
//	      "name": "tank/v64@a",
//	      "created": "2026-05-12T02:30:07Z",
//	      "size": "67108864",                 of the volume (bytes)
//	      "block_size": 65536
//	    }
//	  ],
//	  "receiving": {                          only in that state: what the volume is becoming
//	    "guid": ..., "from": ..., "name": ..., "created": ..., "size": ..., "block_size": ...,
//	    "features": "1048576",                of the stream, as BEGIN has them
//	    "offset": "327680",                   all of the volume before it is durable
//	    "bytes": "198480"                     of the stream behind BEGIN, up to there
//	  }
//	}
//
// A size of "0", or a block size of 0, has not been told yet. While something is received the
// volume is neither what it was nor what it will be.
type Chain struct {
	Modified  time.Time  // zero: not known
	Snapshots []Link     // oldest first
	Receiving *Receiving // nil: the volume is the last of Snapshots
}

// A Link is a snapshot: a state that a volume was in.
type Link struct {
	GUID      uint64    `json:"guid,string"`
	From      uint64    `json:"from,string"` // 0: full
	Name      string    `json:"name"`        // dataset@snapshot
	Created   time.Time `json:"created"`
	Size      uint64    `json:"size,string"` // of the volume (bytes)
	BlockSize uint32    `json:"block_size"`  // of its blocks (bytes)
}

// A Receiving is a snapshot that is under way, and how far.
type Receiving struct {
	Link
	Features Features `json:"features,string"` // of the stream
	Cursor
}

// Token makes the token with which a sender repeats the last block that is there, and goes on.
func (r *Receiving) Token() *Token {
	t := &Token{
		Object: ZvolData, Bytes: max(r.Bytes, 1),
		ToGUID: r.GUID, ToName: r.Name, FromGUID: r.From,
		LargeBlocks: r.Features.Has(FeatureLargeBlocks),
		Embedded:    r.Features.Has(FeatureEmbedData),
		Compressed:  r.Features.Has(FeatureCompressed),
	}
	if bs := uint64(r.BlockSize); r.Offset > bs {
		t.Offset = r.Offset - bs
	}
	return t
}

// A Cursor is a place in a volume that everything before is durable of.
type Cursor struct {
	Offset uint64 `json:"offset,string"` // in the volume (bytes)
	Bytes  uint64 `json:"bytes,string"`  // of the stream behind BEGIN, up to the last record before it
}

// States of a Chain.
const (
	ChainEmpty     = "empty"
	ChainComplete  = "complete"
	ChainReceiving = "receiving"
)

// chainFormat is raised when an older program must not read what this one writes.
const chainFormat = 1

// maxChain is the longest file that is looked at (bytes): some hundred thousand snapshots.
const maxChain = 64 << 20

// ErrChain is the kind of every error of ParseChain.
var ErrChain = errors.New("the record of snapshots is not one, or damaged")

// chainFile is a Chain as a file.
type chainFile struct {
	Format    int        `json:"format"`
	State     string     `json:"state"`
	Modified  *time.Time `json:"modified,omitempty"`
	Snapshots []Link     `json:"snapshots"`
	Receiving *Receiving `json:"receiving,omitempty"`
}

// State is "empty", "complete" or "receiving".
func (c *Chain) State() string {
	switch {
	case c.Receiving != nil:
		return ChainReceiving
	case len(c.Snapshots) > 0:
		return ChainComplete
	}
	return ChainEmpty
}

// Head is the snapshot that the volume was whole as last, or nil.
func (c *Chain) Head() *Link {
	if len(c.Snapshots) == 0 {
		return nil
	}
	return &c.Snapshots[len(c.Snapshots)-1]
}

// Find is the snapshot of a GUID, or nil.
func (c *Chain) Find(guid uint64) *Link {
	for i := range c.Snapshots {
		if c.Snapshots[i].GUID == guid {
			return &c.Snapshots[i]
		}
	}
	return nil
}

// Encode is c as a file.
func (c *Chain) Encode() ([]byte, error) {
	f := chainFile{Format: chainFormat, State: c.State(), Snapshots: c.Snapshots, Receiving: c.Receiving}
	if f.Snapshots == nil {
		f.Snapshots = []Link{}
	}
	if !c.Modified.IsZero() {
		f.Modified = &c.Modified
	}
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	err := e.Encode(f)
	return out.Bytes(), err
}

// ParseChain reads what Encode wrote.
func ParseChain(p []byte) (*Chain, error) {
	if len(p) > maxChain {
		return nil, fmt.Errorf("%w: it has %d bytes", ErrChain, len(p))
	}
	var f chainFile
	d := json.NewDecoder(bytes.NewReader(p))
	if err := d.Decode(&f); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrChain, err)
	}
	if f.Format != chainFormat {
		return nil, fmt.Errorf("%w: it has format %d, and this program knows %d", ErrChain, f.Format, chainFormat)
	}
	c := &Chain{Snapshots: f.Snapshots, Receiving: f.Receiving}
	if f.Modified != nil {
		c.Modified = *f.Modified
	}
	if err := c.check(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrChain, err)
	}
	if f.State != c.State() {
		return nil, fmt.Errorf("%w: its state is %q, and what is in it says %q", ErrChain, f.State, c.State())
	}
	return c, nil
}

// check holds c to what a chain is: each snapshot goes on from the one before it.
func (c *Chain) check() error {
	var before uint64
	seen := make(map[uint64]bool, len(c.Snapshots))
	for i := range c.Snapshots {
		s := &c.Snapshots[i]
		switch {
		case s.GUID == 0 || seen[s.GUID]:
			return fmt.Errorf("snapshot %d has GUID %d, which it cannot have", i, s.GUID)
		case i > 0 && s.From != before:
			return fmt.Errorf("%s goes on from %d, and is behind %d", s.Name, s.From, before)
		case s.Size > maxVolume:
			return fmt.Errorf("%s has %d bytes", s.Name, s.Size)
		}
		seen[s.GUID] = true
		before = s.GUID
	}
	if r := c.Receiving; r != nil && (r.GUID == 0 || seen[r.GUID] || r.From != before) {
		return fmt.Errorf("%s, which is received, has GUID %d and goes on from %d: that does not fit behind %d", r.Name, r.GUID, r.From, before)
	}
	return nil
}

// maxVolume is the longest volume (bytes): offsets are signed.
const maxVolume = 1<<63 - 1
