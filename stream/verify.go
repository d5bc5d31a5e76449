package stream

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"sync"
)

// A Range is a part of a volume (bytes).
type Range struct {
	Offset int64 `json:"offset"`
	Length int64 `json:"length"`
}

// A Verdict says whether two volumes have the same at a snapshot.
type Verdict struct {
	GUID    uint64      `json:"guid,string"`
	Sides   [2]Verified `json:"sides"`
	Differs []Range     `json:"differs,omitempty"` // in order, whole pieces, none of which touch; nil: the same
}

// Verified is one side of a Verdict.
type Verified struct {
	Snapshot string `json:"snapshot"` // VOLUME@NAME
	Size     int64  `json:"size"`     // of the volume (bytes)
	Root     Sum    `json:"root"`
}

// Same reports whether they have the same.
func (v *Verdict) Same() bool { return len(v.Differs) == 0 && v.Sides[0].Root == v.Sides[1].Root }

// Verify compares what two volumes have at the snapshot with a GUID, whatever it is called at
// each; a GUID of 0 is the newest that both have. Both calculate at a time, where they are, and
// none of the bytes travel. An error says that they could not be compared.
func Verify(ctx context.Context, a, b Volume, guid uint64, progress func(side int, at int64)) (*Verdict, error) {
	names, guid, err := common(ctx, a, b, guid)
	if err != nil {
		return nil, err
	}
	var digests [2]*Digest
	var errs [2]error
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var both sync.WaitGroup
	for i, v := range []Volume{a, b} {
		both.Go(func() {
			tell := func(int64) {}
			if progress != nil {
				tell = func(at int64) { progress(i, at) }
			}
			if digests[i], errs[i] = DigestOf(ctx, v, names[i], tell); errs[i] != nil {
				cancel()
			}
		})
	}
	both.Wait()
	if err := errors.Join(errs[:]...); err != nil {
		return nil, err
	}
	v := &Verdict{GUID: guid, Differs: digests[0].Differs(digests[1])}
	for i, d := range digests {
		name := []Volume{a, b}[i].Name()
		if d.GUID != guid {
			return nil, fmt.Errorf("%s has a digest of %#x, want one of %#x", name, d.GUID, guid)
		}
		v.Sides[i] = Verified{name + "@" + names[i], d.Size, d.Root()}
	}
	return v, nil
}

// common is what two volumes call a snapshot that both have.
func common(ctx context.Context, a, b Volume, guid uint64) (names [2]string, _ uint64, err error) {
	there := map[uint64]string{}
	all, err := b.Snapshots(ctx)
	if err != nil {
		return names, 0, err
	}
	for _, s := range all {
		if !s.Bookmark {
			there[s.GUID] = s.Name
		}
	}
	if all, err = a.Snapshots(ctx); err != nil {
		return names, 0, err
	}
	for _, s := range slices.Backward(all) {
		if name, ok := there[s.GUID]; ok && !s.Bookmark && (guid == 0 || guid == s.GUID) {
			return [2]string{s.Name, name}, s.GUID, nil
		}
	}
	if guid == 0 {
		return names, 0, fmt.Errorf("%s and %s: %w that both have", a.Name(), b.Name(), ErrNoSnapshot)
	}
	return names, 0, fmt.Errorf("%s and %s: %w that both have with GUID %#x", a.Name(), b.Name(), ErrNoSnapshot, guid)
}

// Differs are the ranges where two digests are of other bytes. Where one volume is longer, what
// the other does not have differs.
func (d *Digest) Differs(o *Digest) (all []Range) {
	if d.Size > o.Size {
		d, o = o, d
	}
	add := func(off, n int64) {
		if last := len(all) - 1; last >= 0 && all[last].Offset+all[last].Length == off {
			all[last].Length += n
		} else if n > 0 {
			all = append(all, Range{off, n})
		}
	}
	if d.Piece != o.Piece {
		return []Range{{0, o.Size}} // their pieces have nothing in common
	}
	for off := int64(0); off < d.Size; off += d.Piece {
		at := off / d.Piece * sha256.Size
		n := min(d.Piece, d.Size-off)
		if n != min(o.Piece, o.Size-off) || !bytes.Equal(d.Sums[at:at+sha256.Size], o.Sums[at:at+sha256.Size]) {
			add(off, n)
		}
	}
	if o.Size > d.Size {
		add(d.Size, o.Size-d.Size)
	}
	return all
}
