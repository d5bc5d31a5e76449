package zfs

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/lunarsan/lunar/stream"
)

// allowed is what OpenZFS 2.1 prints.
const allowed = `---- Permissions on tank/d -------------------------------------------
Create time permissions:
	mount
Local permissions:
	user lunar send
Descendent permissions:
	user lunar destroy,hold
Local+Descendent permissions:
	user (unknown: 4242) receive
	everyone snapshot
---- Permissions on tank ---------------------------------------------
Permission sets:
	@more bookmark
	@set hold,release,@more
Local permissions:
	user lunar rollback
Descendent permissions:
	user lunar clone
Local+Descendent permissions:
	group g1 @set
`

func TestGranted(t *testing.T) {
	lunar := &identity{account: "lunar", names: []string{"everyone", "user lunar", "group g1"}}
	for _, test := range []struct {
		what string
		own  bool
		who  *identity
		want string
	}{
		{"on the dataset", true, lunar, "@more,@set,bookmark,clone,hold,release,send,snapshot"},
		{"below it", false, lunar, "@more,@set,bookmark,clone,destroy,hold,release,snapshot"},
		{"a number", true, &identity{names: []string{"user (unknown: 4242)"}}, "receive"},
		{"nobody", true, &identity{names: []string{"user lun"}}, ""},
	} {
		got, err := granted(t.Context(), script(t, call{args: "allow tank/d", says: allowed}), "tank/d", test.own, test.who)
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for name := range got {
			names = append(names, name)
		}
		slices.Sort(names)
		if strings.Join(names, ",") != test.want {
			t.Errorf("%s: %s, want %s", test.what, strings.Join(names, ","), test.want)
		}
	}
}

func TestCheck(t *testing.T) {
	lunar := &identity{account: "lunar", names: []string{"everyone", "user lunar", "group g1"}}
	d, err := check(t.Context(), script(t, call{args: "allow tank/d", says: allowed}), "tank/d", Source, lunar)
	if err != nil || strings.Join(d.Missing, ",") != "destroy,mount" || d.Grant != "zfs allow -u lunar bookmark,destroy,hold,mount,release,send,snapshot tank/d" {
		t.Errorf("%+v, %v", d, err)
	}
	var r *stream.Refusal
	if err := d.Err(); !errors.Is(err, stream.ErrForbidden) || !errors.As(err, &r) || !strings.HasSuffix(r.Way, ": "+d.Grant) || !strings.Contains(r.Says, "lunar lacks the permissions destroy, mount ") {
		t.Errorf("%+v", err)
	}
	// Nothing is there yet of tank/d/e/f/v: what its parent has counts, and that has nothing either.
	gone := "dataset does not exist"
	d, err = check(t.Context(), script(t,
		call{args: "allow tank/d/e/f", fails: gone}, call{args: "allow tank/d/e", fails: gone}, call{args: "allow tank/d", says: allowed},
	), "tank/d/e/f/v", Destination, lunar)
	if err != nil || strings.Join(d.Missing, ",") != "create,mount,receive,rename,send" || d.Dataset != "tank/d/e/f" || !strings.HasSuffix(d.Grant, " tank/d/e/f") {
		t.Errorf("%+v, %v", d, err)
	}
	d, err = check(t.Context(), script(t, call{args: "allow tank", says: ""}), "tank", Clones, &identity{account: "root", root: true})
	if err != nil || len(d.Missing) > 0 || d.Err() != nil {
		t.Errorf("%+v, %v", d, err)
	}
	if d, err := check(t.Context(), script(t, call{args: "allow nopool", fails: gone}), "nopool/v", Destination, lunar); !errors.Is(err, stream.ErrNoVolume) {
		t.Errorf("%+v, %v", d, err)
	}
	if d, err := Check(t.Context(), script(t), "tank/-v", Source); !errors.Is(err, errName) {
		t.Errorf("%+v, %v", d, err)
	}
}

// TestMend: every command that a Volume runs and ZFS can refuse has its permissions in a role.
func TestMend(t *testing.T) {
	var all []string
	for _, permissions := range roles {
		all = append(all, permissions...)
		if !slices.IsSorted(permissions) {
			t.Errorf("%q is in no order", permissions)
		}
	}
	for verb, permissions := range neededFor {
		for _, p := range permissions {
			if !slices.Contains(all, p) {
				t.Errorf("%s needs %s, which no role has", verb, p)
			}
		}
		if text := mend("tank/v", verb); !strings.Contains(text, " "+strings.Join(permissions, ",")+" tank") {
			t.Errorf("%s: %s", verb, text)
		}
	}
}

func FuzzGranted(f *testing.F) {
	f.Add(allowed)
	f.Add("---- Permissions on tank\n\t\nPermission sets:\n\t@a @b\n\t@b @a\nLocal+Descendent permissions:\n\teveryone @a\n")
	f.Fuzz(func(t *testing.T, text string) {
		_, _ = granted(t.Context(), script(t, call{args: "allow tank/d", says: text}), "tank/d", true, &identity{names: []string{"everyone"}})
	})
}
