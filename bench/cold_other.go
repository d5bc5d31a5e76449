//go:build !linux

package bench

import (
	"errors"
	"fmt"
	"os"
)

func forget(string) error {
	return fmt.Errorf("%w: files stay in the page cache here: cold ones are measured on Linux", errors.ErrUnsupported)
}

func inMemory(string) bool { return false }

func datasync(f *os.File) error { return f.Sync() }
