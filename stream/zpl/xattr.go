package zpl

import (
	"fmt"
	"os"
	"strings"

	"github.com/lunarsan/lunar/stream/dmu/nvlist"
)

// maxXattr is the longest value of an extended attribute (bytes).
const maxXattr = 64 << 10

// xattrs sets the extended attributes of a file: those in its attributes, and those that are
// files in a directory of their own. at is its path, for people.
func (e *Extractor) xattrs(at string, f *os.File, a *attributes) {
	set := func(name string, value []byte) {
		full, ok := e.xattrName(name)
		err := fmt.Errorf("it gives powers, and owners are not kept")
		if ok {
			err = setXattr(f, full, value)
		}
		if err != nil {
			e.sum.LeftOut++
			e.o.Problem("/"+at, fmt.Errorf("extended attribute %q: %w", name, err))
			return
		}
		e.sum.Xattrs++
	}
	if len(a.xattrs) > 0 {
		list, err := nvlist.Decode(a.xattrs)
		if err != nil {
			e.sum.LeftOut++
			e.o.Problem("/"+at, fmt.Errorf("extended attributes: %w", err))
		} else {
			for _, p := range list.Pairs {
				if value, ok := list.Bytes(p.Name); ok {
					set(p.Name, value)
				}
			}
		}
	}
	if a.xattr == 0 {
		return
	}
	err := e.stage.zap(a.xattr, func(en entry) error {
		value, err := e.xattrFile(en.number() & direntObject)
		if err != nil {
			return err
		}
		set(en.name, value)
		return nil
	})
	if err != nil {
		e.sum.LeftOut++
		e.o.Problem("/"+at, fmt.Errorf("extended attributes: %w", err))
	}
}

// xattrFile is the content of an extended attribute that is a file.
func (e *Extractor) xattrFile(object uint64) ([]byte, error) {
	d, err := e.stage.dnode(object)
	if err != nil {
		return nil, err
	}
	a, err := e.attributes(object, d)
	if err != nil {
		return nil, err
	}
	return e.stage.content(object, a.size, maxXattr)
}

// xattrName is the name that an attribute gets, and whether it is set at all. Other systems than
// Linux have them without a namespace.
func (e *Extractor) xattrName(name string) (string, bool) {
	space, _, _ := strings.Cut(name, ".")
	switch space {
	case "user", "system":
		return name, true
	case "trusted", "security":
		return name, e.o.Owners
	}
	return "user." + name, true
}
