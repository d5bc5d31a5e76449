package control

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/lunarsan/lunar/stream"
	"github.com/lunarsan/lunar/stream/streamtest"
	"github.com/lunarsan/lunar/stream/zfs"
)

// lacking is a volume that the account may not do everything with.
type lacking struct{ stream.Volume }

func (l lacking) Check(_ context.Context, role zfs.Role) (*zfs.Delegation, error) {
	d := &zfs.Delegation{Account: "lunar", Dataset: l.Name(), Grant: "zfs allow -u lunar for-" + role.String() + " " + l.Name()}
	if l.Name() == "tank/lacking" {
		d.Missing = []string{"for-" + role.String()}
	}
	return d, nil
}

// What the account of either daemon lacks is found out before a job runs, with the way out.
func TestPermissions(t *testing.T) {
	ctx := t.Context()
	open := func(o *Options) {
		anyPort(o)
		o.openVolume = func(name string) (stream.Volume, error) {
			v := streamtest.NewMemory(name, 1<<20)
			if strings.HasPrefix(name, "/") {
				return v, nil // a file, which nobody delegates
			}
			return lacking{v}, nil
		}
	}
	main, other := start(t, open), start(t, open)
	befriend(t, main, other, PeerCreate{Roots: []string{"tank", "/files"}})
	far := there{main.link("dr")}
	for _, test := range []struct {
		what, volume string
		check        func(context.Context, string, bool) error
		destination  bool
		want         string
	}{
		{"here", "tank/lacking", here{main.d}.Check, false, "zfs allow -u lunar for-source tank/lacking"},
		{"here", "tank/lacking", here{main.d}.Check, true, "zfs allow -u lunar for-destination tank/lacking"},
		{"here", "tank/well", here{main.d}.Check, true, ""},
		{"here", "/files/a", here{main.d}.Check, false, ""},
		{"there", "tank/lacking", far.Check, true, "zfs allow -u lunar for-destination tank/lacking"},
		{"there", "tank/well", far.Check, true, ""},
		{"there", "/files/a", far.Check, true, ""},
		{"there", "pool/else", far.Check, true, "nothing to do with pool/else"},
	} {
		err := test.check(ctx, test.volume, test.destination)
		got := ""
		var r *stream.Refusal
		if errors.As(err, &r) {
			got = r.Way
		} else if err != nil {
			got = err.Error()
		}
		if test.want == "" && err != nil || !strings.Contains(got, test.want) {
			t.Errorf("%s, %s: %v (%q), want %q", test.what, test.volume, err, got, test.want)
		}
	}
	if err := far.Check(ctx, "pool/else", false); !errors.Is(err, stream.ErrForbidden) {
		t.Error(err)
	}
}
