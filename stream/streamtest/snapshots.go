package streamtest

import (
	"slices"
	"time"

	"github.com/lunarsan/lunar/stream"
)

func lists(w *work) {
	v := w.volume()
	if v.Name() == "" || v.Path() == "" {
		w.Errorf("it is called %q and is at %q", v.Name(), v.Path())
	}
	w.has(v)
	start := time.Now().Add(-time.Minute)
	var guids []uint64
	for _, name := range []string{"b", "a", "with-a_longer.name:1"} {
		guids = append(guids, w.take(v, name).GUID)
	}
	w.has(v, "b", "a", "with-a_longer.name:1")
	var last time.Time
	for i, s := range w.list(v) {
		if s.GUID != guids[i] || slices.Contains(guids[:i], s.GUID) {
			w.Errorf("%s has GUID %d, and had %d", s.Name, s.GUID, guids[i])
		}
		if s.Size != Size || s.Used < -1 || s.Used > Size || s.Bookmark || len(s.Holds)+len(s.Clones) > 0 {
			w.Errorf("%+v", s)
		}
		if s.Created.Before(start) || s.Created.Before(last) || s.Created.After(time.Now().Add(time.Minute)) {
			w.Errorf("%s was made at %v", s.Name, s.Created)
		}
		last = s.Created
	}
	w.do("destroy a", v.Destroy(w.Context(), "a"))
	w.has(v, "b", "with-a_longer.name:1")
	if again := w.take(v, "a"); slices.Contains(guids, again.GUID) {
		w.Errorf("a second snapshot of a name has GUID %d again", again.GUID)
	}
	w.has(v, "b", "with-a_longer.name:1", "a")
}

func notThere(w *work) {
	v := w.Nothing(w.T)
	_, err := v.Snapshots(w.Context())
	w.refused("snapshots", err, stream.ErrNoVolume)
	_, err = v.Take(w.Context(), "a")
	w.refused("take", err, stream.ErrNoVolume)
	_, err = w.stream(w.Context(), v, stream.Send{Snapshot: "a"})
	w.refused("send", err, stream.ErrNoVolume, stream.ErrNoSnapshot)
	p, err := v.Partial(w.Context())
	if p != nil || err != nil {
		w.Errorf("partial: %+v, %v", p, err)
	}
	w.do("abandon", v.Abandon(w.Context()))
}

func refusesNames(w *work) {
	v, ctx := w.volume(), w.Context()
	w.take(v, "a")
	_, err := v.Take(ctx, "a")
	w.refused("take a again", err, stream.ErrExists)
	w.refused("destroy", v.Destroy(ctx, "x"), stream.ErrNoSnapshot)
	w.refused("hold", v.Hold(ctx, "x", "t"), stream.ErrNoSnapshot)
	w.refused("bookmark", v.Bookmark(ctx, "x", "m"), stream.ErrNoSnapshot)
	w.refused("rollback", v.Rollback(ctx, "x"), stream.ErrNoSnapshot)
	_, err = v.Clone(ctx, "x", "c")
	w.refused("clone", err, stream.ErrNoSnapshot)
	_, err = w.stream(ctx, v, stream.Send{Snapshot: "x"})
	w.refused("send", err, stream.ErrNoSnapshot)
	_, err = w.stream(ctx, v, stream.Send{Snapshot: "a", From: "x"})
	w.refused("send from", err, stream.ErrNoSnapshot)
	_, err = w.stream(ctx, v, stream.Send{Snapshot: "a", From: "#x"})
	w.refused("send from a bookmark", err, stream.ErrNoSnapshot)
	for _, name := range []string{"", "-r", "a/b", "a@b", "a#b", "../a", "a\x00b", "a\nb", "%a"} {
		if _, err := v.Take(ctx, name); err == nil {
			w.Errorf("%q is taken for a name", name)
		}
		if err := v.Destroy(ctx, name); err == nil {
			w.Errorf("%q is destroyed", name)
		}
		if _, err := v.Clone(ctx, "a", name); err == nil {
			w.Errorf("%q is taken for the name of a clone", name)
		}
		if err := v.Bookmark(ctx, "a", name); err == nil {
			w.Errorf("%q is taken for the name of a bookmark", name)
		}
	}
	w.has(v, "a")
}

// takesTheNewest takes a volume that somebody has just closed, without syncing.
func takesTheNewest(w *work) {
	v := w.volume()
	w.with(v.Path(), func(b Bytes) {
		if _, err := b.WriteAt([]byte("not durable"), 4096); err != nil {
			w.Fatal(err)
		}
	})
	w.take(v, "a")
	replica := w.Nothing(w.T)
	w.receive(replica, w.send(v, stream.Send{Snapshot: "a"}), stream.Receive{})
	if got := w.contents(replica.Path())[4096:][:11]; string(got) != "not durable" {
		w.Errorf("the snapshot has %q", got)
	}
}

func holds(w *work) {
	v, ctx := w.volume(), w.Context()
	w.take(v, "a")
	w.take(v, "b")
	for _, tag := range []string{"two", "one", "two", "lunar:job:1"} {
		w.do("hold", v.Hold(ctx, "a", tag))
	}
	if got, want := w.find(v, "a").Holds, []string{"lunar:job:1", "one", "two"}; !slices.Equal(got, want) {
		w.Errorf("it is held by %q, want %q", got, want)
	}
	w.refused("destroy", v.Destroy(ctx, "a"), stream.ErrHeld)
	w.has(v, "a", "b")
	for _, tag := range []string{"one", "one", "other", "two"} {
		w.do("release", v.Release(ctx, "a", tag))
	}
	w.refused("destroy", v.Destroy(ctx, "a"), stream.ErrHeld)
	w.do("release", v.Release(ctx, "a", "lunar:job:1"))
	if got := w.find(v, "a").Holds; len(got) > 0 {
		w.Errorf("it is held by %q", got)
	}
	w.do("destroy", v.Destroy(ctx, "a"))
	w.has(v, "b")
}

func bookmarks(w *work) {
	v, ctx := w.volume(), w.Context()
	a := w.take(v, "a")
	w.do("bookmark", v.Bookmark(ctx, "a", "m"))
	w.do("bookmark again", v.Bookmark(ctx, "a", "m"))
	w.take(v, "b")
	w.refused("bookmark another", v.Bookmark(ctx, "b", "m"), stream.ErrExists)
	w.do("destroy", v.Destroy(ctx, "a"))
	w.has(v, "#m", "b")
	m := w.find(v, "m")
	if m.GUID != a.GUID || !m.Bookmark || m.Size != 0 || m.Created.Sub(a.Created).Abs() > time.Second {
		w.Errorf("of %+v the bookmark is %+v", a, m)
	}
	w.do("unbookmark", v.Unbookmark(ctx, "m"))
	w.do("unbookmark again", v.Unbookmark(ctx, "m"))
	w.has(v, "b")
}
