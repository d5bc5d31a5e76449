package iscsi

import (
	"cmp"
	"net/netip"
	"slices"
	"time"

	"github.com/lunarsan/lunar/scsi"
)

// A SessionInfo describes a session.
type SessionInfo struct {
	ID            uint64 // of this server, never used again
	Initiator     string
	ISID          [6]byte
	Target        string     // empty in a discovery session
	Tag           uint16     // portal group
	Ports         scsi.Names // of its nexus; empty in a discovery session
	TSIH          uint16
	Params        Params // with the initiator's alias and the CHAP user
	Remote, Local netip.AddrPort
	Since         time.Time
	Traffic       Traffic
	Units         int // that it sees
}

// Sessions lists the sessions, oldest first.
func (s *Server) Sessions() []SessionInfo {
	s.mu.Lock()
	defer s.mu.Unlock()
	infos := make([]SessionInfo, 0, len(s.byTSIH))
	for _, sess := range s.byTSIH {
		var ports scsi.Names
		units := 0
		if sess.nexus != nil {
			ports, units = sess.nexus.Names, sess.nexus.Count()
		}
		infos = append(infos, SessionInfo{
			ID:        sess.id,
			Initiator: sess.key.initiator,
			ISID:      sess.key.isid,
			Target:    sess.key.target,
			Tag:       sess.key.tag,
			Ports:     ports,
			TSIH:      sess.tsih,
			Params:    sess.params,
			Remote:    addrPort(sess.conn.nc.RemoteAddr()),
			Local:     addrPort(sess.conn.nc.LocalAddr()),
			Since:     sess.since,
			Traffic:   sess.load.snapshot(),
			Units:     units,
		})
	}
	slices.SortFunc(infos, func(a, b SessionInfo) int { return cmp.Compare(a.ID, b.ID) })
	return infos
}

// SessionUnits returns what the session with the number id sees and uses, by LUN; false: there is
// no such session.
func (s *Server) SessionUnits(id uint64) ([]scsi.UnitUse, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, sess := range s.byTSIH {
		switch {
		case sess.id != id:
		case sess.nexus == nil:
			return nil, true
		default:
			return sess.nexus.Units(), true
		}
	}
	return nil, false
}
