package iscsi

// LogoutRequest is a Logout Request (RFC 7143 §11.14).
//
//	 1  1 Reason Code(7)
//	20  CID(2)
type LogoutRequest BHS

// LogoutRequest views b as a Logout Request.
func (b *BHS) LogoutRequest() *LogoutRequest { return (*LogoutRequest)(b) }

// LogoutReason is what a Logout Request asks for (RFC 7143 §11.14.1).
type LogoutReason uint8

const (
	CloseSession      LogoutReason = 0
	CloseConnection   LogoutReason = 1
	RecoverConnection LogoutReason = 2 // remove the connection for recovery
)

var logoutReasons = []string{"close the session", "close the connection", "remove the connection for recovery"}

func (r LogoutReason) String() string { return named(logoutReasons, uint8(r), "reason") }

func (l *LogoutRequest) Reason() LogoutReason     { return LogoutReason(l[1] & 0x7f) }
func (l *LogoutRequest) SetReason(r LogoutReason) { l[1] = finalBit | byte(r)&0x7f }

// CID returns the connection to close; it means nothing when the reason is CloseSession.
func (l *LogoutRequest) CID() uint16     { return (*BHS)(l).u16(20) }
func (l *LogoutRequest) SetCID(n uint16) { (*BHS)(l).put16(20, n) }

// LogoutResponse is a Logout Response (RFC 7143 §11.15).
//
//	 2  Response
//	40  Time2Wait(2), seconds
//	42  Time2Retain(2), seconds
type LogoutResponse BHS

// LogoutResponse views b as a Logout Response.
func (b *BHS) LogoutResponse() *LogoutResponse { return (*LogoutResponse)(b) }

// LogoutResult answers a Logout Request (RFC 7143 §11.15.1).
type LogoutResult uint8

const (
	LogoutComplete             LogoutResult = 0
	LogoutCIDNotFound          LogoutResult = 1
	LogoutRecoveryNotSupported LogoutResult = 2
	LogoutCleanupFailed        LogoutResult = 3
)

var logoutResults = []string{"closed successfully", "CID not found", "connection recovery not supported", "cleanup failed"}

func (r LogoutResult) String() string { return named(logoutResults, uint8(r), "response") }

func (l *LogoutResponse) Result() LogoutResult     { return LogoutResult(l[2]) }
func (l *LogoutResponse) SetResult(r LogoutResult) { l[2] = byte(r) }

// SetTimes sets Time2Wait and Time2Retain, in seconds.
func (l *LogoutResponse) SetTimes(wait, retain uint16) {
	(*BHS)(l).put16(40, wait)
	(*BHS)(l).put16(42, retain)
}

// Times returns Time2Wait and Time2Retain, in seconds.
func (l *LogoutResponse) Times() (wait, retain uint16) {
	return (*BHS)(l).u16(40), (*BHS)(l).u16(42)
}
