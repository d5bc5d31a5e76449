package iscsi

import (
	"context"
	"errors"
	"fmt"
	"net/netip"

	"github.com/lunarsan/lunar/target"
)

// loginSegment is the longest data segment before full feature phase, in bytes: the default
// of MaxRecvDataSegmentLength (RFC 7143 §13.12).
const loginSegment = 8192

// A login is the login phase of one connection: a pure state machine, fed Login requests and
// giving Login responses (RFC 7143 §6.3, §11.12, §11.13).
//
//	request → header checks → gather text → answer keys → admit → authenticate → transit
type login struct {
	params Params
	isid   [6]byte
	cid    uint16
	tsih   uint16 // as the initiator sent it: not 0 where it means a session that exists

	device *target.Device
	tag    uint16
	local  netip.AddrPort

	begun    bool
	itt      uint32
	stage    Stage
	in       textIn
	out      textOut
	keys     negotiation
	admitted bool
	asks     target.Admission // valid once admitted
	security security
	told     bool // MaxRecvDataSegmentLength was declared
}

// newLogin starts a login through the portal group tag, reached at local.
func newLogin(d *target.Device, tag uint16, local netip.AddrPort) *login {
	return &login{params: defaultParams(), device: d, tag: tag, local: local}
}

// step takes one Login request: its header and data segment. It returns the header of the
// response (StatSN, ExpCmdSN, MaxCmdSN and, for a new session, TSIH are the caller's to
// fill) and its data segment. done: the login is over, with the response's status telling how;
// a login that failed carries the reason in err, for the log. Only where a RADIUS server is asked
// does it wait, until ctx ends.
func (l *login) step(ctx context.Context, req *BHS, data []byte) (resp BHS, text []byte, done bool, err error) {
	r := req.LoginRequest()
	if err := l.check(r, data); err != nil {
		return l.fail(req, err)
	}
	if err := l.take(ctx, r, data); err != nil {
		return l.fail(req, err)
	}
	text, more := l.out.next(min(loginSegment, l.params.PeerMaxRecvSegment))

	resp = startLoginResponse(req)
	resp.SetDataSegmentLen(len(text))
	out := resp.LoginResponse()
	out.SetStages(l.stage, 0)
	out.SetContinue(more)
	if r.Transit() && !more && l.security.passed(&l.asks) {
		out.SetTransit(true)
		out.SetStages(l.stage, r.NSG())
		l.stage = r.NSG()
	}
	return resp, text, l.stage == FullFeaturePhase, nil
}

// check checks the header of a request against the state of the login.
func (l *login) check(r *LoginRequest, data []byte) error {
	if !l.begun {
		if r.VersionMin() > 0 {
			return refuse(UnsupportedVersion, "the initiator asks for version %d at least, and we speak version 0", r.VersionMin())
		}
		l.begun = true
		l.isid, l.cid, l.tsih, l.itt, l.stage = r.ISID(), r.CID(), r.TSIH(), (*BHS)(r).ITT(), r.CSG()
		l.keys = negotiation{params: &l.params, leading: l.tsih == 0}
	}
	csg, nsg := r.CSG(), r.NSG()
	switch {
	case (*BHS)(r).Opcode() != OpLogin:
		return refuse(InvalidDuringLogin, "%v came before full feature phase", (*BHS)(r).Opcode())
	case r.ISID() != l.isid, r.CID() != l.cid, r.TSIH() != l.tsih, (*BHS)(r).ITT() != l.itt:
		return refuse(InitiatorError, "ISID, CID, TSIH or Initiator Task Tag changed during the login")
	case csg != SecurityNegotiation && csg != OperationalNegotiation:
		return refuse(InitiatorError, "%v is no stage of a login", csg)
	case csg != l.stage:
		return refuse(InitiatorError, "the request is of %v, and the login is in %v", csg, l.stage)
	case r.Transit() && (nsg <= csg || nsg != OperationalNegotiation && nsg != FullFeaturePhase):
		return refuse(InitiatorError, "there is no way from %v to %v", csg, nsg)
	case r.Transit() && r.Continue():
		return refuse(InitiatorError, "the request has both the T and the C bit")
	case len(data) > loginSegment:
		return refuse(InitiatorError, "a data segment of %d bytes is longer than the %d allowed", len(data), loginSegment)
	case l.out.busy() && (len(data) > 0 || r.Continue()):
		return refuse(InitiatorError, "the initiator sent text while we had not finished ours")
	}
	return nil
}

// take takes the text of a request. Once it is whole, the answers wait in l.out.
func (l *login) take(ctx context.Context, r *LoginRequest, data []byte) error {
	if l.out.busy() {
		return nil
	}
	if err := l.in.add(data); err != nil {
		return &loginError{InitiatorError, nil, err}
	}
	if r.Continue() {
		return nil
	}
	now := inSecurity
	if l.stage == OperationalNegotiation {
		now = inOperational
	}
	answers, err := l.keys.answer(l.in.take(), now)
	if err != nil {
		return err
	}
	var greeting []byte
	if !l.admitted {
		if greeting, err = l.admit(); err != nil {
			return err
		}
	}
	if l.stage == OperationalNegotiation {
		if !l.security.passed(&l.asks) {
			return refuse(AuthenticationFailure, "the initiator skipped the security negotiation, and %v is asked for", l.asks.Auth.Method)
		}
		answers = l.declare(answers)
	} else {
		proof, err := l.security.step(ctx, l.keys.acted, &l.asks)
		if err == nil && r.Transit() && l.security.method == "" && !l.security.passed(&l.asks) {
			err = fmt.Errorf("the initiator proposes no AuthMethod, and %v is asked for", l.asks.Auth.Method)
		}
		if refused := (*loginError)(nil); errors.As(err, &refused) {
			return err
		} else if err != nil {
			return &loginError{AuthenticationFailure, nil, err}
		}
		answers = append(answers, proof...)
		l.params.CHAPUser = l.security.chap.user
	}
	l.out.rest = append(greeting, answers...)
	return nil
}

// admit asks the device about the initiator once the first whole text has named it, and
// returns what that text's answer must tell (RFC 7143 §13.6, §13.9).
func (l *login) admit() (greeting []byte, err error) {
	p := &l.params
	if p.InitiatorName == "" {
		return nil, refuse(MissingParameter, "the initiator does not name itself")
	}
	if p.InitiatorName, err = target.ParseName(p.InitiatorName); err != nil {
		return nil, &loginError{InitiatorError, nil, err}
	}
	if p.Discovery {
		p.TargetName = ""
		l.asks, err = l.device.AdmitDiscovery(p.InitiatorName)
	} else if p.TargetName == "" {
		return nil, refuse(MissingParameter, "the initiator names no target")
	} else {
		l.asks, err = l.device.Admit(p.InitiatorName, p.TargetName, l.tag)
	}
	if err != nil {
		return nil, deviceError(err)
	}
	l.admitted = true
	if p.Discovery {
		return nil, nil
	}
	p.TargetName = l.asks.Target.Name
	greeting = appendPair(nil, "TargetPortalGroupTag", fmt.Sprint(l.tag))
	if alias := l.asks.Target.Alias; alias != "" {
		greeting = appendPair(greeting, "TargetAlias", alias)
	}
	return greeting, nil
}

// declare appends, once, what we tell about ourselves in the operational stage. Where the
// initiator skips that stage the default holds.
func (l *login) declare(text []byte) []byte {
	if l.told {
		return text
	}
	l.told = true
	l.params.OwnMaxRecvSegment = ownMaxRecvSegment
	return appendPair(text, "MaxRecvDataSegmentLength", fmt.Sprint(ownMaxRecvSegment))
}

// fail ends the login.
func (l *login) fail(req *BHS, err error) (resp BHS, text []byte, done bool, _ error) {
	var refused *loginError
	var key *keyError
	switch {
	case errors.As(err, &refused):
	case errors.As(err, &key) && key.status != 0:
		refused = &loginError{key.status, nil, err}
	default:
		refused = &loginError{InitiatorError, nil, err}
	}
	resp = refusedLogin(req, refused.status)
	resp.SetDataSegmentLen(len(refused.text))
	return resp, refused.text, true, refused
}
