package iscsi

import (
	"errors"
	"fmt"

	"github.com/lunarsan/lunar/target"
)

// LoginStatus is Status-Class and Status-Detail of a Login Response, as 0xCCDD (RFC 7143
// §11.13.5).
type LoginStatus uint16

const (
	LoginSuccess            LoginStatus = 0x0000
	TargetMovedTemporarily  LoginStatus = 0x0101
	TargetMovedPermanently  LoginStatus = 0x0102
	InitiatorError          LoginStatus = 0x0200
	AuthenticationFailure   LoginStatus = 0x0201
	AuthorizationFailure    LoginStatus = 0x0202
	TargetNotFound          LoginStatus = 0x0203
	TargetRemoved           LoginStatus = 0x0204
	UnsupportedVersion      LoginStatus = 0x0205
	TooManyConnections      LoginStatus = 0x0206
	MissingParameter        LoginStatus = 0x0207
	CannotIncludeInSession  LoginStatus = 0x0208
	SessionTypeNotSupported LoginStatus = 0x0209
	SessionDoesNotExist     LoginStatus = 0x020a
	InvalidDuringLogin      LoginStatus = 0x020b
	TargetError             LoginStatus = 0x0300
	ServiceUnavailable      LoginStatus = 0x0301
	OutOfResources          LoginStatus = 0x0302
)

var loginStatuses = map[LoginStatus]string{
	LoginSuccess:            "success",
	TargetMovedTemporarily:  "target moved temporarily",
	TargetMovedPermanently:  "target moved permanently",
	InitiatorError:          "initiator error",
	AuthenticationFailure:   "authentication failure",
	AuthorizationFailure:    "authorization failure",
	TargetNotFound:          "target not found",
	TargetRemoved:           "target removed",
	UnsupportedVersion:      "unsupported version",
	TooManyConnections:      "too many connections",
	MissingParameter:        "missing parameter",
	CannotIncludeInSession:  "cannot include connection in session",
	SessionTypeNotSupported: "session type not supported",
	SessionDoesNotExist:     "session does not exist",
	InvalidDuringLogin:      "invalid request during login",
	TargetError:             "target error",
	ServiceUnavailable:      "service unavailable",
	OutOfResources:          "out of resources",
}

func (s LoginStatus) String() string {
	if name, ok := loginStatuses[s]; ok {
		return name
	}
	return fmt.Sprintf("login status %04xh", uint16(s))
}

// A loginError is the reason of a login that failed, for the log, with the status that the
// initiator was told.
type loginError struct {
	status LoginStatus
	text   []byte // for the initiator: where the target has moved to
	cause  error
}

func (e *loginError) Error() string {
	return fmt.Sprintf("%v (%04Xh): %v", e.status, uint16(e.status), e.cause)
}
func (e *loginError) Unwrap() error { return e.cause }

func refuse(s LoginStatus, format string, args ...any) error {
	return &loginError{s, nil, fmt.Errorf(format, args...)}
}

// deviceError says in a login status why the device admits no login, or connects none.
func deviceError(err error) *loginError {
	if moved := (*target.Redirected)(nil); errors.As(err, &moved) {
		status := TargetMovedTemporarily
		if moved.Permanent {
			status = TargetMovedPermanently
		}
		return &loginError{status, appendPair(nil, "TargetAddress", moved.Address), err}
	}
	for _, known := range []struct {
		is     error
		status LoginStatus
	}{
		{target.ErrNoTarget, TargetNotFound},
		{target.ErrRemoved, TargetRemoved},
		{target.ErrForbidden, AuthorizationFailure},
		{target.ErrUnavailable, ServiceUnavailable},
	} {
		if errors.Is(err, known.is) {
			return &loginError{known.status, nil, err}
		}
	}
	return &loginError{TargetError, nil, err}
}

// startLoginResponse begins the response to req.
func startLoginResponse(req *BHS) (resp BHS) {
	resp.Start(OpLoginResponse)
	resp.SetITT(req.ITT())
	in, out := req.LoginRequest(), resp.LoginResponse()
	out.SetISID(in.ISID())
	out.SetTSIH(in.TSIH())
	return resp
}

// refusedLogin is the response to req that ends a login with status s.
func refusedLogin(req *BHS, s LoginStatus) BHS {
	resp := startLoginResponse(req)
	resp.LoginResponse().SetStatus(s)
	return resp
}
