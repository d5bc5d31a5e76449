package dmu

import (
	"errors"
	"fmt"
	"strings"

	"github.com/lunarsan/lunar/stream/dmu/nvlist"
)

// Kinds of reasons why a stream is not applied to a volume; errors.Is tells them apart.
var (
	ErrNotVolume = errors.New("the stream is not of a volume")
	ErrEncrypted = errors.New("the stream is encrypted")
	ErrPartial   = errors.New("the stream leaves out blocks")
	ErrBase      = errors.New("the stream does not go on from what is in the store")
	ErrNotEmpty  = errors.New("the store is not empty")
	ErrReceiving = errors.New("the store is in the middle of another snapshot")
	ErrModified  = errors.New("the store was written to since its last snapshot")
	ErrTooSmall  = errors.New("the device is too small for the volume")
)

// A Refusal says why a stream is not applied. Of the substream that it is about no byte was
// written.
type Refusal struct {
	Kind error  // one of those above
	What string // in words
	Hint string // the way out
}

func (r *Refusal) Error() string { return fmt.Sprintf("%v: %s", r.Kind, r.What) }

// Unwrap returns the kind.
func (r *Refusal) Unwrap() error { return r.Kind }

// An admission is what becomes of a substream.
type admission uint8

const (
	pass  admission = iota // over it: the volume has been there, or it is of another dataset
	start                  // from its beginning
	goOn                   // from the cursor
)

// admit decides what becomes of the substream that b begins, whose payload is given.
func (a *Applier) admit(b *Begin, payload []byte) (admission, error) {
	if a.o.Dataset != "" && a.o.Dataset != datasetOf(b.ToName()) {
		return pass, nil
	}
	if err := applicable(b); err != nil {
		return pass, err
	}
	if s := a.chain.Find(b.ToGUID()); s != nil && !(a.o.Overwrite && b.FromGUID() == 0) {
		return pass, nil
	}
	from, resumes, err := resumesAt(b, payload)
	if err != nil {
		return pass, err
	}
	if r := a.chain.Receiving; r != nil && r.GUID == b.ToGUID() && r.From == b.FromGUID() {
		if resumes && from > r.Offset {
			return pass, &Refusal{ErrBase, fmt.Sprintf("it goes on at byte %d of the volume, and the store has %s up to %d", from, r.Name, r.Offset), "Send from the store's own place: lunar stream apply printed a token for zfs send -t when it was interrupted."}
		}
		return goOn, nil
	}
	if resumes {
		return pass, &Refusal{ErrBase, fmt.Sprintf("it is the rest of %s, of which the store has no beginning", b.ToName()), "Apply what came before it first."}
	}
	if b.FromGUID() == 0 {
		return start, a.admitFull(b)
	}
	return start, a.admitIncremental(b)
}

// applicable refuses what can be applied to no volume.
func applicable(b *Begin) error {
	name := b.ToName()
	switch f := b.Features(); {
	case b.Objset() != ObjsetZvol:
		return &Refusal{ErrNotVolume, fmt.Sprintf("%s is a %v", name, b.Objset()), "lunar stream extract writes the files of a file system out."}
	case f.Has(FeatureRaw):
		return &Refusal{ErrEncrypted, name + " was sent raw, and its blocks cannot be read without the key, which never is in a stream", "Send it without -w, or keep the stream: lunar stream verify checks it, and zfs receive takes it."}
	case f.Has(FeatureRedacted):
		return &Refusal{ErrPartial, name + " is redacted", "Send it without --redact."}
	case f&(FeatureDedup|FeatureDedupProps) != 0:
		return &Refusal{ErrPartial, name + " refers to blocks of other streams (send -D)", "zstream redup makes a stream of it that has all blocks."}
	}
	return nil
}

// resumesAt is where in the volume a resuming stream goes on.
func resumesAt(b *Begin, payload []byte) (offset uint64, resumes bool, err error) {
	if !b.Features().Has(FeatureResuming) {
		return 0, false, nil
	}
	list, err := nvlist.Decode(payload)
	if err != nil {
		return 0, true, fmt.Errorf("where %s resumes: %w", b.ToName(), err)
	}
	object, ok := list.Uint64(keyResumeObject)
	offset, also := list.Uint64(keyResumeOffset)
	switch {
	case !ok || !also:
		return 0, true, fmt.Errorf("%s resumes, and does not say where", b.ToName())
	case object > ZvolData:
		return maxVolume, true, nil
	case object < ZvolData:
		return 0, true, nil
	}
	return offset, true, nil
}

func (a *Applier) admitFull(b *Begin) error {
	const hint = "Choose another store, or give up what is in it with --overwrite."
	switch r, head := a.chain.Receiving, a.chain.Head(); {
	case a.o.Overwrite:
	case r != nil:
		return &Refusal{ErrReceiving, fmt.Sprintf("it has a part of %s (GUID %d), and the stream is %s (GUID %d)", r.Name, r.GUID, b.ToName(), b.ToGUID()), "Apply the stream of that snapshot to the end, or give up what is in the store with --overwrite."}
	case head != nil:
		return &Refusal{ErrNotEmpty, fmt.Sprintf("it has %s, and %s is a full stream", head.Name, b.ToName()), hint}
	case !a.o.Blank:
		return &Refusal{ErrNotEmpty, fmt.Sprintf("something is in it, and %s is a full stream", b.ToName()), hint}
	}
	return nil
}

func (a *Applier) admitIncremental(b *Begin) error {
	name, from := b.ToName(), b.FromGUID()
	if r := a.chain.Receiving; r != nil {
		return &Refusal{ErrReceiving, fmt.Sprintf("it has a part of %s (GUID %d), and the stream is %s (GUID %d)", r.Name, r.GUID, name, b.ToGUID()), "Apply the stream of that snapshot to the end first."}
	}
	head := a.chain.Head()
	switch {
	case head == nil:
		return &Refusal{ErrBase, fmt.Sprintf("%s goes on from the snapshot with GUID %d, and it is not known what the store has", name, from), "Apply a full stream first."}
	case head.GUID != from:
		if s := a.chain.Find(from); s != nil {
			return &Refusal{ErrBase, fmt.Sprintf("%s goes on from %s, and the store has moved on to %s (GUID %d)", name, s.Name, head.Name, head.GUID), fmt.Sprintf("Send an incremental stream from %s, or apply a full stream to another store.", head.Name)}
		}
		return &Refusal{ErrBase, fmt.Sprintf("%s goes on from the snapshot with GUID %d, and the store has %s (GUID %d)", name, from, head.Name, head.GUID), fmt.Sprintf("Send an incremental stream from %s.", head.Name)}
	case a.o.Modified && !a.o.Force:
		return &Refusal{ErrModified, fmt.Sprintf("its bytes are no longer those of %s, which %s goes on from", head.Name, name), "Apply a full stream to another store, or go on all the same with --force: blocks that the stream does not have then stay as they are."}
	}
	return nil
}

// datasetOf is the dataset of a snapshot's name.
func datasetOf(name string) string {
	dataset, _, _ := strings.Cut(name, "@")
	return dataset
}
