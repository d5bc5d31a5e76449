//go:build unix && !linux

package image

import (
	"errors"
	"fmt"
)

// Clone is errors.ErrUnsupported: files share extents on Linux alone.
func Clone(_, to string) error {
	return fmt.Errorf("%s: share extents: %w", to, errors.ErrUnsupported)
}

// Exclusive is not known.
func Exclusive(string) (int64, error) { return -1, nil }
