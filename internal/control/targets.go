package control

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/lunarsan/lunar/target"
)

// namePrefix begins the names of targets that nobody named.
const namePrefix = "iqn.2026-11.io.github.lunarsan:"

// authMethods are the words for what a target or discovery asks of an initiator.
var authMethods = []struct {
	word   string
	method target.AuthMethod
}{
	{"none", target.AuthNone},
	{"chap", target.AuthCHAP},
	{"mutual", target.AuthMutual},
	{"radius", target.AuthRADIUS},
}

// loadTargets makes the targets of the state.
func (d *Daemon) loadTargets() error {
	records, err := targetKind.list(d.state)
	if err != nil {
		return err
	}
	for _, r := range records {
		t, err := d.targetOf(r)
		if err == nil {
			err = d.device.AddTarget(t)
		}
		if err != nil {
			return fmt.Errorf("target %s: %w", r.Name, err)
		}
	}
	return d.savePorts()
}

// targetOf is the target that r describes.
func (d *Daemon) targetOf(r targetRecord) (target.Target, error) {
	groups, err := d.groups()
	if err != nil {
		return target.Target{}, err
	}
	return d.targetAmong(groups, r)
}

// targetAmong is the target that r describes where there are groups.
func (d *Daemon) targetAmong(groups []groupRecord, r targetRecord) (target.Target, error) {
	if d.lost(string(targetKind)+r.Name, r.Self) != "" {
		r.Auth, r.Self, r.Offline = "none", nil, true // nobody gets in
	}
	auth, err := authOf(r.Auth, r.Self)
	t := target.Target{Name: r.Name, Alias: r.Alias, Auth: auth, Offline: r.Offline, Initiators: r.Initiators}
	if err != nil {
		return t, err
	}
	for _, name := range r.Groups {
		i := slices.IndexFunc(groups, func(g groupRecord) bool { return g.Name == name })
		if i < 0 {
			return t, missing(fmt.Sprintf("there is no portal group %q", name), "lunar tpg list shows the portal groups.")
		}
		t.Groups = append(t.Groups, groups[i].Tag)
	}
	return t, nil
}

// authOf is what the words of a record mean. self is needed for mutual authentication, may be there
// for RADIUS, and is wrong for every other.
func authOf(word string, self *credential) (target.Auth, error) {
	for _, m := range authMethods {
		if m.word != word {
			continue
		}
		mutual := m.method == target.AuthMutual
		switch {
		case mutual && self == nil:
			return target.Auth{}, refuse("mutual authentication needs a secret of the target's own",
				"Give --chap-user and --chap-secret-file: what the target proves itself with.")
		case !mutual && self != nil && m.method != target.AuthRADIUS:
			return target.Auth{}, refuse(fmt.Sprintf("authentication %q has no use for a secret of the target's own", word),
				"Choose --auth mutual, or give the initiator's secret with lunar initiator create.")
		}
		return target.Auth{Method: m.method, Self: credentialOf(self)}, nil
	}
	return target.Auth{}, refuse(fmt.Sprintf("%q is no way to authenticate", word), "Choose none, chap, mutual or radius.")
}

// CreateTarget makes a target.
func (d *Daemon) CreateTarget(ctx context.Context, r TargetCreate) (TargetInfo, error) {
	if err := checkAlias(r.Alias); err != nil {
		return TargetInfo{}, err
	}
	record := targetRecord{
		Name:    r.Name,
		Alias:   r.Alias,
		Groups:  r.Groups,
		Auth:    r.Auth,
		Created: time.Now().UTC().Truncate(time.Second),

		Initiators: r.Initiators,
	}
	if record.Name == "" {
		record.Name = inventName()
	}
	if record.Auth == "" {
		record.Auth = "none"
	}
	var err error
	if record.Name, err = parseName(record.Name); err != nil {
		return TargetInfo{}, err
	}
	if record.Self, err = newCredential(r.SelfUser, record.Name, r.SelfSecret); err != nil {
		return TargetInfo{}, err
	}
	if record.Initiators, err = parseNames(r.Initiators); err != nil {
		return TargetInfo{}, err
	}
	end, err := d.begin(ctx)
	if err != nil {
		return TargetInfo{}, err
	}
	defer end()
	if err := d.checkAuth("target "+record.Name, record.Auth); err != nil {
		return TargetInfo{}, err
	}
	t, err := d.targetOf(record)
	if err != nil {
		return TargetInfo{}, err
	}
	if err := d.device.AddTarget(t); err != nil {
		return TargetInfo{}, conflict(err.Error(), "lunar target list -v shows the targets.")
	}
	if err := d.state.Update(func(tx Tx) error {
		return errors.Join(targetKind.put(tx, record.Name, record), d.putPorts(tx))
	}); err != nil {
		return TargetInfo{}, joinUndo(err, d.device.RemoveTarget(record.Name))
	}
	d.log.Info("created a target", "target", record.Name, "auth", record.Auth)
	return d.targetInfo(record), nil
}

// parseName checks an iSCSI name and returns its one spelling.
func parseName(s string) (string, error) {
	name, err := target.ParseName(s)
	if err != nil {
		return "", refuse(err.Error(), "A name is like iqn.2026-11.org.example:disks.")
	}
	return name, nil
}

// parseNames checks iSCSI names and returns them in order, each once.
func parseNames(names []string) ([]string, error) {
	var parsed []string
	for _, s := range names {
		name, err := parseName(s)
		if err != nil {
			return nil, err
		}
		parsed = append(parsed, name)
	}
	slices.Sort(parsed)
	return slices.Compact(parsed), nil
}

// inventName makes up a name for a target, unique as far as the host's name is not.
func inventName() string {
	host, err := os.Hostname()
	if err != nil {
		host = "lunar"
	}
	host, _, _ = strings.Cut(strings.ToLower(host), ".")
	if !isHostName(host) {
		host = "lunar"
	}
	var random [4]byte
	_, _ = rand.Read(random[:]) // never fails
	return namePrefix + host + "-" + hex.EncodeToString(random[:])
}

// Targets returns the targets in order of their names.
func (d *Daemon) Targets(context.Context) ([]TargetInfo, error) {
	records, err := targetKind.list(d.state)
	if err != nil {
		return nil, err
	}
	sessions := make(map[string]int)
	for _, s := range d.server.Sessions() {
		sessions[s.Target]++
	}
	infos := make([]TargetInfo, 0, len(records))
	for _, r := range records {
		infos = append(infos, d.describeTarget(r, sessions[r.Name]))
	}
	return infos, nil
}

func (d *Daemon) targetInfo(r targetRecord) TargetInfo {
	return d.describeTarget(r, d.countSessions(r.Name))
}

func (d *Daemon) describeTarget(r targetRecord, sessions int) TargetInfo {
	info := TargetInfo{
		Name:     r.Name,
		Alias:    r.Alias,
		State:    TargetOnline,
		Groups:   r.Groups,
		Auth:     r.Auth,
		Sessions: sessions,
		Created:  r.Created,

		Initiators: r.Initiators,
	}
	info.Reason = d.lost(string(targetKind)+r.Name, r.Self)
	if r.Offline || info.Reason != "" {
		info.State = TargetOffline
	}
	if r.Self != nil {
		info.SelfUser = r.Self.User
	}
	return info
}

// findTarget returns the record of the target name.
func (d *Daemon) findTarget(name string) (r targetRecord, err error) {
	r, ok, err := targetKind.find(d.state, strings.ToLower(name))
	if err == nil && !ok {
		err = missing(fmt.Sprintf("there is no target %q", name), "lunar target list shows the targets.")
	}
	return r, err
}

// OnlineTarget lets initiators log in to a target again.
func (d *Daemon) OnlineTarget(ctx context.Context, name string) (TargetInfo, error) {
	return d.turnTarget(ctx, name, false)
}

// OfflineTarget closes a target's sessions and refuses logins, over restarts too.
func (d *Daemon) OfflineTarget(ctx context.Context, name string) (TargetInfo, error) {
	return d.turnTarget(ctx, name, true)
}

func (d *Daemon) turnTarget(ctx context.Context, name string, offline bool) (TargetInfo, error) {
	end, err := d.begin(ctx)
	if err != nil {
		return TargetInfo{}, err
	}
	defer end()
	r, err := d.findTarget(name)
	if err != nil {
		return TargetInfo{}, err
	}
	if reason := d.lost(string(targetKind)+r.Name, r.Self); reason != "" && !offline {
		return TargetInfo{}, conflict(fmt.Sprintf("target %s stays offline: %s", r.Name, reason), "lunar target modify sets another secret.")
	}
	if r.Offline == offline {
		return d.targetInfo(r), nil
	}
	r.Offline = offline
	save := func() error {
		return d.state.Update(func(tx Tx) error { return targetKind.put(tx, r.Name, r) })
	}
	turn := func() error { return d.device.SetOffline(r.Name, offline) }
	if offline {
		err = inOrder(save, turn)
	} else if err = inOrder(turn, save); err != nil {
		err = joinUndo(err, d.device.SetOffline(r.Name, true))
	}
	if err != nil {
		return TargetInfo{}, err
	}
	if offline {
		d.server.CloseTarget(r.Name)
	}
	info := d.targetInfo(r)
	d.log.Info("turned a target "+info.State, "target", r.Name)
	return info, nil
}

// inOrder performs steps up to the first that fails.
func inOrder(steps ...func() error) error {
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// DeleteTarget ends a target. Sessions on it are in the way unless r says to close them.
func (d *Daemon) DeleteTarget(ctx context.Context, name string, r TargetDelete) (TargetInfo, error) {
	end, err := d.begin(ctx)
	if err != nil {
		return TargetInfo{}, err
	}
	defer end()
	record, err := d.findTarget(name)
	if err != nil {
		return TargetInfo{}, err
	}
	info := d.targetInfo(record)
	if info.Sessions > 0 && !r.Force {
		return TargetInfo{}, conflict(fmt.Sprintf("target %s has %d %s", record.Name, info.Sessions, plural(info.Sessions, "session")),
			"Log the initiators out first, or close their sessions with --force.")
	}
	if err := d.state.Update(func(tx Tx) error { return targetKind.delete(tx, record.Name) }); err != nil {
		return TargetInfo{}, err
	}
	if err := d.device.RemoveTarget(record.Name); err != nil {
		return TargetInfo{}, err
	}
	d.server.CloseTarget(record.Name)
	d.log.Info("deleted a target", "target", record.Name)
	return info, nil
}
