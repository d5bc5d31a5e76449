package control

import (
	"context"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"

	"github.com/lunarsan/lunar/target/iscsi"
)

// Sessions returns the sessions, oldest first.
func (d *Daemon) Sessions(context.Context) ([]Session, error) {
	infos := d.server.Sessions()
	sessions := make([]Session, 0, len(infos))
	for _, s := range infos {
		sessions = append(sessions, sessionOf(s))
	}
	return sessions, nil
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
	n, err := strconv.ParseUint(id, 10, 64)
	if err != nil {
		return Session{}, refuse(fmt.Sprintf("%q is not the number of a session", id), "lunar session list shows the sessions.")
	}
	for _, s := range d.server.Sessions() {
		if s.ID == n && d.server.CloseSession(n) {
			d.log.Info("closed a session", "session", n)
			return sessionOf(s), nil
		}
	}
	return Session{}, missing(fmt.Sprintf("there is no session %d", n), "lunar session list shows the sessions.")
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
