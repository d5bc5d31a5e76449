package dmu

import (
	"errors"
	"fmt"
)

// Kinds of what can be wrong with a stream; errors.Is tells them apart.
var (
	ErrNotStream   = errors.New("this is no ZFS send stream")
	ErrTruncated   = errors.New("the stream is truncated")
	ErrCorrupt     = errors.New("the stream is corrupt")
	ErrTrailing    = errors.New("bytes follow the end of the stream")
	ErrUnsupported = errors.New("the stream uses a feature that is not known here")
	ErrInvalid     = errors.New("the stream breaks a rule of the format")
)

// An Error says what is wrong with a stream, and where.
type Error struct {
	Kind   error // one of those above
	Offset int64 // of the first byte that may be wrong, in the stream (bytes)
	Number int64 // of the record, from 0
	Cause  error // what is wrong
}

func (e *Error) Error() string {
	return fmt.Sprintf("%v at byte %d, record %d: %v", e.Kind, e.Offset, e.Number, e.Cause)
}

// Unwrap returns the kind and the cause.
func (e *Error) Unwrap() []error { return []error{e.Kind, e.Cause} }
