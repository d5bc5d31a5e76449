package main

import (
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/lunarsan/lunar/internal/control"
	"github.com/lunarsan/lunar/vmfs"
	"github.com/lunarsan/lunar/vmfs/backup"
	"github.com/lunarsan/lunar/vmfs/undelete"
)

// savedFiles reads the maps of a backup of the volume, and when it was made; there are none
// without one.
func savedFiles(from string, v *vmfs.Volume) (files []undelete.Saved, made time.Time, err error) {
	if from == "" {
		return nil, made, nil
	}
	b, err := backup.Open(from)
	if err != nil {
		return nil, made, err
	}
	members, err := membersOf(b, v)
	if err != nil {
		return nil, made, err
	}
	for f, err := range b.Files() {
		if err != nil {
			return nil, made, err
		}
		if f.Type != vmfs.Regular.String() {
			continue
		}
		one := undelete.Saved{Path: f.Path, Address: f.Address, Generation: f.Generation, Size: f.Size, Contents: contentsOf(b, f.Path)}
		for _, e := range f.Map {
			to := e.Extent
			if to.Device >= len(members) {
				return nil, made, fmt.Errorf("%s in %s is on extent %d, and the volume had %d", f.Path, b.Path, to.Device, len(members))
			}
			if to.Device >= 0 {
				to.Device = members[to.Device]
			}
			one.Map = append(one.Map, to)
		}
		files = append(files, one)
	}
	return files, b.Made, nil
}

// membersOf says which extent of the volume is each of those in the backup: -1 where it is not
// there.
func membersOf(b *backup.Backup, v *vmfs.Volume) (members []int, err error) {
	known := 0
	for _, m := range b.Members {
		at := -1
		for i := range v.Members {
			if v.Members[i].Header.UUID().String() == m.UUID {
				at, known = i, known+1
			}
		}
		members = append(members, at)
	}
	if known == 0 {
		return nil, &control.Problem{
			Title: fmt.Sprintf("%s is of the volume %q (%s), on other extents than those of %q (%s)", b.Path, b.Volume.Label, b.Volume.UUID, v.Label(), v.UUID()),
			Hint:  "Name a backup of this volume: lunar vmfs backups DIR lists them.",
		}
	}
	return members, nil
}

// contentsOf reads a small file that is in the backup; nil where it is not.
func contentsOf(b *backup.Backup, path string) func() ([]byte, error) {
	part := b.Part("files" + path)
	if part == nil {
		return nil
	}
	return func() ([]byte, error) {
		r, err := b.Open(part)
		if err != nil {
			return nil, err
		}
		data, err := io.ReadAll(io.LimitReader(r, part.Size+1))
		return data, errors.Join(err, r.Close())
	}
}
