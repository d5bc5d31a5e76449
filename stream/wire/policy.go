package wire

import (
	"context"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/lunarsan/lunar/stream"
)

// A Policy is what a client may do with a host's volumes. The zero value lets it do nothing, as
// there are no Roots.
type Policy struct {
	// Roots are the datasets and folders whose volumes the client sees: those, and what is
	// below them. They are clean (package path).
	Roots []string `json:"roots"`
	// AppendOnly lets the client add snapshots, and take away or change none that is there.
	AppendOnly bool `json:"append_only,omitempty"`
	// MinAge keeps the client from destroying snapshots that are younger, and from what might
	// destroy them in passing.
	MinAge time.Duration `json:"min_age,omitempty"`
	// ReadOnly lets the client receive from here, and change nothing.
	ReadOnly bool `json:"read_only,omitempty"`
}

// Restrict returns a host that has of h what the policy allows. It tells the time by now, and
// not by what a client's snapshots say of themselves, where they claim to be from the future.
func (p Policy) Restrict(h Host, now func() time.Time) Host { return &restricted{h, p, now} }

// Everywhere is the root that all volumes are below.
const Everywhere = "*"

type restricted struct {
	host   Host
	policy Policy
	now    func() time.Time
}

// Below tells whether a name is one of roots, which are clean, or below one. Names are taken as they
// are written: one with . or .. or // in it is none.
func Below(roots []string, name string) bool {
	return name != "" && path.Clean(name) == name && !strings.HasPrefix(name, "..") &&
		slices.ContainsFunc(roots, func(root string) bool {
			return name == root || strings.HasPrefix(name, strings.TrimSuffix(root, "/")+"/")
		})
}

// inside tells whether the client sees a volume.
func (p Policy) inside(name string) bool {
	return Below(p.Roots, name) || slices.Contains(p.Roots, Everywhere) && Below([]string{name}, name)
}

// Volumes lists those that are inside.
func (r *restricted) Volumes(ctx context.Context) ([]string, error) {
	names, err := r.host.Volumes(ctx)
	return slices.DeleteFunc(names, func(name string) bool { return !r.policy.inside(name) }), err
}

// Volume finds one that is inside.
func (r *restricted) Volume(ctx context.Context, name string) (stream.Volume, error) {
	if !r.policy.inside(name) {
		return nil, fmt.Errorf("%q is not below %s: %w", name, strings.Join(r.policy.Roots, ", "), stream.ErrForbidden)
	}
	v, err := r.host.Volume(ctx, name)
	if err != nil {
		return nil, err
	}
	return &restrictedVolume{v, r}, nil
}

// A restrictedVolume is a volume of which a client may do what the policy says. What is not
// below it may.
type restrictedVolume struct {
	stream.Volume
	r *restricted
}

// ownTag is what the tags of holds begin with that replication made, and may take away again
// where nothing else may be.
const ownTag = "lunar:"

// forbid refuses to do something.
func (v *restrictedVolume) forbid(what, why string) error {
	return fmt.Errorf("%s: %s: %s: %w", v.Name(), what, why, stream.ErrForbidden)
}

// change is nil where something may be changed at all.
func (v *restrictedVolume) change(what string) error {
	if v.r.policy.ReadOnly {
		return v.forbid(what, "you may read here and change nothing")
	}
	return nil
}

// remove is nil where something that is there may go.
func (v *restrictedVolume) remove(what string) error {
	switch p := v.r.policy; {
	case p.ReadOnly:
		return v.change(what)
	case p.AppendOnly:
		return v.forbid(what, "this place is append-only, and what is here stays")
	}
	return nil
}

func (v *restrictedVolume) Take(ctx context.Context, name string) (stream.Snapshot, error) {
	if err := v.change("taking a snapshot"); err != nil {
		return stream.Snapshot{}, err
	}
	return v.Volume.Take(ctx, name)
}

func (v *restrictedVolume) Destroy(ctx context.Context, name string) error {
	what := "destroying @" + name
	if err := v.remove(what); err != nil {
		return err
	}
	if v.r.policy.MinAge > 0 {
		list, err := v.Snapshots(ctx)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(list, func(s stream.Snapshot) bool { return !s.Bookmark && s.Name == name })
		if i < 0 {
			return fmt.Errorf("%s@%s: %w", v.Name(), name, stream.ErrNoSnapshot)
		}
		if age := v.r.now().Sub(list[i].Created); age < v.r.policy.MinAge {
			return v.forbid(what, fmt.Sprintf("it is %s old, and snapshots stay here until they are %s", age.Round(time.Minute), v.r.policy.MinAge))
		}
	}
	return v.Volume.Destroy(ctx, name)
}

func (v *restrictedVolume) Hold(ctx context.Context, name, tag string) error {
	if err := v.change("holding @" + name); err != nil {
		return err
	}
	return v.Volume.Hold(ctx, name, tag)
}

func (v *restrictedVolume) Release(ctx context.Context, name, tag string) error {
	what := "releasing @" + name
	if err := v.change(what); err != nil {
		return err
	}
	if v.r.policy.AppendOnly && !strings.HasPrefix(tag, ownTag) {
		return v.forbid(what, "this place is append-only, and the tag "+tag+" is not one of replication")
	}
	return v.Volume.Release(ctx, name, tag)
}

func (v *restrictedVolume) Bookmark(ctx context.Context, snapshot, bookmark string) error {
	if err := v.change("bookmarking @" + snapshot); err != nil {
		return err
	}
	return v.Volume.Bookmark(ctx, snapshot, bookmark)
}

func (v *restrictedVolume) Unbookmark(ctx context.Context, bookmark string) error {
	if err := v.remove("ending #" + bookmark); err != nil {
		return err
	}
	return v.Volume.Unbookmark(ctx, bookmark)
}

func (v *restrictedVolume) Rollback(ctx context.Context, name string) error {
	what := "rolling back to @" + name
	if err := v.remove(what); err != nil {
		return err
	}
	if v.r.policy.MinAge > 0 {
		return v.forbid(what, fmt.Sprintf("it may destroy snapshots that are younger than %s", v.r.policy.MinAge))
	}
	return v.Volume.Rollback(ctx, name)
}

func (v *restrictedVolume) Clone(ctx context.Context, snapshot, clone string) (string, error) {
	if err := v.change("cloning @" + snapshot); err != nil {
		return "", err
	}
	return v.Volume.Clone(ctx, snapshot, clone)
}

func (v *restrictedVolume) Unclone(ctx context.Context, clone string) error {
	if err := v.remove("throwing away the clone " + clone); err != nil {
		return err
	}
	return v.Volume.Unclone(ctx, clone)
}

func (v *restrictedVolume) Receive(ctx context.Context, in io.Reader, r stream.Receive) (stream.Snapshot, error) {
	err := v.change("receiving")
	switch p := v.r.policy; {
	case err != nil:
	case !r.Rollback && !r.Anew:
	case p.AppendOnly:
		err = v.forbid("receiving over what is here", "this place is append-only, and what is here stays")
	case p.MinAge > 0:
		err = v.forbid("receiving over what is here", fmt.Sprintf("it may destroy snapshots that are younger than %s", p.MinAge))
	}
	if err != nil {
		return stream.Snapshot{}, err
	}
	return v.Volume.Receive(ctx, in, r)
}

// Abandon gives up what came of a snapshot that is none yet.
func (v *restrictedVolume) Abandon(ctx context.Context) error {
	if err := v.change("abandoning what was not received whole"); err != nil {
		return err
	}
	return v.Volume.Abandon(ctx)
}
