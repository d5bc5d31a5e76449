package control

import (
	"context"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/lunarsan/lunar/target/iscsi"
)

// A SessionStatus is a session with what it does.
type SessionStatus struct {
	SessionDetail
	Units  int           `json:"units"`          // that it sees
	LUNs   []SessionUnit `json:"luns,omitempty"` // these units, where one session was asked for
	Idle   int64         `json:"idle_seconds"`   // since the last command
	Recent Load          `json:"recent"`         // over the last seconds
	Total  Load          `json:"total"`          // since the login
}

// A SessionUnit is a unit that a session sees.
type SessionUnit struct {
	LUN  int    `json:"lun"`
	GUID string `json:"guid"`
	Idle int64  `json:"idle_seconds"` // since it last did I/O there; -1: never
}

// Sessions returns the sessions, oldest first.
func (d *Daemon) Sessions(context.Context) ([]SessionStatus, error) {
	infos, loads := d.server.Sessions(), d.server.Loads()
	sessions := make([]SessionStatus, 0, len(infos))
	for _, s := range infos {
		sessions = append(sessions, statusOf(s, loads[s.ID]))
	}
	return sessions, nil
}

func statusOf(s iscsi.SessionInfo, l iscsi.SessionLoad) SessionStatus {
	return SessionStatus{SessionDetail: detailOf(s), Units: s.Units, Idle: int64(l.Idle / time.Second),
		Recent: loadOf(&l.Recent), Total: loadOf(&l.Total)}
}

// Session returns the session with the number id, and what it sees.
func (d *Daemon) Session(_ context.Context, id string) (SessionStatus, error) {
	s, err := d.findSession(id)
	if err != nil {
		return SessionStatus{}, err
	}
	status := statusOf(s, d.server.Loads()[s.ID])
	seen, _ := d.server.SessionUnits(s.ID) // none, if it has ended meanwhile
	for _, u := range seen {
		unit := SessionUnit{LUN: u.LUN, GUID: u.Unit.Unit().Identity().GUID.String(), Idle: -1}
		if u.Ago >= 0 {
			unit.Idle = int64(u.Ago / time.Second)
		}
		status.LUNs = append(status.LUNs, unit)
	}
	return status, nil
}

// findSession returns the session with the number id.
func (d *Daemon) findSession(id string) (iscsi.SessionInfo, error) {
	n, err := strconv.ParseUint(id, 10, 64)
	if err != nil {
		return iscsi.SessionInfo{}, refuse(fmt.Sprintf("%q is not the number of a session", id), "lunar session list shows the sessions.")
	}
	for _, s := range d.server.Sessions() {
		if s.ID == n {
			return s, nil
		}
	}
	return iscsi.SessionInfo{}, missing(fmt.Sprintf("there is no session %d", n), "lunar session list shows the sessions.")
}

func sessionOf(s iscsi.SessionInfo) Session {
	return Session{
		ID:         s.ID,
		Initiator:  s.Initiator,
		Alias:      s.Params.InitiatorAlias,
		Target:     s.Target,
		Group:      s.Tag,
		ISID:       hex.EncodeToString(s.ISID[:]),
		TSIH:       s.TSIH,
		Peer:       s.Remote.String(),
		Local:      s.Local.String(),
		CHAPUser:   s.Params.CHAPUser,
		Digests:    digestsOf(s.Params),
		Since:      s.Since.UTC(),
		Commands:   s.Traffic.Commands,
		ReadBytes:  s.Traffic.ReadBytes,
		WriteBytes: s.Traffic.WriteBytes,
	}
}

// digestsOf names the digests that a session uses.
func digestsOf(p iscsi.Params) string {
	switch {
	case p.HeaderDigest && p.DataDigest:
		return "header+data"
	case p.HeaderDigest:
		return "header"
	case p.DataDigest:
		return "data"
	}
	return "none"
}

// CloseSession closes the session with the number id; its initiator may log in again.
func (d *Daemon) CloseSession(_ context.Context, id string) (Session, error) {
	s, err := d.findSession(id)
	if err != nil {
		return Session{}, err
	}
	if d.server.CloseSession(s.ID) { // else it has just ended
		d.log.Info("closed a session", "session", s.ID)
	}
	return sessionOf(s), nil
}

// countSessions counts the sessions on a target, or on all ("").
func (d *Daemon) countSessions(name string) int {
	n := 0
	for _, s := range d.server.Sessions() {
		if s.Target != "" && (name == "" || s.Target == name) {
			n++
		}
	}
	return n
}

// sessionsThrough returns the sessions through a portal group.
func (d *Daemon) sessionsThrough(tag uint16) []iscsi.SessionInfo {
	return slices.DeleteFunc(d.server.Sessions(), func(s iscsi.SessionInfo) bool { return s.Tag != tag })
}
