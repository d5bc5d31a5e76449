package control

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/lunarsan/lunar/sbd"
)

// The identity of a new unit. It enters what initiators remember, VMFS headers among it, so it
// does not follow the program's version.
const (
	defaultVendor    = "LUNAR"
	defaultProduct   = "LUN"
	defaultRevision  = "0001"
	defaultVersion   = 6 // SPC-4
	defaultBlockSize = 512
)

// CreateUnit makes a unit on the store at r.Path, and the store too when there is nothing.
func (d *Daemon) CreateUnit(ctx context.Context, r UnitCreate) (UnitInfo, error) {
	if r.GUID == GUIDAsCOMSTAR {
		r.GUID = d.guids.GUID().String()
	}
	end, err := d.begin(ctx)
	if err != nil {
		return UnitInfo{}, err
	}
	defer end()
	if r.AsOriginal {
		if err := d.asOriginal(&r, 0); err != nil {
			return UnitInfo{}, err
		}
	}
	record, err := r.record()
	if err != nil {
		return UnitInfo{}, err
	}
	if err := d.mayServe(&record); err != nil {
		return UnitInfo{}, err
	}
	if err := d.place(&record, r); err != nil {
		return UnitInfo{}, err
	}
	s, err := d.makeStore(&record)
	var u *unit
	if err == nil {
		u, err = d.addUnit(record, s)
	}
	if err != nil {
		if record.OwnStore {
			err = joinUndo(err, os.Remove(record.Path))
		}
		return UnitInfo{}, err
	}
	d.log.Info("created a unit", "unit", record.GUID, "luns", record.luns(), "path", record.Path)
	d.mu.RLock()
	defer d.mu.RUnlock()
	return u.info(), nil
}

// record checks r and returns what it asks for.
func (r UnitCreate) record() (unitRecord, error) {
	record := unitRecord{
		Serial:     r.Serial,
		Vendor:     cmp.Or(r.Vendor, defaultVendor),
		Product:    cmp.Or(r.Product, defaultProduct),
		Revision:   cmp.Or(r.Revision, defaultRevision),
		Version:    cmp.Or(r.Version, defaultVersion),
		BlockSize:  cmp.Or(r.BlockSize, defaultBlockSize),
		Path:       r.Path,
		Size:       r.Size,
		Alias:      r.Alias,
		Thin:       r.Thin,
		Alarm:      r.Alarm,
		ReadOnly:   r.ReadOnly,
		Direct:     r.Direct,
		WriteCache: r.WriteCache,
		Created:    time.Now().UTC().Truncate(time.Second),
	}
	if r.GUID == "" {
		record.GUID = sbd.NewGUID()
	} else if err := record.GUID.UnmarshalText([]byte(r.GUID)); err != nil {
		return record, refuse(err.Error(), guidHint)
	}
	if record.Serial == "" {
		record.Serial = record.GUID.String()
	}
	if r.LUN != nil && r.NoView {
		return record, refuse("a unit without a view has no LUN", "Leave out one of --lun and --no-view.")
	}
	if err := record.checkIdentity(); err != nil {
		return record, err
	}
	switch {
	case !filepath.IsAbs(r.Path):
		return record, refuse(fmt.Sprintf("%q is not an absolute path", r.Path), "Name the store from the root directory on.")
	case r.Size < 0 || r.Size%int64(record.BlockSize) != 0:
		return record, refuse(fmt.Sprintf("%d bytes is not a whole number of blocks of %d bytes", r.Size, record.BlockSize),
			"Choose a multiple of the block size.")
	}
	record.Path = filepath.Clean(r.Path)
	return record, errors.Join(checkAlias(r.Alias), checkAlarm(r.Alarm))
}

func checkAlarm(percent int) error {
	if percent < 0 || percent > 100 {
		return refuse(fmt.Sprintf("an alarm at %d%% cannot be", percent), "Choose 1% to 100%: how full the pool is when initiators are warned.")
	}
	return nil
}

// maxAlias bounds the names that people give, in bytes (RFC 7143 §13.6).
const maxAlias = 255

func checkAlias(s string) error {
	if len(s) > maxAlias || strings.ContainsFunc(s, func(c rune) bool { return c < 0x20 || c == 0x7f || c == '\ufffd' }) {
		return refuse(fmt.Sprintf("%q is not an alias", s), fmt.Sprintf("Use up to %d bytes of text on one line.", maxAlias))
	}
	return nil
}

// place gives r a view for all, unless nobody is to see it yet, at the LUN asked for or the lowest
// that is free. It refuses what another unit has already.
func (d *Daemon) place(r *unitRecord, asked UnitCreate) error {
	if err := d.unserved(r.Path); err != nil {
		return err
	}
	if !asked.NoView {
		v, err := d.placeView(viewRecord{}, asked.LUN)
		if err != nil {
			return err
		}
		r.Views = []viewRecord{v}
	}
	d.mu.RLock()
	defer d.mu.RUnlock()
	return d.distinct(r, nil)
}

// unserved refuses a store that another unit has already.
func (d *Daemon) unserved(path string) error {
	d.mu.RLock()
	defer d.mu.RUnlock()
	for _, u := range d.units {
		if u.record.Path == path {
			return conflict(fmt.Sprintf("%s is the store of unit %s already", path, u.record.GUID), "A store serves one unit.")
		}
	}
	return nil
}

// makeStore opens the store of r, or makes it, and notes which in r.OwnStore.
func (d *Daemon) makeStore(r *unitRecord) (sbd.Store, error) {
	info, err := os.Stat(r.Path)
	nothing := errors.Is(err, fs.ErrNotExist)
	empty := err == nil && info.Mode().IsRegular() && info.Size() == 0
	switch {
	case (nothing || empty) && r.Size == 0:
		return nil, refuse("there is nothing at "+r.Path, "Say how large to make it (--size 10G), or name a file or device that is there.")
	case nothing || empty:
		if err := sbd.Create(r.Path, r.Size, r.Thin); err != nil {
			return nil, storeProblem(r.Path, err)
		}
		r.OwnStore = nothing
	}
	s, err := d.opts.openStore(r.Path, r.openOptions())
	if err != nil {
		return nil, storeProblem(r.Path, err)
	}
	if has := s.Size(); r.Size > has {
		return nil, errors.Join(conflict(fmt.Sprintf("%s has %d bytes, fewer than the %d asked for", r.Path, has, r.Size),
			"Leave --size out to take all of it, or choose less."), s.Close())
	}
	return s, nil
}

// storeProblem tells an operator what to do about a store that cannot be had.
func storeProblem(path string, err error) *Problem {
	p := conflict(err.Error(), "Is it the right path, and may the daemon read and write it?")
	switch {
	case errors.Is(err, sbd.ErrInUse):
		p.Hint = "Something else uses it: find out what with fuser " + path + " or lsblk."
	case errors.Is(err, sbd.ErrReadOnly):
		p.Hint = "Serve it with --read-only, or make it writable."
	case errors.Is(err, errors.ErrUnsupported):
		p.Hint = "Name a regular file or a disk; --direct wants one that can go past the page cache in blocks of the unit."
	case errors.Is(err, sbd.ErrNoSpace):
		p.Hint = "Make room, choose a smaller --size, or another place."
	}
	p.cause = err
	return p
}

// addUnit makes the unit of r on s, shows it, and saves it; on failure nothing of it stays
// and s is closed. Daemon.change is held.
func (d *Daemon) addUnit(r unitRecord, s sbd.Store) (*unit, error) {
	u := d.newUnit(r)
	if err := u.unit.Attach(s); err != nil {
		u.lu.Close()
		return nil, errors.Join(err, s.Close())
	}
	u.record.Size = u.unit.Size()
	failed := func(err error) (*unit, error) {
		err = errors.Join(err, u.unit.Detach(errors.New("it could not be created")))
		u.lu.Close()
		return nil, err
	}
	if u.record.Size == 0 {
		return failed(refuse(fmt.Sprintf("%s holds less than a block", r.Path), "Choose a larger store."))
	}
	if err := d.device.ChangeViews(nil, r.views(u.lu)); err != nil {
		return failed(viewConflict(err))
	}
	if err := d.state.Update(func(tx Tx) error { return unitKind.put(tx, r.GUID.String(), u.record) }); err != nil {
		d.device.RemoveUnit(u.lu)
		return failed(err)
	}
	d.mu.Lock()
	d.units[r.GUID] = u
	d.mu.Unlock()
	return u, nil
}
