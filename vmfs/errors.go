package vmfs

import (
	"errors"
	"fmt"
)

var (
	// ErrNotFound says that the devices hold no VMFS volume.
	ErrNotFound = errors.New("no VMFS volume")
	// ErrCorrupt marks everything on disk that cannot be right; see FormatError.
	ErrCorrupt = errors.New("damaged VMFS structure")
	// ErrMissing marks bytes on an extent of the volume that was not among the devices.
	ErrMissing = errors.New("on an extent that is not there")
	// ErrMapped marks the data of a raw device mapping, which is on another LUN.
	ErrMapped = errors.New("a raw device mapping: its data is on another LUN")
)

// A FormatError says what is wrong on disk, and where. It is an ErrCorrupt.
type FormatError struct {
	Structure string // "LVM header", "file descriptor 0x1400184"
	Where     string // the device, or "volume" for an offset in the logical volume
	Offset    int64
	Problem   string
}

func (e *FormatError) Error() string {
	return fmt.Sprintf("%s at %#x of %s: %s", e.Structure, e.Offset, e.Where, e.Problem)
}

// Is makes every FormatError an ErrCorrupt.
func (e *FormatError) Is(target error) bool { return target == ErrCorrupt }

// damaged is a FormatError in the logical volume.
func damaged(structure string, logical int64, format string, args ...any) error {
	return &FormatError{structure, "the volume", logical, fmt.Sprintf(format, args...)}
}
