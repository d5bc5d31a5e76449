package control

import (
	"context"
	"fmt"
	"strings"

	"github.com/lunarsan/lunar/target"
)

// loadInitiators makes the initiators of the state known.
func (d *Daemon) loadInitiators() error {
	records, err := initiatorKind.list(d.state)
	if err != nil {
		return err
	}
	for _, r := range records {
		if err := d.device.SetInitiator(initiatorOf(r)); err != nil {
			return fmt.Errorf("initiator %s: %w", r.Name, err)
		}
	}
	return nil
}

func initiatorOf(r initiatorRecord) target.Initiator {
	return target.Initiator{Name: r.Name, CHAP: credentialOf(r.CHAP), RADIUSUser: r.RADIUSUser}
}

// CreateInitiator makes an initiator known.
func (d *Daemon) CreateInitiator(ctx context.Context, r InitiatorCreate) (InitiatorInfo, error) {
	name, err := parseName(r.Name)
	if err != nil {
		return InitiatorInfo{}, err
	}
	if err := checkAlias(r.Alias); err != nil {
		return InitiatorInfo{}, err
	}
	record := initiatorRecord{Name: name, Alias: r.Alias}
	if record.RADIUSUser, err = checkRADIUSUser(r.RADIUSUser); err != nil {
		return InitiatorInfo{}, err
	}
	if record.CHAP, err = newCredential(r.CHAPUser, record.Name, r.CHAPSecret); err != nil {
		return InitiatorInfo{}, err
	}
	end, err := d.begin(ctx)
	if err != nil {
		return InitiatorInfo{}, err
	}
	defer end()
	switch _, err := d.findInitiator(record.Name); {
	case err == nil:
		return InitiatorInfo{}, conflict("initiator "+record.Name+" is known already", "Change it with lunar initiator modify.")
	case !isMissing(err):
		return InitiatorInfo{}, err
	}
	if err := d.setInitiator(record); err != nil {
		return InitiatorInfo{}, err
	}
	d.log.Info("created an initiator", "initiator", record.Name)
	return record.info(), nil
}

// ModifyInitiator changes an initiator's credential. Sessions that are logged in stay.
func (d *Daemon) ModifyInitiator(ctx context.Context, name string, r InitiatorModify) (InitiatorInfo, error) {
	end, err := d.begin(ctx)
	if err != nil {
		return InitiatorInfo{}, err
	}
	defer end()
	record, err := d.findInitiator(name)
	if err != nil {
		return InitiatorInfo{}, err
	}
	if record.CHAP, err = r.credential(record.CHAP, record.Name); err != nil {
		return InitiatorInfo{}, err
	}
	set(&record.RADIUSUser, r.RADIUSUser)
	if record.RADIUSUser, err = checkRADIUSUser(record.RADIUSUser); err != nil {
		return InitiatorInfo{}, err
	}
	if err := d.setInitiator(record); err != nil {
		return InitiatorInfo{}, err
	}
	d.log.Info("modified an initiator", "initiator", record.Name)
	return record.info(), nil
}

// checkRADIUSUser refuses what is no User-Name (RFC 2865 §5.1).
func checkRADIUSUser(user string) (string, error) {
	if len(user) > maxRADIUSUser || strings.ContainsRune(user, 0) {
		return "", refuse(fmt.Sprintf("%.80q is no name of a RADIUS user", user), fmt.Sprintf("Use up to %d bytes of text.", maxRADIUSUser))
	}
	return user, nil
}

const maxRADIUSUser = 253 // bytes: the value of an attribute

// credential is what r makes of c, which may be nil and belongs to name.
func (r InitiatorModify) credential(c *credential, name string) (*credential, error) {
	if r.NoCHAP {
		return nil, nil
	}
	var user string
	var secret Secret
	if c != nil {
		user, secret = c.User, c.Secret
	}
	set(&user, r.CHAPUser)
	if len(r.CHAPSecret) > 0 {
		secret = r.CHAPSecret
	}
	return newCredential(user, name, secret)
}

// setInitiator applies and saves r. Daemon.change is held.
func (d *Daemon) setInitiator(r initiatorRecord) error {
	before, known := d.findInitiator(r.Name)
	if err := d.device.SetInitiator(initiatorOf(r)); err != nil {
		return conflict(err.Error(), "Choose another secret or CHAP user.")
	}
	err := d.state.Update(func(tx Tx) error { return initiatorKind.put(tx, r.Name, r) })
	switch {
	case err == nil:
		return nil
	case known == nil:
		return joinUndo(err, d.device.SetInitiator(initiatorOf(before)))
	}
	d.device.RemoveInitiator(r.Name)
	return err
}

// Initiators returns the known initiators in order of their names.
func (d *Daemon) Initiators(context.Context) ([]InitiatorInfo, error) {
	records, err := initiatorKind.list(d.state)
	if err != nil {
		return nil, err
	}
	infos := make([]InitiatorInfo, 0, len(records))
	for _, r := range records {
		info := r.info()
		info.Reason = d.lost(string(initiatorKind)+r.Name, r.CHAP)
		infos = append(infos, info)
	}
	return infos, nil
}

func (r initiatorRecord) info() InitiatorInfo {
	info := InitiatorInfo{Name: r.Name, Alias: r.Alias, RADIUSUser: r.RADIUSUser}
	if r.CHAP != nil {
		info.CHAPUser = r.CHAP.User
	}
	return info
}

// findInitiator returns the record of the initiator name.
func (d *Daemon) findInitiator(name string) (r initiatorRecord, err error) {
	r, ok, err := initiatorKind.find(d.state, strings.ToLower(name))
	if err == nil && !ok {
		err = missing(fmt.Sprintf("there is no initiator %q", name), "lunar initiator list shows the initiators.")
	}
	return r, err
}

// DeleteInitiator forgets an initiator. Sessions that are logged in stay.
func (d *Daemon) DeleteInitiator(ctx context.Context, name string) (InitiatorInfo, error) {
	end, err := d.begin(ctx)
	if err != nil {
		return InitiatorInfo{}, err
	}
	defer end()
	r, err := d.findInitiator(name)
	if err != nil {
		return InitiatorInfo{}, err
	}
	if err := d.state.Update(func(tx Tx) error { return initiatorKind.delete(tx, r.Name) }); err != nil {
		return InitiatorInfo{}, err
	}
	d.device.RemoveInitiator(r.Name)
	d.log.Info("deleted an initiator", "initiator", r.Name)
	return r.info(), nil
}
