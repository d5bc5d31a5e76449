package undelete

import (
	"path"

	"github.com/lunarsan/lunar/vmfs"
)

// names are the paths of files that are there no more, as directories still have them. Where the
// address was cleared, the generation and the type tell files apart, if only one has them.
type names map[nameKey]string

type nameKey struct {
	address    vmfs.FDAddress // 0: cleared
	generation uint32
	kind       vmfs.Type
}

const ambiguous = "" // several names have one key

// note notes what is left of a directory's entries.
func (n names) note(dir *vmfs.File) {
	for e := range dir.Stale() {
		n.add(nameKey{e.Address(), e.Generation(), e.Type()}, path.Join("/", dir.Name(), e.Name()))
	}
}

func (n names) add(key nameKey, name string) {
	if before, there := n[key]; there && before != name {
		name = ambiguous
	}
	n[key] = name
}

// find is the name of the file of a descriptor.
func (n names) find(d vmfs.Descriptor) (name string, ok bool) {
	for _, address := range []vmfs.FDAddress{d.Address(), 0} {
		if name = n[nameKey{address, d.Generation(), d.Type()}]; name != ambiguous {
			return name, true
		}
	}
	return "", false
}
