package iscsi

import (
	"net/netip"

	"github.com/lunarsan/lunar/target"
)

// A login is the login phase of one connection: a pure state machine, fed Login requests and
// giving Login responses (RFC 7143 §6.3, §11.12, §11.13).
type login struct {
	params Params
	isid   [6]byte
	cid    uint16
	tsih   uint16
}

// newLogin starts a login through the portal group tag, reached at local.
func newLogin(d *target.Device, tag uint16, local netip.AddrPort) *login { panic("unwritten") }

// step takes one Login request: its header and data segment. It returns the header of the
// response (StatSN, ExpCmdSN, MaxCmdSN and, for a new session, TSIH are the caller's to
// fill) and its data segment. done: the login is over, with the response's status telling how;
// a login that failed carries the reason in err, for the log.
func (l *login) step(req *BHS, data []byte) (resp BHS, text []byte, done bool, err error) {
	panic("unwritten")
}
