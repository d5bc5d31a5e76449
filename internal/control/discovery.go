package control

import "context"

// discoveryName is the key of the one discovery record.
const discoveryName = "auth"

// loadDiscovery sets what discovery asks of initiators.
func (d *Daemon) loadDiscovery() error {
	r, err := d.discovery()
	if err != nil {
		return err
	}
	return d.setDiscovery(r)
}

func (d *Daemon) setDiscovery(r discoveryRecord) error {
	if d.lost(string(discoveryKind)+discoveryName, r.Self) != "" {
		d.device.CloseDiscovery()
		return nil
	}
	auth, err := authOf(r.Auth, r.Self)
	if err != nil {
		return err
	}
	return d.device.SetDiscoveryAuth(auth)
}

// discovery returns what was saved, or that discovery asks nothing.
func (d *Daemon) discovery() (r discoveryRecord, err error) {
	r, ok, err := discoveryKind.find(d.state, discoveryName)
	if !ok {
		r.Auth = "none"
	}
	return r, err
}

// Discovery tells what discovery asks of initiators.
func (d *Daemon) Discovery(context.Context) (DiscoveryInfo, error) {
	r, err := d.discovery()
	info := r.info()
	info.Reason = d.lost(string(discoveryKind)+discoveryName, r.Self)
	return info, err
}

func (r discoveryRecord) info() DiscoveryInfo {
	info := DiscoveryInfo{Auth: r.Auth}
	if r.Self != nil {
		info.SelfUser = r.Self.User
	}
	return info
}

// ModifyDiscovery changes what discovery asks of initiators.
func (d *Daemon) ModifyDiscovery(ctx context.Context, r DiscoveryModify) (DiscoveryInfo, error) {
	record := discoveryRecord{Auth: r.Auth}
	var err error
	if record.Self, err = newCredential(r.SelfUser, "lunar", r.SelfSecret); err != nil {
		return DiscoveryInfo{}, err
	}
	auth, err := authOf(record.Auth, record.Self)
	if err != nil {
		return DiscoveryInfo{}, err
	}
	end, err := d.begin(ctx)
	if err != nil {
		return DiscoveryInfo{}, err
	}
	defer end()
	if err := d.checkAuth("discovery", record.Auth); err != nil {
		return DiscoveryInfo{}, err
	}
	before, err := d.discovery()
	if err != nil {
		return DiscoveryInfo{}, err
	}
	if err := d.device.SetDiscoveryAuth(auth); err != nil {
		return DiscoveryInfo{}, conflict(err.Error(), "Choose another secret or CHAP user.")
	}
	if err := d.state.Update(func(tx Tx) error { return discoveryKind.put(tx, discoveryName, record) }); err != nil {
		return DiscoveryInfo{}, joinUndo(err, d.setDiscovery(before))
	}
	d.log.Info("modified discovery", "auth", record.Auth)
	return record.info(), nil
}
