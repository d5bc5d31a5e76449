package streamtest

import (
	"slices"

	"github.com/lunarsan/lunar/stream"
)

func rollsBack(w *work) {
	v, ctx := w.volume(), w.Context()
	w.scribble(v.Path(), 1)
	w.take(v, "a")
	a := w.digest(v.Path())
	w.scribble(v.Path(), 2)
	w.take(v, "b")
	b := w.digest(v.Path())
	w.scribble(v.Path(), 3)
	w.take(v, "c")
	w.scribble(v.Path(), 4)
	w.do("rollback to b", v.Rollback(ctx, "b"))
	w.has(v, "a", "b")
	if w.digest(v.Path()) != b {
		w.Error("the volume is not what it was at b")
	}
	w.do("rollback to b again", v.Rollback(ctx, "b"))
	w.do("rollback to a", v.Rollback(ctx, "a"))
	w.has(v, "a")
	if w.digest(v.Path()) != a {
		w.Error("the volume is not what it was at a")
	}
	w.scribble(v.Path(), 5)
	w.take(v, "b")
	w.has(v, "a", "b")
}

func rollbackKeeps(w *work) {
	v, ctx := w.volume(), w.Context()
	w.scribble(v.Path(), 1)
	w.take(v, "a")
	w.take(v, "b")
	w.scribble(v.Path(), 2)
	w.unmoved(v, func() {
		w.do("hold", v.Hold(ctx, "b", "t"))
		w.refused("rollback over a held one", v.Rollback(ctx, "a"), stream.ErrHeld)
		w.do("release", v.Release(ctx, "b", "t"))
		_, err := v.Clone(ctx, "b", "c")
		w.do("clone", err)
		w.refused("rollback over a cloned one", v.Rollback(ctx, "a"), stream.ErrCloned)
		if !w.Locks {
			return
		}
		w.do("unclone", v.Unclone(ctx, "c"))
		w.with(v.Path(), func(Bytes) {
			w.refused("rollback of one in use", v.Rollback(ctx, "b"), stream.ErrInUse)
		})
	})
}

func clones(w *work) {
	v, ctx := w.volume(), w.Context()
	w.scribble(v.Path(), 1)
	w.take(v, "a")
	a := w.digest(v.Path())
	w.scribble(v.Path(), 2)
	w.take(v, "b")
	var paths []string
	w.unmoved(v, func() {
		for _, name := range []string{"two", "one"} {
			path, err := v.Clone(ctx, "a", name)
			w.do("clone", err)
			if path == "" || path == v.Path() || slices.Contains(paths, path) {
				w.Fatalf("clone %s is at %q", name, path)
			}
			paths = append(paths, path)
		}
		for i, path := range paths {
			if w.digest(path) != a {
				w.Errorf("clone %d is not what the volume was", i)
			}
			w.scribble(path, uint64(i+3))
		}
	})
	if w.digest(paths[0]) == w.digest(paths[1]) {
		w.Error("two clones are one")
	}
	again, err := v.Clone(ctx, "a", "three")
	w.do("clone", err)
	if w.digest(again) != a {
		w.Error("what is written to a clone is in the snapshot")
	}
	w.do("unclone", v.Unclone(ctx, "three"))
	_, err = v.Clone(ctx, "b", "one")
	w.refused("clone of a name that is taken", err, stream.ErrExists)
	if got, want := w.find(v, "a").Clones, []string{"one", "two"}; !slices.Equal(got, want) {
		w.Errorf("its clones are %q, want %q", got, want)
	}
	w.refused("destroy", v.Destroy(ctx, "a"), stream.ErrCloned)
	w.do("unclone", v.Unclone(ctx, "two"))
	w.refused("destroy", v.Destroy(ctx, "a"), stream.ErrCloned)
	w.do("unclone", v.Unclone(ctx, "one"))
	w.do("destroy", v.Destroy(ctx, "a"))
	w.has(v, "b")
}
