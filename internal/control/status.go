package control

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/lunarsan/lunar/sbd"
)

// A Status is how the daemon is.
type Status struct {
	Version  string      `json:"version"`
	PID      int         `json:"pid"`
	Started  time.Time   `json:"started"`
	StateDir string      `json:"state_dir"`
	Units    []UnitInfo  `json:"units"`
	Pools    []PoolInfo  `json:"pools"` // of thin units
	Targets  int         `json:"targets"`
	Groups   []GroupInfo `json:"portal_groups"`
	Sessions int         `json:"sessions"`
	Memory   MemoryInfo  `json:"memory"`
	Alarms   []string    `json:"alarms"` // what an operator should look at
}

// A MemoryInfo tells about the I/O buffers, in bytes.
type MemoryInfo struct {
	Budget int64 `json:"budget"`
	InUse  int64 `json:"in_use"`
}

// Status tells how the daemon is.
func (d *Daemon) Status(ctx context.Context) (Status, error) {
	s := Status{
		Version:  d.opts.Version,
		PID:      os.Getpid(),
		Started:  d.started.UTC(),
		StateDir: d.opts.StateDir,
		Sessions: d.countSessions(""),
		Memory:   MemoryInfo{Budget: d.pool.Budget(), InUse: d.pool.InUse()},
		Pools:    d.Pools(),
		Alarms:   []string{},
	}
	var err error
	if s.Units, err = d.Units(ctx); err != nil {
		return s, err
	}
	if s.Groups, err = d.Groups(ctx); err != nil {
		return s, err
	}
	targets, err := targetKind.list(d.state)
	if err != nil {
		return s, err
	}
	s.Targets = len(targets)
	closed, err := d.closedSecrets(ctx)
	if err != nil {
		return s, err
	}
	s.Alarms = append(s.Alarms, closed...)
	for _, u := range s.Units {
		if u.State != UnitOnline && u.State != UnitRetired {
			s.Alarms = append(s.Alarms, fmt.Sprintf("unit %s is %s: %s", u.called(), u.State, u.cause()))
		}
	}
	for _, u := range s.Units {
		if u.Sanitize != "" {
			s.Alarms = append(s.Alarms, fmt.Sprintf("unit %s is being sanitized for an initiator: %s", u.GUID, u.Sanitize))
		}
	}
	for _, p := range s.Pools {
		if alarm := p.alarm(); alarm != "" {
			s.Alarms = append(s.Alarms, alarm)
		}
	}
	for _, g := range s.Groups {
		for _, p := range g.Portals {
			if p.State == PortalWaiting {
				s.Alarms = append(s.Alarms, fmt.Sprintf("portal %s of group %s is %s: %s", p.Address, g.Name, p.State, p.Reason))
			}
		}
	}
	registered, err := d.ISNS(ctx)
	if err != nil {
		return s, err
	}
	if alarm := registered.alarm(); alarm != "" {
		s.Alarms = append(s.Alarms, alarm)
	}
	asked, err := d.RADIUS(ctx)
	if err != nil {
		return s, err
	}
	needed, err := d.asksRADIUS()
	if err != nil {
		return s, err
	}
	if alarm := asked.alarm(); alarm != "" && (needed || asked.Reason != "") {
		s.Alarms = append(s.Alarms, alarm)
	}
	s.Alarms = append(append(s.Alarms, d.lateJobs()...), d.stoppedDRs()...)
	if d.pool.Full() {
		s.Alarms = append(s.Alarms, "the memory budget is spent: initiators are held back (lunar serve --memory)")
	}
	return s, nil
}

// closedSecrets tells what is closed because its secret is not known.
func (d *Daemon) closedSecrets(ctx context.Context) (alarms []string, err error) {
	say := func(what, reason string) {
		if reason != "" {
			alarms = append(alarms, what+": "+reason)
		}
	}
	targets, err := d.Targets(ctx)
	if err != nil {
		return nil, err
	}
	for _, t := range targets {
		say(fmt.Sprintf("target %s is %s", t.Name, t.State), t.Reason)
	}
	initiators, err := d.Initiators(ctx)
	if err != nil {
		return nil, err
	}
	for _, i := range initiators {
		say(fmt.Sprintf("initiator %s cannot prove itself", i.Name), i.Reason)
	}
	groups, err := d.MemberGroups(ctx, HostGroups)
	if err != nil {
		return nil, err
	}
	for _, g := range groups {
		say(fmt.Sprintf("no member of host group %q can use its secret", g.Name), g.Reason)
	}
	discovery, err := d.Discovery(ctx)
	say("discovery is closed", discovery.Reason)
	return alarms, err
}

// called is what an operator knows the unit by.
func (u UnitInfo) called() string {
	if u.Alias == "" {
		return u.GUID
	}
	return fmt.Sprintf("%s (%s)", u.GUID, u.Alias)
}

// cause is why the unit has no store.
func (u UnitInfo) cause() string { return causeOf(u.Reason) }

// causeOf is reason, which says why a unit has no store, without the words that it has none.
func causeOf(reason string) string {
	for _, state := range []error{sbd.ErrAwaited, sbd.ErrOffline} {
		reason = strings.TrimPrefix(reason, state.Error()+": ")
	}
	return reason
}
