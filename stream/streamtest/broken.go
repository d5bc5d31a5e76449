package streamtest

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing/iotest"

	"github.com/lunarsan/lunar/stream"
)

func (w *work) tryReceive(v stream.Volume, p []byte, r stream.Receive) (stream.Snapshot, error) {
	return v.Receive(w.Context(), bytes.NewReader(p), r)
}

// goesOn cuts a full stream and an increment at several places, some of them several times, and
// goes on with what was left.
func goesOn(w *work) {
	source := w.volume()
	w.scribble(source.Path(), 1)
	a := w.take(source, "a")
	w.scribble(source.Path(), 2)
	b := w.take(source, "b")
	full, more := w.send(source, stream.Send{Snapshot: "a"}), w.send(source, stream.Send{Snapshot: "b", From: "a"})
	gone := 0
	for _, percents := range [][]int{{1}, {30}, {70, 50}, {95, 5, 50}, {99}} {
		replica := w.Nothing(w.T)
		for _, part := range []struct {
			snapshot stream.Snapshot
			from     uint64
			whole    []byte
		}{{a, 0, full}, {b, a.GUID, more}} {
			rest := part.whole
			for _, percent := range percents {
				w.unmoved(replica, func() {
					_, err := w.tryReceive(replica, rest[:len(rest)*percent/100], stream.Receive{})
					w.refused("a stream that was cut", err, stream.ErrStream)
				})
				p, err := replica.Partial(w.Context())
				w.do("partial", err)
				if p == nil {
					rest = part.whole
					continue
				}
				gone++
				if p.GUID != part.snapshot.GUID || p.From != part.from || p.Bytes < 0 || !strings.HasSuffix(p.Name, "@"+part.snapshot.Name) {
					w.Errorf("of %+v it has %+v", part.snapshot, p)
				}
				token, err := p.Parsed()
				w.do("the token", err)
				if token.ToGUID != part.snapshot.GUID || token.FromGUID != part.from {
					w.Errorf("of %+v it has a token of %+v", part.snapshot, token)
				}
				rest = w.send(source, stream.Send{Token: p.Token})
				if percent > 60 && len(rest) > len(part.whole)/2 {
					w.Errorf("after %d%% of %d bytes it goes on with %d", percent, len(part.whole), len(rest))
				}
			}
			if got := w.receive(replica, rest, stream.Receive{}); got.GUID != part.snapshot.GUID {
				w.Errorf("%+v arrived as %+v", part.snapshot, got)
			}
		}
		w.has(replica, "a", "b")
		if w.digest(replica.Path()) != w.digest(source.Path()) {
			w.Errorf("cut at %d%%: the replica has other bytes", percents)
		}
	}
	if gone == 0 {
		w.Error("nothing that was cut could be gone on with")
	}
}

func abandons(w *work) {
	source, replica := w.pair()
	more := w.send(source, stream.Send{Snapshot: "b", From: "a"})
	w.unmoved(replica, func() {
		_, err := w.tryReceive(replica, more[:len(more)*9/10], stream.Receive{})
		w.refused("a stream that was cut", err, stream.ErrStream)
		w.do("abandon", replica.Abandon(w.Context()))
		w.do("abandon again", replica.Abandon(w.Context()))
		if p, err := replica.Partial(w.Context()); p != nil || err != nil {
			w.Errorf("it has a part of %+v, %v", p, err)
		}
	})
	w.receive(replica, more, stream.Receive{})
	w.has(replica, "a", "b")
}

func lostToken(w *work) {
	source, replica := w.pair()
	more := w.send(source, stream.Send{Snapshot: "b", From: "a"})
	_, err := w.tryReceive(replica, more[:len(more)*9/10], stream.Receive{})
	w.refused("a stream that was cut", err, stream.ErrStream)
	p, err := replica.Partial(w.Context())
	w.do("partial", err)
	if p == nil {
		w.Skip("so short a part is not kept")
	}
	w.do("destroy", source.Destroy(w.Context(), "b"))
	_, err = w.stream(w.Context(), source, stream.Send{Token: p.Token})
	w.refused("go on without the snapshot", err, stream.ErrToken)
	_, err = w.stream(w.Context(), source, stream.Send{Token: "1-2-3-4"})
	w.refused("go on with nonsense", err, stream.ErrToken)
	w.do("abandon", replica.Abandon(w.Context()))
}

func refusesDamaged(w *work) {
	source, replica := w.pair()
	full, more := w.send(source, stream.Send{Snapshot: "b"}), w.send(source, stream.Send{Snapshot: "b", From: "a"})
	flip := func(p []byte, at int) []byte {
		p = bytes.Clone(p)
		p[at] ^= 0x10
		return p
	}
	for name, p := range map[string][]byte{
		"nothing":               {},
		"no stream":             bytes.Repeat([]byte("no stream "), 1000),
		"a part of BEGIN":       more[:200],
		"another version":       flip(more, 16),
		"a block":               flip(more, len(more)/2),
		"the end":               flip(more, len(more)-100),
		"all but the last byte": more[:len(more)-1],
		"zeros":                 make([]byte, 4096),
	} {
		w.unmoved(replica, func() {
			_, err := w.tryReceive(replica, p, stream.Receive{})
			w.refused(name, err, stream.ErrStream)
		})
		w.do("abandon", replica.Abandon(w.Context()))
	}
	failed := errors.New("the wire was cut")
	w.unmoved(replica, func() {
		in := io.MultiReader(bytes.NewReader(more[:len(more)/2]), iotest.ErrReader(failed))
		if _, err := replica.Receive(w.Context(), in, stream.Receive{}); err == nil {
			w.Error("half a stream is received")
		}
	})
	w.do("abandon", replica.Abandon(w.Context()))
	w.receive(replica, more, stream.Receive{})
	w.has(replica, "a", "b")

	nothing := w.Nothing(w.T)
	_, err := w.tryReceive(nothing, flip(full, len(full)/2), stream.Receive{})
	w.refused("a full one", err, stream.ErrStream)
	w.has(nothing)
}

func refusesBase(w *work) {
	source, replica := w.pair()
	more := w.send(source, stream.Send{Snapshot: "b", From: "a"})
	full := w.send(source, stream.Send{Snapshot: "b"})
	w.take(source, "c")
	next := w.send(source, stream.Send{Snapshot: "c", From: "b"})
	w.unmoved(replica, func() {
		_, err := w.tryReceive(replica, full, stream.Receive{})
		w.refused("a full one over snapshots", err, stream.ErrBase, stream.ErrExists)
		_, err = w.tryReceive(replica, next, stream.Receive{})
		w.refused("one that goes on from what is not here", err, stream.ErrBase)
		_, err = w.tryReceive(replica, next, stream.Receive{Rollback: true})
		w.refused("and with rollback", err, stream.ErrBase)
		_, err = w.tryReceive(replica, more, stream.Receive{Name: "a"})
		w.refused("one of a name that is taken", err, stream.ErrExists)
	})
	w.receive(replica, more, stream.Receive{})
	w.unmoved(replica, func() {
		_, err := w.tryReceive(replica, more, stream.Receive{})
		w.refused("the same again", err, stream.ErrBase, stream.ErrExists)
	})
	nothing := w.Nothing(w.T)
	_, err := w.tryReceive(nothing, more, stream.Receive{})
	w.refused("an increment to nothing", err, stream.ErrBase, stream.ErrNoVolume)
	w.has(nothing)
}

func refusesChanged(w *work) {
	source, replica := w.pair()
	ctx := w.Context()
	more := w.send(source, stream.Send{Snapshot: "b", From: "a"})
	w.write(replica.Path(), 0, []byte("changed"))
	w.unmoved(replica, func() {
		_, err := w.tryReceive(replica, more, stream.Receive{})
		w.refused("over what was written", err, stream.ErrChanged)
	})
	w.take(replica, "mine")
	w.unmoved(replica, func() {
		_, err := w.tryReceive(replica, more, stream.Receive{})
		w.refused("over a snapshot", err, stream.ErrBase)
		w.do("hold", replica.Hold(ctx, "mine", "t"))
		_, err = w.tryReceive(replica, more, stream.Receive{Rollback: true})
		w.refused("over a held snapshot", err, stream.ErrHeld)
		w.do("release", replica.Release(ctx, "mine", "t"))
		_, err = replica.Clone(ctx, "mine", "c")
		w.do("clone", err)
		_, err = w.tryReceive(replica, more, stream.Receive{Rollback: true})
		w.refused("over a cloned snapshot", err, stream.ErrCloned)
		w.do("unclone", replica.Unclone(ctx, "c"))
	})
	w.receive(replica, more, stream.Receive{Rollback: true})
	w.has(replica, "a", "b")
	if w.digest(replica.Path()) != w.digest(source.Path()) {
		w.Error("the replica has other bytes")
	}

	// A full stream takes the place of a volume without snapshots where that is given up.
	other := w.volume()
	w.scribble(other.Path(), 9)
	full := w.send(source, stream.Send{Snapshot: "b"})
	was := w.digest(other.Path())
	if _, err := w.tryReceive(other, full, stream.Receive{}); !errors.Is(err, stream.ErrBase) && !errors.Is(err, stream.ErrChanged) {
		w.Errorf("a full stream over a volume: %v", err)
	}
	if w.digest(other.Path()) != was {
		w.Error("a stream that was refused has changed the volume")
	}
	w.receive(other, full, stream.Receive{Rollback: true})
	w.has(other, "b")
	if w.digest(other.Path()) != w.digest(source.Path()) {
		w.Error("the replica has other bytes")
	}
}

func refusesInUse(w *work) {
	if !w.Locks {
		w.Skip("nobody can tell whether such a volume is in use")
	}
	source, replica := w.pair()
	more := w.send(source, stream.Send{Snapshot: "b", From: "a"})
	w.with(replica.Path(), func(Bytes) {
		_, err := w.tryReceive(replica, more, stream.Receive{})
		w.refused("receive", err, stream.ErrInUse)
	})
	w.receive(replica, more, stream.Receive{})
	w.has(replica, "a", "b")
}
