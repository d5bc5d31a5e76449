package streamtest

import (
	"bytes"

	"github.com/lunarsan/lunar/stream"
)

// takesAnew has full streams take the place of a volume that has snapshots, one of them of the same
// name. Until all has come the volume is what it was.
func takesAnew(w *work) {
	_, replica := w.pair()
	other, ctx := w.volume(), w.Context()
	w.scribble(other.Path(), 9)
	a := w.take(other, "a")
	want := w.digest(other.Path())
	w.scribble(other.Path(), 10)
	w.take(other, "z")
	full, more := w.send(other, stream.Send{Snapshot: "a"}), w.send(other, stream.Send{Snapshot: "z", From: "a"})
	w.do("bookmark", replica.Bookmark(ctx, "a", "m"))
	w.write(replica.Path(), 0, []byte("changed"))
	w.take(replica, "mine")
	anew := stream.Receive{Anew: true}
	cut := func(p []byte) {
		w.Helper()
		w.unmoved(replica, func() {
			_, err := w.tryReceive(replica, p, anew)
			w.refused("a stream that was cut", err, stream.ErrStream)
		})
	}
	// rest is what the replica lacks of a snapshot.
	rest := func() []byte {
		w.Helper()
		p, err := replica.Partial(ctx)
		w.do("partial", err)
		if p == nil || p.GUID != a.GUID || p.From != 0 {
			w.Fatalf("of %+v it has %+v", a, p)
		}
		if p.Token == "" {
			return nil
		}
		return w.send(other, stream.Send{Token: p.Token})
	}

	w.unmoved(replica, func() {
		_, err := w.tryReceive(replica, full, stream.Receive{})
		w.refused("a full one over snapshots", err, stream.ErrBase, stream.ErrExists)
		w.do("hold", replica.Hold(ctx, "a", "t"))
		_, err = w.tryReceive(replica, full, anew)
		w.refused("instead of what is held", err, stream.ErrHeld)
		w.do("release", replica.Release(ctx, "a", "t"))
	})
	cut(full[:len(full)/2])
	w.unmoved(replica, func() {
		rest()
		w.do("abandon", replica.Abandon(ctx))
		if p, err := replica.Partial(ctx); p != nil || err != nil {
			w.Errorf("it has a part of %+v, %v", p, err)
		}
	})
	cut(full[:len(full)*7/10])
	cut(rest()[:len(rest())/2])
	w.unmoved(replica, func() {
		more := rest()
		clone := func() {
			_, err := replica.Clone(ctx, "mine", "c")
			w.do("clone", err)
		}
		_, err := replica.Receive(ctx, &tripwire{bytes.NewReader(more), len(more) / 2, clone}, anew)
		w.refused("instead of what has a clone by now", err, stream.ErrCloned)
		rest()
		w.do("unclone", replica.Unclone(ctx, "c"))
	})
	if got := w.receive(replica, rest(), anew); got.GUID != a.GUID || got.Name != "a" || got.Size != Size {
		w.Errorf("%+v arrived as %+v", a, got)
	}
	w.has(replica, "a")
	if w.digest(replica.Path()) != want {
		w.Error("the replica has other bytes")
	}
	if p, err := replica.Partial(ctx); p != nil || err != nil {
		w.Errorf("it has a part of %+v, %v", p, err)
	}
	w.receive(replica, more, stream.Receive{})
	w.has(replica, "a", "z")

	// The same snapshot again, where it was damaged; and one where there is nothing.
	w.receive(replica, full, anew)
	w.has(replica, "a")
	w.receive(replica, more, stream.Receive{})
	w.has(replica, "a", "z")
	if w.digest(replica.Path()) != w.digest(other.Path()) {
		w.Error("the replica has other bytes in the end")
	}
	nothing := w.Nothing(w.T)
	w.receive(nothing, full, anew)
	w.has(nothing, "a")
	if w.digest(nothing.Path()) != want {
		w.Error("what was nothing has other bytes")
	}
}
