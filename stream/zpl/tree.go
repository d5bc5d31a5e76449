package zpl

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strings"
	"time"
)

// Types of files, in a mode as in stat(2).
const (
	modeType    uint64 = 0o170000
	modeFIFO    uint64 = 0o010000
	modeDir     uint64 = 0o040000
	modeRegular uint64 = 0o100000
	modeSymlink uint64 = 0o120000
	modeSetUID  uint64 = 0o4000
	modeSetGID  uint64 = 0o2000
	modeSticky  uint64 = 0o1000
)

const (
	typeDirectory uint32 = 20 // DMU type of directories' objects
	masterNode    uint64 = 1  // the object where everything begins
	direntObject  uint64 = 1<<48 - 1

	// maxDepth is how deep directories may be in one another: deeper ones have no path.
	maxDepth = 1000
)

// Write writes the files out. What is wrong with single ones goes to Problem, and they are left
// out.
func (e *Extractor) Write(ctx context.Context) (Summary, error) {
	root, err := e.begin()
	if err != nil {
		return e.sum, fmt.Errorf("the file system does not say where its root is: %w", err)
	}
	d, err := e.stage.dnode(root)
	if err != nil {
		return e.sum, err
	}
	err = e.directory(ctx, "", root, d, 0)
	return e.sum, err
}

// begin reads what says how to read the rest, and returns the root directory.
func (e *Extractor) begin() (uint64, error) {
	var root, master, registry, layouts uint64
	if err := e.stage.zap(masterNode, func(en entry) error {
		switch en.name {
		case "ROOT":
			root = en.number()
		case "SA_ATTRS":
			master = en.number()
		}
		return nil
	}); err != nil {
		return 0, err
	}
	e.names = &catalogue{attributes: map[uint16]attribute{}, layouts: map[uint16][]uint16{}}
	if master == 0 {
		return root, nil // it has znodes
	}
	if err := e.stage.zap(master, func(en entry) error {
		switch en.name {
		case "REGISTRY":
			registry = en.number()
		case "LAYOUTS":
			layouts = en.number()
		}
		return nil
	}); err != nil {
		return 0, err
	}
	if err := e.stage.zap(registry, func(en entry) error {
		v := en.number()
		e.names.attributes[uint16(v)] = attribute{en.name, int(v >> 24 & 0xffff)}
		return nil
	}); err != nil {
		return 0, err
	}
	return root, e.stage.zap(layouts, func(en entry) error {
		var n uint16
		if _, err := fmt.Sscanf(en.name, "%d", &n); err == nil {
			e.names.layouts[n] = en.shorts()
		}
		return nil
	})
}

// attributes are those of an object.
func (e *Extractor) attributes(object uint64, d *dnode) (*attributes, error) {
	a := new(attributes)
	switch d.bonusType {
	case bonusZnode:
		return a, a.readZnode(d.bonus, e.stage.order)
	case bonusSA:
	default:
		return nil, fmt.Errorf("%w: object %d is no file", errAttributes, object)
	}
	if err := a.read(d.bonus, e.names, e.stage.order); err != nil {
		return nil, err
	}
	spill, err := e.stage.spilled(object, d)
	if err == nil && spill != nil {
		err = a.read(spill, e.names, e.stage.order)
	}
	return a, err
}

// A child is a directory in another.
type child struct {
	path   string
	object uint64
}

// directory writes out what is in a directory, which is there, and then its attributes. The root
// has no path, and its own attributes are the caller's.
func (e *Extractor) directory(ctx context.Context, at string, object uint64, d *dnode, depth int) error {
	a, err := e.attributes(object, d)
	if err == nil && (d.dmuType != typeDirectory || a.mode&modeType != modeDir) {
		err = fmt.Errorf("object %d is no directory", object)
	}
	if err == nil && depth > maxDepth {
		err = fmt.Errorf("it is in %d directories", depth)
	}
	if err != nil {
		return e.leaveOut(at, err)
	}
	if first, err := e.stage.visit(object, d); err != nil {
		return err
	} else if !first {
		return e.leaveOut(at, fmt.Errorf("directory %d is in several places", object))
	}
	var children []child
	damage := e.stage.zap(object, func(en entry) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		if !validName(en.name) {
			return e.leaveOut(path.Join(at, fmt.Sprintf("%q", en.name)), errors.New("no file can have such a name"))
		}
		c := child{path.Join(at, en.name), en.number() & direntObject}
		isDir, err := e.place(c)
		if isDir {
			children = append(children, c)
		}
		return err
	})
	if damage != nil && !errors.Is(damage, errZAP) {
		return damage
	} else if damage != nil {
		if err := e.leaveOut(at, damage); err != nil {
			return err
		}
	}
	for _, c := range children {
		if err := e.enter(ctx, c, depth+1); err != nil {
			return err
		}
	}
	if at == "" {
		return nil
	}
	return e.finishDirectory(at, a)
}

// enter makes a directory and what is in it.
func (e *Extractor) enter(ctx context.Context, c child, depth int) error {
	d, err := e.stage.dnode(c.object)
	if err != nil {
		return err
	}
	if err := e.stage.root.Mkdir(c.path, 0o700); err != nil {
		return e.leaveOut(c.path, err)
	}
	e.sum.Directories++
	return e.directory(ctx, c.path, c.object, d, depth)
}

// place writes one entry of a directory out, or says that it is a directory itself.
func (e *Extractor) place(c child) (isDir bool, err error) {
	d, err := e.stage.dnode(c.object)
	if err != nil {
		return false, err
	}
	if d.state == 0 {
		return false, e.leaveOut(c.path, fmt.Errorf("object %d is not in the stream", c.object))
	}
	a, err := e.attributes(c.object, d)
	if err != nil {
		return false, e.leaveOut(c.path, err)
	}
	switch a.mode & modeType {
	case modeDir:
		return true, nil
	case modeRegular:
		err = e.file(c.path, c.object, d, a)
	case modeSymlink:
		err = e.symlink(c.path, c.object, a)
	case modeFIFO:
		err = e.fifo(c.path, a)
	default:
		err = fmt.Errorf("it is a device or a socket (mode %o)", a.mode)
	}
	if err != nil {
		return false, e.leaveOut(c.path, err)
	}
	return false, nil
}

// leaveOut tells of what is left out. It returns an error where everything would be: there is no
// room.
func (e *Extractor) leaveOut(at string, err error) error {
	if full(err) {
		return fmt.Errorf("%s: %w", at, err)
	}
	e.sum.LeftOut++
	e.o.Problem(path.Join("/", at), err)
	return nil
}

// finishDirectory sets what would be in the way, or change, while there are files made in it.
func (e *Extractor) finishDirectory(at string, a *attributes) error {
	root := e.stage.root
	f, err := root.Open(at)
	if err == nil {
		e.xattrs(at, f, a)
		err = f.Close()
	}
	if err == nil {
		err = e.chown(at, a)
	}
	if err == nil {
		err = root.Chmod(at, e.mode(a))
	}
	if err == nil {
		err = root.Chtimes(at, timeOf(a.atime), timeOf(a.mtime))
	}
	if err != nil {
		return e.leaveOut(at, fmt.Errorf("it is there, without all of its attributes: %w", err))
	}
	return nil
}

// validName says whether a file may be called so, in a directory.
func validName(name string) bool {
	return name != "" && name != "." && name != ".." && !strings.ContainsAny(name, "/\x00")
}

// mode is what a file gets of its mode.
func (e *Extractor) mode(a *attributes) os.FileMode {
	m := os.FileMode(a.mode & 0o777)
	if a.mode&modeSticky != 0 {
		m |= fs.ModeSticky
	}
	if e.o.Owners && a.mode&modeSetUID != 0 {
		m |= fs.ModeSetuid
	}
	if e.o.Owners && a.mode&modeSetGID != 0 {
		m |= fs.ModeSetgid
	}
	return m
}

// chown gives a file, or a link, to its owner.
func (e *Extractor) chown(at string, a *attributes) error {
	if !e.o.Owners {
		return nil
	}
	const none = 1<<32 - 1
	if a.uid >= none || a.gid >= none {
		return fmt.Errorf("its owner has no number here, but %d and %d", a.uid, a.gid)
	}
	return e.stage.root.Lchown(at, int(a.uid), int(a.gid))
}

func timeOf(t [2]uint64) time.Time { return time.Unix(int64(t[0]), int64(t[1]%1e9)) }
