package shelf

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/lunarsan/lunar/sbd"
	"github.com/lunarsan/lunar/sbd/layer"
	"github.com/lunarsan/lunar/stream/image"
)

// A folder is where everything of a volume is.
//
//	PATH                     the volume as it is now
//	PATH.lunar               its chain: the snapshots that it has been; see package dmu
//	PATH.lunar.reached       while a stream comes: how far it is written; see package image
//	PATH.snapshots/
//	    shelf.json           the record
//	    next.json            the record that holds when PATH has been replaced
//	    since/GUID-GUID      where the volume changed between two snapshots, of which one is a bookmark now
//	    at/NAME              the bytes of a snapshot, where the file system has reflinks
//	    clones/NAME          a clone; what is its own is beside it, as beside PATH
//	    clones/.receiving    what a stream is received into
//	    clones/.rollback     what PATH is being replaced by
//	    new, probe           files that are being made
//
// Where there are no reflinks, states and clones are in PATH.layers; see package layer.
type folder string // PATH

// Forks that may become the volume. No clone can have such a name.
const (
	forkReceiving = ".receiving"
	forkRollback  = ".rollback"
)

func (f folder) path() string             { return string(f) }
func (f folder) chain() string            { return image.ChainBeside(string(f)) }
func (f folder) root() string             { return string(f) + ".snapshots" }
func (f folder) in(name string) string    { return filepath.Join(f.root(), name) }
func (f folder) record() string           { return f.in("shelf.json") }
func (f folder) next() string             { return f.in("next.json") }
func (f folder) states() string           { return f.in("at") }
func (f folder) state(name string) string { return filepath.Join(f.states(), name) }
func (f folder) clones() string           { return f.in("clones") }
func (f folder) sinces() string           { return f.in("since") }
func (f folder) sinceAt(l, until uint64) string {
	return filepath.Join(f.sinces(), fmt.Sprintf("%016x-%016x", l, until))
}
func (f folder) cloneAt(name string) string { return filepath.Join(f.clones(), name) }

// asReceived says whether nobody has written to the volume since it was received.
func (f folder) asReceived() (bool, error) {
	received, err := image.ReadChain(image.ChainBeside(f.cloneAt(forkReceiving)))
	if err != nil {
		return false, err
	}
	written, err := layer.Written(f.path())
	return err == nil && written.Equal(received.Modified), err
}

// beside are what the names of everything that is kept of a file end in, behind the file's own.
var beside = [...]string{"", ".lunar", ".lunar.new", ".lunar.reached", ".snapshots", ".layers"}

// A disk does what changes names and files, one step at a time; each is durable when it returns.
// fault, which tests set, is asked before each, and has the machine end there.
type disk struct {
	fault func(step string) error
}

func (d disk) step(what, path string) error {
	if d.fault == nil {
		return nil
	}
	return d.fault(what + " " + filepath.Base(path))
}

// mkdir makes a folder where there is none.
func (d disk) mkdir(path string) error {
	if err := d.step("make", path); err != nil {
		return err
	}
	err := os.Mkdir(path, 0o700)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	return errors.Join(err, sbd.SyncFolder(filepath.Dir(path)))
}

// replace makes p the contents of the file at path.
func (d disk) replace(path string, p []byte) error {
	fresh := path + ".new"
	if err := d.step("write", fresh); err != nil {
		return err
	}
	if err := sbd.WriteDurably(fresh, p); err != nil {
		return err
	}
	return d.rename(fresh, path)
}

// rename has from take the place of to.
func (d disk) rename(from, to string) error {
	if err := d.step("rename", to); err != nil {
		return err
	}
	if err := os.Rename(from, to); err != nil {
		return err
	}
	err := sbd.SyncFolder(filepath.Dir(to))
	if filepath.Dir(from) != filepath.Dir(to) {
		err = errors.Join(err, sbd.SyncFolder(filepath.Dir(from)))
	}
	return err
}

// remove removes a file, or a folder with all that is in it; nothing where there is none.
func (d disk) remove(path string) error {
	if _, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err := d.step("remove", path); err != nil {
		return err
	}
	return errors.Join(os.RemoveAll(path), sbd.SyncFolder(filepath.Dir(path)))
}

// exists says whether there is something at path.
func exists(path string) (bool, error) {
	_, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

// removeVolume removes a file, and then what is kept of it.
func (d disk) removeVolume(path string) (err error) {
	for _, suffix := range beside {
		err = errors.Join(err, d.remove(path+suffix))
	}
	return err
}

// takePlace has the file from take the place of to, and makes it belong to whom that belonged to.
func (d disk) takePlace(from, to string) error {
	if err := d.belong(from, to); err != nil {
		return err
	}
	return d.rename(from, to)
}

// belong makes the file from belong to whom the file to belongs to, if there is one.
func (d disk) belong(from, to string) error {
	var was unix.Stat_t
	switch err := unix.Stat(to, &was); err {
	case nil:
	case unix.ENOENT:
		return nil
	default:
		return err
	}
	_ = os.Chown(from, int(was.Uid), int(was.Gid)) // who is not root has but one
	return os.Chmod(from, fs.FileMode(was.Mode&0o777))
}

// sweepClones removes what is in a folder of clones, and belongs to none.
func (d disk) sweepClones(folder string, r *record) error {
	known := map[string]bool{}
	keep := func(name string) {
		for _, suffix := range beside {
			known[name+suffix] = true
		}
	}
	if there, err := exists(filepath.Join(folder, forkReceiving)); err != nil {
		return err
	} else if there {
		keep(forkReceiving)
	}
	for _, c := range r.Clones {
		keep(c.Name)
	}
	found, err := os.ReadDir(folder)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	for _, f := range found {
		if !known[f.Name()] {
			err = errors.Join(err, d.remove(filepath.Join(folder, f.Name())))
		}
	}
	return err
}
