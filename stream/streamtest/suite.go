// Package streamtest is the contract of a stream.Volume as a test suite.
//
// Reading order:
//
//	suite.go      where volumes come from, and the list of tests
//	snapshots.go  snapshots, holds, bookmarks
//	clones.go     rollback and clones
//	streams.go    streams from one volume to another
//	anew.go       streams instead of what is there
//	broken.go     streams that do not come whole, or do not fit
//	calls.go      many calls at a time, and calls that are given up
//	work.go       what the tests have in common
//	own.go        goroutines that are left over
//	memory.go     a volume in memory, for tests of what is above volumes; memory_stream.go its streams
//	faulty.go     a volume that is cut off at any call
package streamtest

import (
	"io"
	"testing"

	"github.com/lunarsan/lunar/stream"
)

// A Place is where volumes of a kind come from. What it makes goes when the test ends.
type Place struct {
	// Volume makes a volume of size bytes, which are zeros, that has no snapshots.
	Volume func(t *testing.T, size int64) stream.Volume
	// Nothing is a volume that is not there, and may be received.
	Nothing func(t *testing.T) stream.Volume
	// Open opens what Volume.Path or Volume.Clone returned.
	Open func(t *testing.T, path string) Bytes
	// Locks says that a volume is ErrInUse to who would change it while Open has it.
	Locks bool
}

// Bytes are what a volume has. An sbd.Store does.
type Bytes interface {
	io.ReaderAt
	io.WriterAt
	Size() int64
	Sync() error
	Close() error
}

// Size is how long the volumes are that Test makes (bytes).
const Size = 4 << 20

// Test holds the volumes of a place to the contract. It may run beside other tests.
func Test(t *testing.T, p Place) {
	Own(t)
	for _, test := range []struct {
		name string
		run  func(*work)
	}{
		{"lists what was taken", lists},
		{"is not there", notThere},
		{"refuses names", refusesNames},
		{"takes what is not durable", takesTheNewest},
		{"keeps what is held", holds},
		{"keeps bookmarks", bookmarks},
		{"rolls back", rollsBack},
		{"rolls back nothing that is kept", rollbackKeeps},
		{"clones", clones},
		{"sends and receives", sends},
		{"sends what is not the newest", sendsOld},
		{"sends in every form", sendsForms},
		{"goes on from a bookmark", sendsFromBookmark},
		{"goes back home", failsBack},
		{"takes another volume's place", takesAnew},
		{"estimates", estimates},
		{"goes on where it was cut", goesOn},
		{"abandons", abandons},
		{"has no way on without the snapshot", lostToken},
		{"refuses what is damaged", refusesDamaged},
		{"refuses another base", refusesBase},
		{"refuses to overwrite", refusesChanged},
		{"refuses what is in use", refusesInUse},
		{"is given up", givenUp},
		{"serves many at a time", servesMany},
	} {
		before := owned(t)
		t.Run(test.name, func(t *testing.T) { test.run(&work{T: t, Place: p}) })
		gone(t, before)
	}
}

// Replicate sends a full stream and five increments from a volume of one place to one of another,
// which have the same bytes after each.
func Replicate(t *testing.T, from, to Place) {
	w := &work{T: t, Place: from}
	far := &work{T: t, Place: to}
	source, replica := w.volume(), to.Nothing(t)
	last := ""
	for i, name := range []string{"full", "one", "two", "three", "four", "five"} {
		w.scribble(source.Path(), uint64(i+1))
		taken := w.take(source, name)
		got := far.receive(replica, w.send(source, stream.Send{Snapshot: name, From: last}), stream.Receive{})
		if got.GUID != taken.GUID || got.Name != name {
			t.Errorf("%s arrived as %s, GUID %d, and is %d", name, got.Name, got.GUID, taken.GUID)
		}
		if w.digest(source.Path()) != far.digest(replica.Path()) {
			t.Fatalf("after %s the replica has other bytes", name)
		}
		last = name
	}
}
