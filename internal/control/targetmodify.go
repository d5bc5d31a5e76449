package control

import (
	"cmp"
	"context"
	"slices"
)

// ModifyTarget changes a target. Sessions that may no longer be on it are closed; the others
// stay, whatever they have proved at their login. It gets another name last.
func (d *Daemon) ModifyTarget(ctx context.Context, name string, r TargetModify) (TargetInfo, error) {
	end, err := d.begin(ctx)
	if err != nil {
		return TargetInfo{}, err
	}
	defer end()
	before, err := d.findTarget(name)
	if err != nil {
		return TargetInfo{}, err
	}
	record := before
	becomes := record.Name
	if r.Name != nil {
		if becomes, err = parseName(*r.Name); err != nil {
			return TargetInfo{}, err
		}
	}
	set(&record.Alias, r.Alias)
	if err := checkAlias(record.Alias); err != nil {
		return TargetInfo{}, err
	}
	if r.Groups != nil {
		record.Groups = slices.Clone(*r.Groups)
	}
	if r.Initiators != nil {
		if record.Initiators, err = parseNames(*r.Initiators); err != nil {
			return TargetInfo{}, err
		}
	}
	if err := r.prove(&record); err != nil {
		return TargetInfo{}, err
	}
	if err := d.checkAuth("target "+record.Name, record.Auth); err != nil {
		return TargetInfo{}, err
	}
	if err := d.checkRename(record, becomes, r.Force); err != nil {
		return TargetInfo{}, err
	}
	was, err := d.targetOf(before)
	if err != nil {
		return TargetInfo{}, err
	}
	t, err := d.targetOf(record)
	if err != nil {
		return TargetInfo{}, err
	}
	if err := d.device.ChangeTarget(t); err != nil {
		return TargetInfo{}, conflict(err.Error(), "Choose another secret or CHAP user.")
	}
	if t.Offline != was.Offline { // its secret was not known
		if err := d.device.SetOffline(t.Name, t.Offline); err != nil {
			return TargetInfo{}, err
		}
	}
	if err := d.state.Update(func(tx Tx) error {
		if err := targetKind.put(tx, record.Name, record); err != nil {
			return err
		}
		return d.putPorts(tx)
	}); err != nil {
		return TargetInfo{}, joinUndo(err, d.device.ChangeTarget(was))
	}
	d.closeBarred()
	d.log.Info("modified a target", "target", record.Name, "auth", record.Auth, "portal_groups", record.Groups, "initiators", record.Initiators)
	if becomes != record.Name {
		if record, err = d.renameTarget(record, becomes); err != nil {
			return TargetInfo{}, err
		}
	}
	return d.targetInfo(record), nil
}

// prove puts what r says of authentication into record.
func (r *TargetModify) prove(record *targetRecord) (err error) {
	set(&record.Auth, r.Auth)
	silent := len(r.SelfSecret) == 0 && r.SelfUser == nil
	if silent && (record.Auth == "none" || record.Auth == "chap") {
		record.Self = nil // nothing asks for it any more
		return nil
	}
	if silent && record.Self == nil {
		return nil
	}
	own := cmp.Or(record.Self, new(credential))
	user, secret := own.User, own.Secret
	set(&user, r.SelfUser)
	if len(r.SelfSecret) > 0 {
		secret = r.SelfSecret
	}
	record.Self, err = newCredential(user, record.Name, secret)
	return err
}

// closeBarred closes the sessions that could not be made any more.
func (d *Daemon) closeBarred() {
	for _, s := range d.server.Sessions() {
		from := s.Remote.Addr()
		if s.Target == "" && d.device.Takes(s.Tag, from) || s.Target != "" && d.device.MayUse(s.Initiator, s.Target, s.Tag, from) {
			continue
		}
		if d.server.CloseSession(s.ID) {
			d.log.Info("closed a session whose initiator may not use the target any more",
				"session", s.ID, "initiator", s.Initiator, "target", s.Target, "peer", s.Remote)
		}
	}
}
