package stream

import (
	"context"
	"io"
	"time"

	"github.com/lunarsan/lunar/stream/dmu"
)

// A Volume is a disk that keeps snapshots: a zvol, or a file. Its calls may come from several
// goroutines; those that change something are done one after another.
//
// Snapshots are named by what stands behind the @ in ZFS's names, and are known by their GUID:
// a name may be used again, and a snapshot that was sent has the same GUID at both ends.
type Volume interface {
	// Name is what people call the volume: a dataset ("tank/vm1") or a path.
	Name() string
	// Path is what package sbd opens as the volume as it is now.
	Path() string

	// Snapshots lists the snapshots and the bookmarks, oldest first. ErrNoVolume says that there
	// is no such volume yet; it may be received.
	Snapshots(ctx context.Context) ([]Snapshot, error)
	// Take makes a snapshot of the volume as it is now; what of it was not durable yet is so
	// then. ErrExists.
	Take(ctx context.Context, name string) (Snapshot, error)
	// Destroy ends a snapshot. ErrHeld, ErrCloned, ErrNoSnapshot.
	Destroy(ctx context.Context, name string) error

	// Hold keeps a snapshot from being destroyed until every tag of it is released. Holding
	// twice with a tag is holding once, and releasing a tag that is not there nothing.
	Hold(ctx context.Context, name, tag string) error
	Release(ctx context.Context, name, tag string) error
	// Bookmark keeps of a snapshot what an increment needs that goes on from it, and not its
	// bytes, under a name of its own. Unbookmark ends it. Both may be repeated.
	Bookmark(ctx context.Context, snapshot, bookmark string) error
	Unbookmark(ctx context.Context, bookmark string) error

	// Rollback makes the volume what it was at a snapshot, and destroys the newer ones, of
	// which none may be held or cloned. It must not be in use.
	Rollback(ctx context.Context, name string) error
	// Clone makes a writable volume of a snapshot, that shares its bytes until they are
	// written, and returns what package sbd opens as it. The snapshot cannot be destroyed
	// meanwhile. Clone names are unique in a volume. Unclone throws the clone away.
	Clone(ctx context.Context, snapshot, clone string) (path string, err error)
	Unclone(ctx context.Context, clone string) error

	// Estimate tells about how long a stream will be (bytes).
	Estimate(ctx context.Context, s Send) (int64, error)
	// Send makes a stream. Reading it to io.EOF is having all of it; any other error means
	// that it is not whole. It must be closed, which ends the work early where it is not done.
	Send(ctx context.Context, s Send) (io.ReadCloser, error)
	// Receive takes a stream to the end, and returns the snapshot that the volume then has. A
	// volume that is not there is made. After an error, or the machine's end, the volume is as
	// it was, and what has come may be gone on with: see Partial.
	Receive(ctx context.Context, in io.Reader, r Receive) (Snapshot, error)
	// Partial is what a Receive that did not come to its end has left; nil: nothing.
	Partial(ctx context.Context) (*Partial, error)
	// Abandon throws away what Partial tells of.
	Abandon(ctx context.Context) error
}

// A Snapshot is a state that a volume was in.
type Snapshot struct {
	Name     string    `json:"name"` // behind the @; of a bookmark behind the #
	GUID     uint64    `json:"guid,string"`
	Created  time.Time `json:"created"`
	Size     int64     `json:"size"`               // of the volume then (bytes); 0 of a bookmark
	Used     int64     `json:"used"`               // what destroying it gives back (bytes); -1: not known
	Bookmark bool      `json:"bookmark,omitempty"` // its bytes are gone; an increment can go on from it
	Holds    []string  `json:"holds,omitempty"`    // tags, in order
	Clones   []string  `json:"clones,omitempty"`   // names, in order
}

// A Send says which stream is wanted.
type Send struct {
	Snapshot string `json:"snapshot"`       // name
	From     string `json:"from,omitempty"` // name of a snapshot, "#" and that of a bookmark; empty: a full stream
	// Token goes on with a stream that was cut; Snapshot and From are then those of the token.
	Token string `json:"token,omitempty"`
	// Compressed sends blocks as they are stored (zfs send -c). Large and Embedded let blocks
	// of more than 128 KiB, and those in their pointers, be sent as they are (-L, -e); Raw
	// sends encrypted blocks as they are (-w).
	Compressed bool `json:"compressed,omitempty"`
	Large      bool `json:"large,omitempty"`
	Embedded   bool `json:"embedded,omitempty"`
	Raw        bool `json:"raw,omitempty"`
}

// A Receive says how a stream is taken.
type Receive struct {
	// Name is the snapshot's name here; empty: as in the stream.
	Name string `json:"name,omitempty"`
	// Rollback gives up what was written, and the snapshots that were made, since the one that
	// the stream goes on from (zfs receive -F).
	Rollback bool `json:"rollback,omitempty"`
	// Anew takes a full stream beside the volume, which stays what it is until the stream has
	// come whole, and then goes with all its snapshots and bookmarks. None of them may be held or
	// cloned: at the end, too. It is what there is a Partial of then, which is gone on with.
	Anew bool `json:"anew,omitempty"`
}

// A Partial is a snapshot that has not come whole.
type Partial struct {
	GUID  uint64 `json:"guid,string"`
	From  uint64 `json:"from,string"` // 0: full
	Name  string `json:"name"`        // dataset@snapshot at the sender
	Bytes int64  `json:"bytes"`       // of the stream that are durable here
	// Token is for Send. It may be empty where the snapshot has come whole, and what it is to take
	// the place of could not go: a Receive of nothing, Anew, is what is left to do.
	Token string `json:"token"`
}

// Parsed is the token, read.
func (p *Partial) Parsed() (*dmu.Token, error) { return dmu.ParseToken(p.Token) }
