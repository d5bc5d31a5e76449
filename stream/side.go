package stream

import (
	"context"
	"errors"
	"fmt"
)

// A Side is what is known of a volume at one end of a replication.
type Side struct {
	Name      string
	There     bool       // there is such a volume
	Snapshots []Snapshot // and bookmarks, oldest first
	Partial   *Partial
}

// Look asks a volume what there is.
func Look(ctx context.Context, v Volume) (Side, error) {
	s := Side{Name: v.Name(), There: true}
	var err error
	if s.Snapshots, err = v.Snapshots(ctx); errors.Is(err, ErrNoVolume) {
		s.There = false
	} else if err != nil {
		return s, fmt.Errorf("listing the snapshots of %s: %w", s.Name, err)
	}
	if s.Partial, err = v.Partial(ctx); err != nil {
		return s, fmt.Errorf("asking %s for a stream that was cut: %w", s.Name, err)
	}
	return s, nil
}

// real are the snapshots without the bookmarks.
func (s *Side) real() (out []Snapshot) {
	for _, snapshot := range s.Snapshots {
		if !snapshot.Bookmark {
			out = append(out, snapshot)
		}
	}
	return out
}

// whole reports whether nothing is left to come.
func (p *Partial) whole() bool { return p != nil && p.Token == "" }

// find is the place of a GUID: that of the snapshot, or of a bookmark where it has gone.
func (s *Side) find(guid uint64) int {
	found := none
	for at := range s.Snapshots {
		if s.Snapshots[at].GUID != guid {
			continue
		}
		if found = at; !s.Snapshots[at].Bookmark {
			break
		}
	}
	return found
}

// meet finds the newest of the other side's snapshots that is known here, too: its place here, and
// those of the other side that are newer.
func (s *Side) meet(other []Snapshot) (at int, newer []Snapshot) {
	places := make(map[uint64]int, len(s.Snapshots))
	for at, snapshot := range s.Snapshots {
		if was, there := places[snapshot.GUID]; !there || s.Snapshots[was].Bookmark {
			places[snapshot.GUID] = at
		}
	}
	for i := len(other) - 1; i >= 0; i-- {
		if at, there := places[other[i].GUID]; there {
			return at, other[i+1:]
		}
	}
	return none, other
}

// Common is the newest snapshot of the destination that the source knows, too, as it is there;
// nil: there is none.
func Common(source, destination Side) *Snapshot {
	there := destination.real()
	at, newer := source.meet(there)
	if at == none {
		return nil
	}
	return &there[len(there)-len(newer)-1]
}
