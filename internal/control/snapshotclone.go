package control

import "context"

// CloneSnapshot makes a unit on a clone of a snapshot. Other units' hosts take it for another disk:
// its GUID and its serial number are its own. It is removed with the unit.
func (d *Daemon) CloneSnapshot(ctx context.Context, name string, r SnapshotClone) (UnitInfo, error) {
	if r.GUID == GUIDAsCOMSTAR {
		r.GUID = d.guids.GUID().String()
	}
	end, err := d.begin(ctx)
	if err != nil {
		return UnitInfo{}, err
	}
	defer end()
	v, all, i, err := d.findSnapshot(ctx, name)
	if err != nil {
		return UnitInfo{}, err
	}
	of, err := d.find(unitOf(name))
	if err != nil {
		return UnitInfo{}, err
	}
	asked := UnitCreate{
		Path: of.record.Path, GUID: r.GUID, LUN: r.LUN, NoView: r.NoView, Alias: r.Alias,
		Vendor: of.record.Vendor, Product: of.record.Product, Revision: of.record.Revision, Version: of.record.Version,
		BlockSize: of.record.BlockSize, Thin: of.record.Thin, Alarm: of.record.Alarm, Direct: of.record.Direct, WriteCache: of.record.WriteCache,
	}
	record, err := asked.record()
	if err != nil {
		return UnitInfo{}, err
	}
	record.Clone = &cloneRecord{Volume: of.record.Path, Snapshot: all[i].Name, Name: "lu-" + record.GUID.String()}
	if record.Path, err = v.Clone(ctx, all[i].Name, record.Clone.Name); err != nil {
		return UnitInfo{}, snapshotProblem(err)
	}
	u, err := d.addClone(record, asked)
	if err != nil {
		return UnitInfo{}, joinUndo(err, v.Unclone(context.WithoutCancel(ctx), record.Clone.Name))
	}
	d.log.Info("created a unit on a clone", "unit", record.GUID, "luns", u.record.luns(), "path", record.Path)
	d.mu.RLock()
	defer d.mu.RUnlock()
	return u.info(), nil
}

// addClone makes the unit of a clone that is there. Daemon.change is held.
func (d *Daemon) addClone(r unitRecord, asked UnitCreate) (*unit, error) {
	if err := d.place(&r, asked); err != nil {
		return nil, err
	}
	s, err := d.opts.openStore(r.Path, r.openOptions())
	if err != nil {
		return nil, storeProblem(r.Path, err)
	}
	return d.addUnit(r, s)
}
