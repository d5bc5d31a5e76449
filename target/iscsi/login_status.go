package iscsi

import "fmt"

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
