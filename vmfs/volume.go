package vmfs

import (
	"errors"
	"fmt"
	"strings"
)

// A Volume is a VMFS file system on its logical volume. It only reads, and never locks; all of
// it may be used from many goroutines at a time.
type Volume struct {
	*LV
	sb      *Superblock
	cluster int64 // small file blocks in a cluster, VMFS6
	files   [slots]*ResourceFile
	why     [slots]error // that there is no such file
}

// Open opens the one volume on devices, which are its extents in any order; partitions are
// found on them. An extent that is not there leaves the volume readable where it can be: see
// Missing.
func Open(devices ...Device) (*Volume, error) {
	found, err := Find(devices...)
	switch {
	case err != nil:
		return nil, err
	case len(found) > 1:
		var names []string
		for _, v := range found {
			names = append(names, fmt.Sprintf("%q (%s)", v.Superblock().Label(), v.UUID()))
		}
		return nil, fmt.Errorf("there are %d volumes: %s", len(found), strings.Join(names, ", "))
	}
	return found[0], nil
}

// Find opens all volumes on devices; there is at least one, or an error.
func Find(devices ...Device) ([]*Volume, error) {
	var parts []Partition
	for i := range devices {
		d := devices[i]
		found, err := Partitions(&d)
		if err != nil {
			return nil, err
		}
		if len(found) == 0 {
			return nil, fmt.Errorf("%w on %s: no LVM header, and no VMFS partition in a partition table", ErrNotFound, d.Name)
		}
		parts = append(parts, found...)
	}
	return OpenPartitions(parts...)
}

// OpenPartitions opens all volumes on parts; there is at least one, or an error.
func OpenPartitions(parts ...Partition) ([]*Volume, error) {
	var (
		members []*Member
		failed  error
	)
	for i := range parts {
		m, err := parts[i].members()
		failed = errors.Join(failed, err)
		members = append(members, m...)
	}
	lvs, err := assemble(members)
	failed = errors.Join(failed, err)
	var volumes []*Volume
	for _, lv := range lvs {
		v, err := open(lv)
		if err != nil {
			failed = errors.Join(failed, err)
			continue
		}
		volumes = append(volumes, v)
	}
	switch {
	case len(volumes) > 0:
		return volumes, nil
	case failed != nil:
		return nil, failed
	}
	return nil, ErrNotFound
}

// open reads what the volume's metadata begins with.
func open(lv *LV) (*Volume, error) {
	v := &Volume{LV: lv, sb: new(Superblock)}
	if _, err := v.ReadAt(v.sb[:], superblockOffset); err != nil {
		if errors.Is(err, ErrMissing) {
			err = fmt.Errorf("%w: its first extent is not among the devices, which are %s", err, strings.Join(lv.names(), ", "))
		}
		return nil, fmt.Errorf("reading the file system of volume %s: %w", lv.UUID(), err)
	}
	if err := v.sb.check(); err != nil {
		return nil, damaged("file system descriptor", superblockOffset, "%v", err)
	}
	return v, v.bootstrap()
}

// names are those of the members' partitions.
func (lv *LV) names() (names []string) {
	for _, m := range lv.Members {
		names = append(names, m.String())
	}
	return names
}

// Superblock is the file system's descriptor.
func (v *Volume) Superblock() *Superblock { return v.sb }

// UUID is that of the file system, which ESXi shows in /vmfs/volumes.
func (v *Volume) UUID() UUID { return v.sb.UUID() }

// Label is the name of the datastore.
func (v *Volume) Label() string { return v.sb.Label() }

// Root opens the root directory.
func (v *Volume) Root() (*File, error) {
	f, err := v.File(RootSlot.Address())
	if err != nil {
		return nil, err
	}
	f.name = "/"
	return f, nil
}

// Resources is the resource file in a slot, or an error that says why there is none.
func (v *Volume) Resources(s Slot) (*ResourceFile, error) {
	if s < 0 || s >= slots {
		return nil, fmt.Errorf("there is no system file %d", s)
	}
	if v.files[s] == nil {
		if v.why[s] != nil {
			return nil, v.why[s]
		}
		return nil, fmt.Errorf("the volume has no %s", s)
	}
	return v.files[s], nil
}
