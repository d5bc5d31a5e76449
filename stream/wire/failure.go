package wire

import (
	"context"
	"errors"
	"slices"

	"github.com/lunarsan/lunar/stream"
)

// A failure is an error on its way to the other side. What it is of the errors below it is there
// too.
type failure struct {
	Text  string   `json:"text"`
	Kinds []string `json:"kinds,omitempty"`
}

// kinds has the errors that mean the same on both sides.
var kinds = [...]struct {
	name string
	err  error
}{
	{"no-volume", stream.ErrNoVolume},
	{"no-snapshot", stream.ErrNoSnapshot},
	{"exists", stream.ErrExists},
	{"held", stream.ErrHeld},
	{"cloned", stream.ErrCloned},
	{"in-use", stream.ErrInUse},
	{"base", stream.ErrBase},
	{"changed", stream.ErrChanged},
	{"stream", stream.ErrStream},
	{"package", stream.ErrPackage},
	{"token", stream.ErrToken},
	{"space", stream.ErrSpace},
	{"forbidden", stream.ErrForbidden},
	{"unsupported", errors.ErrUnsupported},
	{"cancelled", context.Canceled},
	{"deadline", context.DeadlineExceeded},
	{"session", errForgotten},
	{"unknown", errUnknown},
}

// errUnknown says that the other side is of an older release.
var errUnknown = errors.New("this is not known here")

// errForgotten says that the other side was started anew, or has waited for us too long.
var errForgotten = errors.New("it does not know what was under way any more")

func failureOf(err error) *failure {
	f := &failure{Text: err.Error()}
	for _, k := range kinds {
		if errors.Is(err, k.err) {
			f.Kinds = append(f.Kinds, k.name)
		}
	}
	return f
}

// A RemoteError is what went wrong at the other side.
type RemoteError struct {
	At   string // the other side
	Text string // what it says
	is   []error
}

// error makes the failure an error of the side that is called name.
func (f *failure) error(name string) error {
	e := &RemoteError{At: name, Text: f.Text}
	for _, k := range kinds {
		if slices.Contains(f.Kinds, k.name) {
			e.is = append(e.is, k.err)
		}
	}
	return e
}

func (e *RemoteError) Error() string   { return e.At + ": " + e.Text }
func (e *RemoteError) Unwrap() []error { return e.is }
