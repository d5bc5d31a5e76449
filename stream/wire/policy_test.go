package wire

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/lunarsan/lunar/stream"
)

// An openVolume lets everything be done to it.
type openVolume struct{ name string }

func (v openVolume) Name() string { return v.name }
func (v openVolume) Path() string { return v.name }
func (v openVolume) Snapshots(context.Context) ([]stream.Snapshot, error) {
	now := time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)
	return []stream.Snapshot{{Name: "old", Created: now.AddDate(0, 0, -15)}, {Name: "new", Created: now.AddDate(0, 0, -1)}, {Name: "future", Created: now.AddDate(9, 0, 0)}}, nil
}
func (v openVolume) Take(context.Context, string) (s stream.Snapshot, err error) { return s, nil }
func (v openVolume) Destroy(context.Context, string) error                       { return nil }
func (v openVolume) Hold(context.Context, string, string) error                  { return nil }
func (v openVolume) Release(context.Context, string, string) error               { return nil }
func (v openVolume) Bookmark(context.Context, string, string) error              { return nil }
func (v openVolume) Unbookmark(context.Context, string) error                    { return nil }
func (v openVolume) Rollback(context.Context, string) error                      { return nil }
func (v openVolume) Clone(context.Context, string, string) (string, error)       { return "", nil }
func (v openVolume) Unclone(context.Context, string) error                       { return nil }
func (v openVolume) Estimate(context.Context, stream.Send) (int64, error)        { return 1, nil }
func (v openVolume) Send(context.Context, stream.Send) (io.ReadCloser, error) {
	return io.NopCloser(strings.NewReader("")), nil
}
func (v openVolume) Receive(context.Context, io.Reader, stream.Receive) (s stream.Snapshot, err error) {
	return s, nil
}
func (v openVolume) Partial(context.Context) (*stream.Partial, error) { return nil, nil }
func (v openVolume) Abandon(context.Context) error                    { return nil }

type anyHost struct{}

func (anyHost) Volumes(context.Context) ([]string, error) {
	return []string{"tank/a", "tank/a/b", "tank/ab", "/srv/x", "../x", "tank/a/../b"}, nil
}
func (anyHost) Volume(_ context.Context, name string) (stream.Volume, error) {
	return openVolume{name}, nil
}

func TestPolicyRoots(t *testing.T) {
	h := Policy{Roots: []string{"tank/a", "/srv/"}}.Restrict(anyHost{}, time.Now)
	names, err := h.Volumes(t.Context())
	if err != nil || strings.Join(names, " ") != "tank/a tank/a/b /srv/x" {
		t.Errorf("%q, %v", names, err)
	}
	for name, want := range map[string]bool{
		"tank/a": true, "tank/a/b/c": true, "/srv/x": true,
		"tank": false, "tank/ab": false, "tank/a/../b": false, "/srv/../etc": false, "/srv//x": false,
		"/etc": false, "srv/x": false, "": false, ".": false, "tank/a/": false, "..": false,
	} {
		if _, err := h.Volume(t.Context(), name); errors.Is(err, stream.ErrForbidden) == want {
			t.Errorf("%q: %v", name, err)
		}
	}
	everywhere := Policy{Roots: []string{Everywhere}}
	for name, want := range map[string]bool{"tank": true, "/etc": true, "/srv/../etc": false, "": false, "../x": false} {
		if everywhere.inside(name) != want {
			t.Errorf("%q is everywhere: %t", name, !want)
		}
	}
	if _, err := (Policy{}).Restrict(anyHost{}, time.Now).Volume(t.Context(), "tank/a"); !errors.Is(err, stream.ErrForbidden) {
		t.Errorf("a policy without roots: %v", err)
	}
}

// TestPolicy has a row for each call that may be refused: what each kind of policy says.
func TestPolicy(t *testing.T) {
	now := func() time.Time { return time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC) }
	open, append_, floor, read := Policy{}, Policy{AppendOnly: true}, Policy{MinAge: 14 * 24 * time.Hour}, Policy{ReadOnly: true}
	policies := []*Policy{&open, &append_, &floor, &read}
	for _, p := range policies {
		p.Roots = []string{"v"}
	}
	receive := func(r stream.Receive) func(context.Context, stream.Volume) error {
		return func(ctx context.Context, v stream.Volume) error {
			_, err := v.Receive(ctx, strings.NewReader(""), r)
			return err
		}
	}
	for name, test := range map[string]struct {
		do      func(context.Context, stream.Volume) error
		allowed string // by each of the policies in turn
	}{
		"take":                    {func(ctx context.Context, v stream.Volume) error { _, err := v.Take(ctx, "x"); return err }, "yyyn"},
		"destroy old":             {func(ctx context.Context, v stream.Volume) error { return v.Destroy(ctx, "old") }, "ynyn"},
		"destroy new":             {func(ctx context.Context, v stream.Volume) error { return v.Destroy(ctx, "new") }, "ynnn"},
		"destroy future":          {func(ctx context.Context, v stream.Volume) error { return v.Destroy(ctx, "future") }, "ynnn"},
		"hold":                    {func(ctx context.Context, v stream.Volume) error { return v.Hold(ctx, "new", "x") }, "yyyn"},
		"release our tag":         {func(ctx context.Context, v stream.Volume) error { return v.Release(ctx, "new", "lunar:job") }, "yyyn"},
		"release somebody's tag":  {func(ctx context.Context, v stream.Volume) error { return v.Release(ctx, "new", "keep") }, "ynyn"},
		"bookmark":                {func(ctx context.Context, v stream.Volume) error { return v.Bookmark(ctx, "new", "x") }, "yyyn"},
		"unbookmark":              {func(ctx context.Context, v stream.Volume) error { return v.Unbookmark(ctx, "x") }, "ynyn"},
		"rollback":                {func(ctx context.Context, v stream.Volume) error { return v.Rollback(ctx, "old") }, "ynnn"},
		"clone":                   {func(ctx context.Context, v stream.Volume) error { _, err := v.Clone(ctx, "old", "x"); return err }, "yyyn"},
		"unclone":                 {func(ctx context.Context, v stream.Volume) error { return v.Unclone(ctx, "x") }, "ynyn"},
		"receive":                 {receive(stream.Receive{}), "yyyn"},
		"receive with a rollback": {receive(stream.Receive{Rollback: true}), "ynnn"},
		"receive anew":            {receive(stream.Receive{Anew: true}), "ynnn"},
		"abandon":                 {func(ctx context.Context, v stream.Volume) error { return v.Abandon(ctx) }, "yyyn"},
		"send":                    {func(ctx context.Context, v stream.Volume) error { _, err := v.Send(ctx, stream.Send{}); return err }, "yyyy"},
	} {
		var allowed strings.Builder
		for _, p := range policies {
			v, err := p.Restrict(anyHost{}, now).Volume(t.Context(), "v")
			if err != nil {
				t.Fatal(err)
			}
			switch err := test.do(t.Context(), v); {
			case err == nil:
				allowed.WriteByte('y')
			case errors.Is(err, stream.ErrForbidden):
				allowed.WriteByte('n')
			default:
				t.Errorf("%s: %v", name, err)
			}
		}
		if allowed.String() != test.allowed {
			t.Errorf("%s is allowed %s, and should be %s", name, &allowed, test.allowed)
		}
	}
}
