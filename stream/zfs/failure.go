package zfs

import (
	"context"
	"errors"
	"fmt"
	"os/user"
	"strings"

	"github.com/lunarsan/lunar/stream"
)

// errMissing is "does not exist", of a dataset or of a snapshot.
var errMissing = errors.New("there is no such dataset or snapshot")

// errNotEarlier is a stream asked for from a snapshot that is not older.
var errNotEarlier = errors.New("an increment goes on from an older snapshot of the same volume")

// kinds tells what zfs means by what it says. The first that fits counts.
var kinds = []struct {
	said string
	kind error
}{
	{"permission denied", stream.ErrForbidden},
	{"out of space", stream.ErrSpace},
	{"quota exceeded", stream.ErrSpace},
	{"No space left on device", stream.ErrSpace},
	{"has been modified since most recent snapshot", stream.ErrChanged},
	{"does not match incremental source", stream.ErrBase},
	{"must specify -F to overwrite it", stream.ErrBase},
	{"has dependent clones", stream.ErrCloned},
	{"checksum mismatch or incomplete stream", stream.ErrStream},
	{"failed to read from stream", stream.ErrStream},
	{"invalid backup stream", stream.ErrStream},
	{"used in the initial send no longer exists", stream.ErrToken},
	{"resume token is corrupt", stream.ErrToken},
	{"not an earlier snapshot", errNotEarlier},
	{"already exists", stream.ErrExists},
	{"bookmark exists", stream.ErrExists},
	{"is busy", stream.ErrInUse},
	{"could not find any snapshots to destroy", stream.ErrNoSnapshot},
	{"does not exist", errMissing},
	{"no such pool or dataset", errMissing},
}

// kindOf is the kind of what zfs says; nil: none that is known.
func kindOf(err error) error {
	var f *Failure
	if !errors.As(err, &f) {
		return nil
	}
	for _, k := range kinds {
		if strings.Contains(f.Said, k.said) {
			return k.kind
		}
	}
	return nil
}

// explain gives an error of zfs its kind, and the volume's name. It asks zfs again where that
// does not say whether a snapshot is missing or all of the volume.
func (v *Volume) explain(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	switch kind := kindOf(err); kind {
	case nil:
		return fmt.Errorf("%s: %w", v.dataset, err)
	case errMissing, stream.ErrNoSnapshot:
		kind = stream.ErrNoSnapshot
		if ask := v.run(ctx, nil, nil, "list", "-H", "-o", "name", v.dataset); kindOf(ask) == errMissing {
			kind = stream.ErrNoVolume
		}
		return fmt.Errorf("%s: %w: %w", v.dataset, kind, err)
	case stream.ErrForbidden:
		var f *Failure
		errors.As(err, &f)
		return fmt.Errorf("%s: %w: %w: %s", v.dataset, kind, err, mend(v.dataset, f.verb()))
	default:
		return fmt.Errorf("%s: %w: %w", v.dataset, kind, err)
	}
}

// mend is the command that lets the account do what a verb of zfs was refused for.
func mend(dataset, verb string) string {
	account := "ACCOUNT"
	if u, err := user.Current(); err == nil {
		account = u.Username
	}
	if verb == "receive" || verb == "clone" || verb == "rename" {
		dataset = parent(dataset)
	}
	return "an administrator allows it with: " + grant(account, neededFor[verb], dataset)
}
