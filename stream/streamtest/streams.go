package streamtest

import (
	"time"

	"github.com/lunarsan/lunar/stream"
)

func sends(w *work) {
	source, replica := w.pair()
	a, b := w.find(source, "a"), w.find(source, "b")
	if got := w.find(replica, "a"); got.GUID != a.GUID || got.Created.Sub(a.Created).Abs() > time.Second || got.Size != Size {
		w.Errorf("%+v arrived as %+v", a, got)
	}
	got := w.receive(replica, w.send(source, stream.Send{Snapshot: "b", From: "a"}), stream.Receive{Name: "renamed"})
	if got.GUID != b.GUID || got.Name != "renamed" || got.Size != Size {
		w.Errorf("%+v arrived as %+v", b, got)
	}
	w.has(replica, "a", "renamed")
	if w.digest(replica.Path()) != w.digest(source.Path()) {
		w.Error("the replica has other bytes")
	}
	if p, err := replica.Partial(w.Context()); p != nil || err != nil {
		w.Errorf("it has a part of %+v, %v", p, err)
	}
	w.take(source, "c") // nothing has changed
	w.receive(replica, w.send(source, stream.Send{Snapshot: "c", From: "b"}), stream.Receive{})
	w.has(replica, "a", "renamed", "c")

	// What was received can be sent on, and each snapshot has its own bytes.
	third := w.Nothing(w.T)
	w.receive(third, w.send(replica, stream.Send{Snapshot: "a"}), stream.Receive{})
	old := w.digest(third.Path())
	path, err := source.Clone(w.Context(), "a", "c")
	w.do("clone", err)
	if w.digest(path) != old {
		w.Error("what was sent on has other bytes")
	}
	w.receive(third, w.send(replica, stream.Send{Snapshot: "c", From: "a"}), stream.Receive{})
	w.has(third, "a", "c")
	if w.digest(third.Path()) != w.digest(source.Path()) {
		w.Error("what was sent on has other bytes in the end")
	}
}

// sendsOld sends a snapshot while the volume has gone on.
func sendsOld(w *work) {
	source, replica := w.pair()
	b := w.digest(source.Path())
	w.scribble(source.Path(), 3)
	w.receive(replica, w.send(source, stream.Send{Snapshot: "b", From: "a"}), stream.Receive{})
	if w.digest(replica.Path()) != b {
		w.Error("the replica is not what the volume was")
	}
}

func sendsForms(w *work) {
	source := w.volume()
	w.scribble(source.Path(), 1)
	w.write(source.Path(), 1<<20, make([]byte, 100)) // compressible, with what is around it
	w.take(source, "a")
	for _, s := range []stream.Send{
		{Compressed: true}, {Large: true}, {Embedded: true}, {Compressed: true, Large: true, Embedded: true},
	} {
		s.Snapshot = "a"
		replica := w.Nothing(w.T)
		w.receive(replica, w.send(source, s), stream.Receive{})
		if w.digest(replica.Path()) != w.digest(source.Path()) {
			w.Errorf("%+v: the replica has other bytes", s)
		}
	}
}

func sendsFromBookmark(w *work) {
	source, replica := w.pair()
	ctx := w.Context()
	w.do("bookmark", source.Bookmark(ctx, "a", "m"))
	w.do("destroy", source.Destroy(ctx, "a"))
	w.scribble(source.Path(), 3)
	c := w.take(source, "c")
	w.do("destroy", source.Destroy(ctx, "b"))
	got := w.receive(replica, w.send(source, stream.Send{Snapshot: "c", From: "#m"}), stream.Receive{})
	if got.GUID != c.GUID {
		w.Errorf("%+v arrived as %+v", c, got)
	}
	w.has(replica, "a", "c")
	if w.digest(replica.Path()) != w.digest(source.Path()) {
		w.Error("the replica has other bytes")
	}
}

// failsBack has the replica go on, and what changed there return.
func failsBack(w *work) {
	source, replica := w.pair()
	w.scribble(replica.Path(), 7)
	w.take(replica, "home")
	back := w.send(replica, stream.Send{Snapshot: "home", From: "a"})
	w.unmoved(source, func() {
		_, err := w.tryReceive(source, back, stream.Receive{})
		w.refused("receive over b", err, stream.ErrBase, stream.ErrChanged)
	})
	w.do("abandon", source.Abandon(w.Context()))
	w.receive(source, back, stream.Receive{Rollback: true})
	w.has(source, "a", "home")
	if w.digest(replica.Path()) != w.digest(source.Path()) {
		w.Error("the source has other bytes than what returned")
	}
}

func estimates(w *work) {
	source, _ := w.pair()
	full, err := source.Estimate(w.Context(), stream.Send{Snapshot: "b"})
	w.do("estimate", err)
	less, err := source.Estimate(w.Context(), stream.Send{Snapshot: "b", From: "a"})
	w.do("estimate", err)
	if n := int64(len(w.send(source, stream.Send{Snapshot: "b"}))); full < n/2 || full > 2*n {
		w.Errorf("a stream of %d bytes was estimated at %d", n, full)
	}
	if n := int64(len(w.send(source, stream.Send{Snapshot: "b", From: "a"}))); less < n/2 || less > 2*n {
		w.Errorf("an increment of %d bytes was estimated at %d", n, less)
	}
	_, err = source.Estimate(w.Context(), stream.Send{Snapshot: "x"})
	w.refused("estimate", err, stream.ErrNoSnapshot)
}
