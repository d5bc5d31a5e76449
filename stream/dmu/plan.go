package dmu

import (
	"crypto/rand"
	"errors"
	"fmt"
	"math/bits"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Kinds of reasons why there is no plan, beside those that streams are not applied for.
var (
	ErrTaken     = errors.New("there is such a snapshot already")
	ErrBlockSize = errors.New("blocks of that length do not do")
	ErrUnchanged = errors.New("there is nothing to send")
)

// A Request says what somebody wants a stream of.
type Request struct {
	Chain  *Chain // of the volume
	Intact bool   // it is known that nothing was written to the volume since its last snapshot
	Size   uint64 // of the volume (bytes)

	// What an incremental stream goes on from: the last snapshot of another copy of the
	// volume, by its chain, or one of Chain. Neither is for a full stream.
	Since *Chain
	From  *Link

	// What the new snapshot is. What is not set is chosen, or taken from the chain.
	Name      string // dataset@snapshot, or @snapshot
	GUID      uint64
	Created   time.Time
	BlockSize uint32
	Dataset   string // where neither Name nor a chain says one
}

// A Plan is what stream answers a Request.
type Plan struct {
	Snapshot Link   // From is what the stream goes on from
	Base     *Link  // that snapshot; nil: a full stream
	Chain    *Chain // of the volume from then on
	New      bool   // Snapshot has just joined Chain
}

// usualBlockSize is the length of a volume's blocks where nobody says one (bytes): that of
// OpenZFS.
const usualBlockSize = 16 << 10

// NewPlan decides which snapshot the volume is, and what it goes on from. A volume that nothing
// was written to since its last snapshot is that snapshot: a stream of it has that GUID again.
// Otherwise it is a new one behind it. A snapshot belongs to one length of blocks, for good: a
// receiver that is told another drops what it has of the volume. Errors are a *Refusal.
func NewPlan(r Request) (*Plan, error) {
	base, err := r.base()
	if err != nil {
		return nil, err
	}
	chain := r.Chain
	if base != nil && len(chain.Snapshots) == 0 && r.Since != nil {
		chain, r.Intact = r.Since, false // a copy that nobody has taken note of
	}
	p := &Plan{Base: base, Chain: chain}
	head := chain.Head()
	if head != nil && r.Intact && (r.GUID == 0 || r.GUID == head.GUID) {
		p.Snapshot = *head
		if head.BlockSize == 0 {
			p.Snapshot.BlockSize = r.BlockSize
		}
	} else if err := p.take(r); err != nil {
		return nil, err
	}
	if r.Name != "" {
		p.Snapshot.Name = r.name(chain)
	}
	p.Snapshot.From = 0
	if base != nil {
		p.Snapshot.From = base.GUID
		if base.GUID == p.Snapshot.GUID {
			return nil, &Refusal{ErrUnchanged, fmt.Sprintf("the store is %s, and nothing was written to it since", base.Name), "--guid GUID makes another snapshot of the same bytes."}
		}
	}
	return p, r.fits(p)
}

// base is what the stream goes on from, or nil.
func (r *Request) base() (*Link, error) {
	if c := r.Chain; c.Receiving != nil {
		return nil, &Refusal{ErrReceiving, fmt.Sprintf("it has a part of %s (GUID %d)", c.Receiving.Name, c.Receiving.GUID), "Apply the stream of that snapshot to the end first."}
	}
	if r.Since == nil {
		return r.From, nil
	}
	if c := r.Since; c.Receiving != nil {
		return nil, &Refusal{ErrReceiving, fmt.Sprintf("what the stream should go on from has a part of %s (GUID %d)", c.Receiving.Name, c.Receiving.GUID), "Apply the stream of that snapshot to the end first."}
	}
	base := r.Since.Head()
	if base == nil {
		return nil, &Refusal{ErrBase, "it is not known which snapshot the stream should go on from", "The record of snapshots beside a store goes with it when the store is copied: STORE.lunar."}
	}
	if len(r.Chain.Snapshots) > 0 && r.Chain.Find(base.GUID) == nil {
		return nil, &Refusal{ErrBase, fmt.Sprintf("%s (GUID %d) is not among the snapshots that the store has been", base.Name, base.GUID), "Make a full stream, or go on from one of them."}
	}
	return base, nil
}

// take makes a new snapshot and has it join the chain.
func (p *Plan) take(r Request) error {
	s := Link{GUID: r.GUID, Name: r.name(p.Chain), Created: r.Created.Truncate(time.Second).UTC(), Size: r.Size, BlockSize: r.BlockSize}
	if head := p.Chain.Head(); head != nil {
		s.From = head.GUID
		if s.BlockSize == 0 {
			s.BlockSize = head.BlockSize
		}
	}
	if s.BlockSize == 0 {
		s.BlockSize = uint32(min(usualBlockSize, uint64(1)<<min(bits.TrailingZeros64(r.Size), 63)))
	}
	for _, old := range p.Chain.Snapshots {
		switch {
		case old.Name == s.Name:
			return &Refusal{ErrTaken, fmt.Sprintf("%s is the snapshot with GUID %d", old.Name, old.GUID), "Choose another name with --name."}
		case old.GUID == s.GUID:
			return &Refusal{ErrTaken, fmt.Sprintf("%d is the GUID of %s", s.GUID, old.Name), "Leave the GUID to chance."}
		}
	}
	for s.GUID == 0 || r.GUID == 0 && p.Chain.Find(s.GUID) != nil {
		s.GUID = randomGUID()
	}
	p.New = true
	p.Chain = &Chain{Snapshots: append(slices.Clip(p.Chain.Snapshots), s)}
	p.Snapshot = s
	return nil
}

// fits holds the plan to the one length of blocks, and to whole blocks.
func (r *Request) fits(p *Plan) error {
	bs, asked := p.Snapshot.BlockSize, r.BlockSize
	if asked == 0 {
		asked = bs
	}
	for _, s := range p.Chain.Snapshots {
		if s.BlockSize != 0 && asked != 0 && s.BlockSize != asked {
			return &Refusal{ErrBlockSize, fmt.Sprintf("%s has blocks of %d bytes, and %d are asked for", s.Name, s.BlockSize, asked), "Blocks of another length make another volume: give it a record of its own with --chain FILE, and make a full stream."}
		}
	}
	switch {
	case p.Snapshot.Size == 0 || p.Snapshot.Size%sector != 0:
		return &Refusal{ErrBlockSize, fmt.Sprintf("the volume has %d bytes, which are not whole sectors", p.Snapshot.Size), "Make the store longer: truncate -s %512 STORE."}
	case bs == 0:
		return &Refusal{ErrBlockSize, fmt.Sprintf("nobody knows how long the blocks of %s are", p.Snapshot.Name), "Say it with --block-size, as zfs get volblocksize prints it where the snapshot came from."}
	case !validBlockSize(bs):
		return &Refusal{ErrBlockSize, fmt.Sprintf("%d bytes", bs), "Blocks of volumes are a power of two from 512 bytes to 16 MiB long."}
	case p.Snapshot.Size%uint64(bs) != 0:
		return &Refusal{ErrBlockSize, fmt.Sprintf("the volume has %d bytes, which are not whole blocks of %d", p.Snapshot.Size, bs), fmt.Sprintf("Make the store longer (truncate -s %%%d STORE), or choose other blocks for a full stream with --block-size.", bs)}
	}
	return nil
}

// name is the snapshot's name, whole.
func (r *Request) name(c *Chain) string {
	dataset, snapshot, _ := strings.Cut(r.Name, "@")
	if head := c.Head(); dataset == "" && head != nil {
		dataset = datasetOf(head.Name)
	}
	if dataset == "" {
		dataset = r.Dataset
	}
	if snapshot == "" {
		snapshot = r.Created.UTC().Format("20060102T150405Z")
	}
	return dataset + "@" + snapshot
}

// Lookup is the snapshot that somebody names: by its GUID, its name, or the part of it from @
// on; nil where there is none.
func (c *Chain) Lookup(name string) *Link {
	if guid, err := strconv.ParseUint(name, 10, 64); err == nil {
		return c.Find(guid)
	}
	for i := range c.Snapshots {
		s := &c.Snapshots[i]
		if _, snapshot, _ := strings.Cut(s.Name, "@"); s.Name == name || "@"+snapshot == name {
			return s
		}
	}
	return nil
}

// randomGUID is a GUID that nobody has.
func randomGUID() uint64 {
	var p [8]byte
	_, _ = rand.Read(p[:]) // which does not fail
	return le.Uint64(p[:])
}
