package control

import (
	"context"
	"fmt"
	"os"
	"time"
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
	for _, u := range s.Units {
		if u.State != UnitOnline && u.State != UnitRetired {
			s.Alarms = append(s.Alarms, fmt.Sprintf("unit %s is %s: %s", u.GUID, u.State, u.Reason))
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
	if d.pool.Full() {
		s.Alarms = append(s.Alarms, "the memory budget is spent: initiators are held back (lunar serve --memory)")
	}
	return s, nil
}
