package control

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"path/filepath"

	"github.com/lunarsan/lunar/sbd"
	"github.com/lunarsan/lunar/vmfs"
)

// asOriginal puts into r the identity of the disk that the VMFS volume on r's store was made on,
// as its header has it, so that ESXi knows a replica for the original. The volume begins at
// offset of the store. What r says otherwise is refused, and so is an original that is served
// here. Daemon.change is held.
func (d *Daemon) asOriginal(r *UnitCreate, offset int64) error {
	if !filepath.IsAbs(r.Path) {
		return refuse(fmt.Sprintf("%q is not an absolute path", r.Path), "Name the store from the root directory on.")
	}
	if err := d.unserved(filepath.Clean(r.Path)); err != nil {
		return err
	}
	h, err := d.originalOf(r.Path, offset)
	if err != nil {
		return err
	}
	id := h.DiskID()
	if len(id.NAA()) != len(sbd.GUID{}) {
		return conflict(fmt.Sprintf("the volume's header knows its disk by another identifier than a GUID of 16 bytes: %s %q", id.Type(), id.Name()),
			"ESXi will take the volume for a snapshot: leave --as-original out, and force-mount or resignature the volume.")
	}
	if id.DeviceType() != 0 {
		return conflict(fmt.Sprintf("the volume's header has device type %#x", id.DeviceType()), "Units here are disks, of type 0.")
	}
	guid := sbd.GUID(id.NAA())
	if r.GUID != "" {
		asked, err := sbd.ParseGUID(r.GUID)
		if err != nil {
			return refuse(err.Error(), guidHint)
		}
		r.GUID = asked.String()
	}
	if err := d.originalServed(guid); err != nil {
		return err
	}
	if lun := int(id.LUN()); !r.NoView {
		if r.LUN == nil {
			r.LUN = &lun
		}
		if err := adopt("lun", r.LUN, lun); err != nil {
			return err
		}
	}
	return cmp.Or(
		adopt("guid", &r.GUID, guid.String()),
		adopt("vendor", &r.Vendor, orBlank(id.Vendor())),
		adopt("product", &r.Product, orBlank(id.Model())),
		adopt("revision", &r.Revision, orBlank(id.Revision())),
		adopt("version", &r.Version, id.SCSILevel()),
		adopt("block-size", &r.BlockSize, int(h.DiskBlockSize())),
	)
}

// originalServed refuses to serve a disk twice.
func (d *Daemon) originalServed(guid sbd.GUID) error {
	d.mu.RLock()
	defer d.mu.RUnlock()
	if u := d.units[guid]; u != nil {
		return conflict(fmt.Sprintf("the original is here: unit %s, on %s", guid, u.record.Path),
			"Hosts take two disks with one identity for one. Delete that unit first, or leave --as-original out and resignature this volume.")
	}
	return nil
}

// orBlank keeps an empty field of a header from standing for a default.
func orBlank(s string) string { return cmp.Or(s, " ") }

// adopt takes a field over from the header. What was asked for otherwise, by a flag of that name,
// is refused.
func adopt[T comparable](flag string, asked *T, header T) error {
	var none T
	if *asked != none && *asked != header {
		return conflict(fmt.Sprintf("the volume's header has %s %v, and not %v", flag, header, *asked), fmt.Sprintf("Leave one of --%s and --as-original out.", flag))
	}
	*asked = header
	return nil
}

// originalOf reads the header of the volume on a store. Partitions of one disk have the same
// identifier in theirs.
func (d *Daemon) originalOf(path string, offset int64) (found *vmfs.LVMHeader, err error) {
	s, err := d.opts.openStore(path, sbd.OpenOptions{ReadOnly: true})
	if err != nil {
		return nil, storeProblem(path, err)
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	size := s.Size() - offset
	if size <= 0 {
		return nil, conflict(fmt.Sprintf("%s has %d bytes, and the unit begins at %d", path, s.Size(), offset), "Is it the right store, and whole?")
	}
	parts, err := vmfs.Partitions(&vmfs.Device{Name: path, ReaderAt: io.NewSectionReader(s, offset, size), Size: size})
	if err == nil && len(parts) == 0 {
		err = vmfs.ErrNotFound
	}
	for i := range parts {
		h, errHeader := parts[i].LVMHeader()
		switch {
		case errHeader != nil:
			err = errors.Join(err, errHeader)
		case found == nil:
			found = h
		case *found.DiskID() != *h.DiskID():
			return nil, conflict(fmt.Sprintf("the partitions of %s were made on two disks, %s and %s", path, found.DiskID().Name(), h.DiskID().Name()),
				"Say which identity is wanted: --guid, --lun, --vendor, --product, --revision, --version.")
		}
	}
	if err != nil {
		return nil, conflict(fmt.Sprintf("%s: %v", path, err), "--as-original reads the identity from the header of a VMFS volume: name a store that holds one.")
	}
	return found, nil
}
