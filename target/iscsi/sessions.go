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
}

// Sessions lists the sessions, oldest first.
func (s *Server) Sessions() []SessionInfo {
	s.mu.Lock()
	defer s.mu.Unlock()
	infos := make([]SessionInfo, 0, len(s.byTSIH))
	for _, sess := range s.byTSIH {
		var ports scsi.Names
		if sess.nexus != nil {
			ports = sess.nexus.Names
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
		})
	}
	slices.SortFunc(infos, func(a, b SessionInfo) int { return cmp.Compare(a.ID, b.ID) })
	return infos
}
