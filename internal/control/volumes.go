package control

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/lunarsan/lunar/stream"
	"github.com/lunarsan/lunar/stream/shelf"
	"github.com/lunarsan/lunar/stream/zfs"
)

// zvolFolder is where zvols are devices.
const zvolFolder = "/dev/zvol/"

// volume returns the volume that name means: "lu:" and the name of a unit, the path of a file or a
// device, or a dataset. Whether it is there is told when it is asked for something.
func (d *Daemon) volume(name string) (stream.Volume, error) {
	unit, ok := strings.CutPrefix(name, unitNames)
	if !ok {
		v, err := d.opts.openVolume(name)
		if s, ok := v.(*shelf.Shelf); ok {
			s.Share()
		}
		return v, err
	}
	u, err := d.find(unit)
	if err != nil {
		return nil, err
	}
	d.mu.RLock()
	r := u.record
	d.mu.RUnlock()
	if r.Offset != 0 {
		return nil, conflict(fmt.Sprintf("the disk of unit %s begins at byte %d of %s, behind COMSTAR's metadata", r.GUID, r.Offset, r.Path),
			"Only stores that are all disk keep snapshots here.")
	}
	return d.opts.openVolume(r.Path)
}

// openVolume returns the volume that is a dataset or a file.
func openVolume(name string) (stream.Volume, error) {
	if dataset, ok := strings.CutPrefix(name, zvolFolder); ok {
		return zfs.Open(dataset, zfs.Exec("zfs"))
	}
	if filepath.IsAbs(name) {
		return shelf.New(name), nil
	}
	return zfs.Open(name, zfs.Exec("zfs"))
}
