package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/lunarsan/lunar/internal/control"
	"github.com/lunarsan/lunar/vmfs"
)

// A foundExtent is a partition of a volume that was found by looking for all.
type foundExtent struct {
	part vmfs.Partition
	info os.FileInfo // of what it is on
	name string
}

// A survey is all volumes that there are on the daemon's units and the block devices.
type survey struct {
	files   closers
	extents map[vmfs.UUID]foundExtent // by the LVM device
	order   []vmfs.UUID
	aliases map[string]string // of units, by the names of their devices
}

// backupAll calls take with each volume on units and devices, and the alias of its unit.
func (c *cli) backupAll(ctx context.Context, devices []string, take func(v *vmfs.Volume, alias string) error) error {
	s := &survey{extents: map[vmfs.UUID]foundExtent{}, aliases: map[string]string{}}
	var failed failures
	if err := c.surveyUnits(ctx, s); err != nil {
		failed = append(failed, err)
	}
	for _, path := range devices {
		if err := c.surveyDevice(s, path, path, 0); err != nil {
			failed = append(failed, err)
		}
	}
	if len(s.order) == 0 {
		failed = append(failed, &control.Problem{Title: "there is no VMFS volume on any unit or block device", Hint: "Name an IMAGE, or see lunar lu list."})
	}
	volumes, err := s.volumes()
	if err != nil {
		failed = append(failed, err)
	}
	for _, v := range volumes {
		for _, text := range v.Missing() {
			c.warn("%s: missing: %s", printable(v.Label()), text)
		}
		if err := take(v, s.aliases[v.Members[0].Device().Name]); err != nil {
			failed = append(failed, err)
		}
	}
	return joined(append(failed, s.files.Close())...)
}

// volumes opens the volumes of all extents: those that are whole alone, so that no other is in
// their way, and what is left together.
func (s *survey) volumes() (volumes []*vmfs.Volume, err error) {
	var left []vmfs.Partition
	for _, uuid := range s.order {
		part := s.extents[uuid].part
		alone, err := vmfs.OpenPartitions(part)
		if err != nil || len(alone) != 1 || alone[0].Missing() != nil {
			left = append(left, part)
			continue
		}
		volumes = append(volumes, alone...)
	}
	if len(left) == 0 {
		return volumes, nil
	}
	spans, err := vmfs.OpenPartitions(left...)
	used := map[string]bool{}
	for _, v := range spans {
		for _, m := range v.Members {
			used[m.String()] = true
		}
	}
	var failed []error
	for _, part := range left {
		if err == nil && !used[part.String()] {
			_, alone := vmfs.OpenPartitions(part)
			if alone == nil {
				alone = vmfs.ErrMissing
			}
			failed = append(failed, fmt.Errorf("%s could not be opened: %w", part.String(), alone))
		}
	}
	return append(volumes, spans...), joined(append(failed, err)...)
}

// surveyUnits looks at the daemon's units.
func (c *cli) surveyUnits(ctx context.Context, s *survey) error {
	units, err := c.client().Units(ctx)
	if errors.Is(err, control.ErrNotServing) {
		c.warn("no daemon answers: its units were not looked at")
		return nil
	}
	if err != nil {
		return err
	}
	var failed []error
	for _, u := range units {
		name := "lu:" + u.GUID
		s.aliases[name] = or(u.Alias, u.GUID)
		if err := c.surveyDevice(s, u.Path, name, u.Offset); err != nil && u.State == control.UnitOnline {
			failed = append(failed, err)
		}
	}
	return joined(failed...)
}

// surveyDevice looks at one device. One without a VMFS partition is none of our business, and nor is
// one that cannot be opened because there is no medium in it.
func (c *cli) surveyDevice(s *survey, path, name string, base int64) error {
	d, f, err := openDevice(path, base, true)
	if err != nil {
		if base == 0 && name == path {
			return nil
		}
		return err
	}
	d.Name = name
	parts, err := vmfs.Partitions(&d)
	if err != nil || len(parts) == 0 {
		_ = f.Close() // it was only read, and is not ours to complain of
		return nil
	}
	info, err := os.Stat(path)
	if err != nil {
		return errors.Join(err, f.Close())
	}
	s.files = append(s.files, io.Closer(f))
	for _, p := range parts {
		h := new(vmfs.LVMHeader)
		if _, err := p.ReadAt(h[:], 0x100000); err != nil {
			return err
		}
		other, twice := s.extents[h.UUID()]
		switch {
		case !twice:
			s.extents[h.UUID()] = foundExtent{p, info, p.String()}
			s.order = append(s.order, h.UUID())
		case !os.SameFile(info, other.info):
			c.warn("%s has the same extent of a volume as %s, and was left out", p.String(), other.name)
		}
	}
	return nil
}
