package control

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/lunarsan/lunar/internal/comstar"
	"github.com/lunarsan/lunar/sbd"
)

// ImportUnit makes a unit on a store that is there, as what served it before did: with what
// COMSTAR's metadata in the store, or in a file, say of it. A store without any is taken whole.
func (d *Daemon) ImportUnit(ctx context.Context, r UnitImport) (UnitImported, error) {
	for _, path := range []string{r.Path, cmp.Or(r.Meta, r.Path)} {
		if !filepath.IsAbs(path) {
			return UnitImported{}, refuse(fmt.Sprintf("%q is not an absolute path", path), "Name the store from the root directory on.")
		}
	}
	r.Path = filepath.Clean(r.Path)
	end, err := d.begin(ctx)
	if err != nil {
		return UnitImported{}, err
	}
	defer end()
	if err := d.unserved(r.Path); err != nil {
		return UnitImported{}, err
	}
	meta, err := d.readMeta(r)
	if err != nil {
		return UnitImported{}, err
	}
	create, err := r.create(meta)
	if err != nil {
		return UnitImported{}, err
	}
	if r.AsOriginal {
		// The header knows better than what COMSTAR showed by default.
		create.Vendor, create.Product, create.Revision, create.Version = "", "", "", 0
		var offset int64
		if meta != nil {
			offset = meta.Offset
		}
		if err := d.asOriginal(&create, offset); err != nil {
			return UnitImported{}, err
		}
	}
	record, err := create.record()
	if err != nil {
		return UnitImported{}, err
	}
	imported := UnitImported{}
	if meta != nil {
		record.Offset = meta.Offset
		imported.Metadata = meta.Version
		imported.Lost = lostOf(meta)
	}
	if err := d.place(&record, create); err != nil {
		return UnitImported{}, err
	}
	s, err := d.openImported(&record)
	if err != nil {
		return UnitImported{}, err
	}
	u, err := d.addUnit(record, s)
	if err != nil {
		return UnitImported{}, err
	}
	d.log.Info("imported a unit", "unit", record.GUID, "luns", record.luns(), "path", record.Path, "offset", record.Offset)
	d.mu.RLock()
	defer d.mu.RUnlock()
	imported.UnitInfo = u.info()
	return imported, nil
}

// readMeta reads COMSTAR's metadata; nil: there are none in the store.
func (d *Daemon) readMeta(r UnitImport) (*comstar.Meta, error) {
	path := cmp.Or(r.Meta, r.Path)
	s, err := d.opts.openStore(path, sbd.OpenOptions{ReadOnly: true})
	if err != nil {
		return nil, storeProblem(path, err)
	}
	meta, err := comstar.ReadMeta(io.NewSectionReader(s, 0, s.Size()))
	err = errors.Join(err, s.Close())
	apart := meta != nil && meta.Offset == 0
	switch {
	case errors.Is(err, comstar.ErrNoMeta) && r.Meta == "" && r.NeedMeta:
		return nil, conflict(fmt.Sprintf("%s: %v", path, err),
			fmt.Sprintf("COMSTAR keeps those of a zvol in a property of it: lunar lu import %s --guid GUID, with what sbdadm list-lu showed there.", path))
	case errors.Is(err, comstar.ErrNoMeta) && r.Meta == "":
		return nil, nil
	case errors.Is(err, comstar.ErrNoMeta):
		return nil, conflict(fmt.Sprintf("%s: %v", path, err), "Leave --meta out, and say what sbdadm list-lu showed with --guid.")
	case err != nil:
		return nil, conflict(fmt.Sprintf("%s: %v", path, err),
			"All of the metadata are in the first 64 KiB: restore those from a backup.")
	case apart && r.Meta == "":
		return nil, conflict(fmt.Sprintf("%s has the metadata of a unit, and its data are in %s", path, cmp.Or(meta.DataPath, "another store")),
			fmt.Sprintf("lunar lu import STORE --meta %s", path))
	case !apart && r.Meta != "":
		return nil, conflict(fmt.Sprintf("%s has the data of the unit too", path), fmt.Sprintf("lunar lu import %s", path))
	}
	return meta, nil
}

// create returns what to ask for to get the unit that meta describes; without any, and with a
// GUID that COMSTAR has made, as COMSTAR shows units.
func (r UnitImport) create(meta *comstar.Meta) (UnitCreate, error) {
	c := UnitCreate{Path: r.Path, GUID: r.GUID, LUN: r.LUN, NoView: r.NoView}
	if meta == nil {
		digits := strings.TrimPrefix(strings.ToLower(r.GUID), "naa.")
		if strings.HasPrefix(digits, comstar.Company) {
			c.Vendor, c.Product, c.Revision, c.Version = comstar.Vendor, comstar.Product, comstar.Revision, comstar.Version
		}
		return c, nil
	}
	if r.GUID != "" {
		if asked, err := sbd.ParseGUID(r.GUID); err != nil {
			return c, refuse(err.Error(), guidHint)
		} else if asked != meta.GUID {
			return c, conflict(fmt.Sprintf("the store has the GUID %s, and not %s", meta.GUID, asked),
				"Leave --guid out; lunar lu modify --guid --force makes another disk of it.")
		}
	}
	c.GUID = meta.GUID.String()
	c.Size = meta.Size
	c.Alias = meta.Alias
	c.Serial = meta.Serial
	c.Vendor, c.Product, c.Revision, c.Version = meta.Vendor, meta.Product, meta.Revision, comstar.Version
	c.BlockSize = meta.BlockSize
	c.ReadOnly = meta.ReadOnly
	c.WriteCache = meta.WriteCache
	return c, nil
}

// lostOf tells what of meta a unit here cannot have.
func lostOf(meta *comstar.Meta) (lost []string) {
	if meta.URL != "" {
		lost = append(lost, fmt.Sprintf("its management URL %s is not shown to initiators", meta.URL))
	}
	if meta.Serial == "" {
		lost = append(lost, "it had four spaces for a serial number, and has its GUID now")
	}
	return lost
}

// openImported opens the store of r. A file that is shorter than its unit, as COMSTAR's may be, is
// made as long, without taking space.
func (d *Daemon) openImported(r *unitRecord) (sbd.Store, error) {
	s, err := d.opts.openStore(r.Path, r.openOptions())
	if err != nil {
		return nil, storeProblem(r.Path, err)
	}
	needs := r.Offset + r.Size
	if s.Size() >= needs {
		return s, nil
	}
	short := func(hint string) error {
		return errors.Join(conflict(fmt.Sprintf("%s has %d bytes, and the unit needs %d", r.Path, s.Size(), needs), hint), s.Close())
	}
	resizer, ok := s.(sbd.Resizer)
	switch {
	case !ok:
		return nil, short("Part of it is missing: is it the right store, and whole?")
	case r.ReadOnly:
		return nil, short(fmt.Sprintf("It is write-protected, so make it as long yourself: truncate -s %d %s", needs, r.Path))
	}
	if err := resizer.Resize(needs); err != nil {
		return nil, errors.Join(storeProblem(r.Path, err), s.Close())
	}
	return s, nil
}
