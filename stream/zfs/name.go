package zfs

import (
	"errors"
	"fmt"
	"strings"
)

// errName is the kind of every name that is not handed to zfs.
var errName = errors.New("this is no name for ZFS")

// nameMost is how long a whole name may be in ZFS (bytes).
const nameMost = 255

// CheckDataset says whether name is that of a dataset as it is handed to zfs: POOL/.../NAME.
func CheckDataset(name string) error {
	if len(name) > nameMost {
		return fmt.Errorf("%.40q...: %w: it has %d bytes, at most %d are allowed", name, errName, len(name), nameMost)
	}
	for part := range strings.SplitSeq(name, "/") {
		if err := checkPart(part); err != nil {
			return fmt.Errorf("%q: %w: %w", name, errName, err)
		}
	}
	return nil
}

// checkShort holds the name of a snapshot or of a bookmark, what is behind the @ or the #, to the
// letters that ZFS knows. "," and "%" are none of them: zfs destroy takes those for lists.
func checkShort(name string) error {
	if len(name) > nameMost {
		return fmt.Errorf("%.40q...: %w: it has %d bytes", name, errName, len(name))
	}
	if err := checkPart(name); err != nil {
		return fmt.Errorf("%q: %w: %w", name, errName, err)
	}
	return nil
}

func checkPart(part string) error {
	switch {
	case part == "":
		return errors.New("a part of it is empty")
	case part == "." || part == "..":
		return fmt.Errorf("%q is a part of it", part)
	case part[0] == '-' || part[0] == ' ':
		return fmt.Errorf("a part of it begins with %q", part[0])
	}
	for _, c := range []byte(part) {
		if !letter(c) {
			return fmt.Errorf("it has a %q; letters, digits and - _ . : can be in names", c)
		}
	}
	return nil
}

// letter says whether c can be in a name. A blank can, in ZFS and so here.
func letter(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("-_.: ", c) >= 0
}

// checkTag holds the tag of a hold to what comes back from zfs holds as it was.
func checkTag(tag string) error {
	switch {
	case tag == "" || len(tag) > nameMost:
		return fmt.Errorf("tag %.40q: %w: it has %d bytes, 1 to %d are allowed", tag, errName, len(tag), nameMost)
	case tag[0] == '-' || tag[0] == '.': // an option to zfs; tags of ZFS itself
		return fmt.Errorf("tag %q: %w: it begins with %q", tag, errName, tag[0])
	}
	for _, c := range []byte(tag) {
		if c < ' ' || c == 0x7f {
			return fmt.Errorf("tag %q: %w: it has a control character", tag, errName)
		}
	}
	return nil
}
