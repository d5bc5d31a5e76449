package iscsi

// AsyncMessage is an Asynchronous Message (RFC 7143 §11.9). Its Initiator Task Tag is NoTag.
//
//	36  AsyncEvent
//	37  AsyncVCode
//	38  Parameter1(2)
//	40  Parameter2(2)
//	42  Parameter3(2)
type AsyncMessage BHS

// AsyncMessage views b as an Asynchronous Message.
func (b *BHS) AsyncMessage() *AsyncMessage { return (*AsyncMessage)(b) }

// AsyncEvent is what an Asynchronous Message reports (RFC 7143 §11.9.1).
type AsyncEvent uint8

const (
	AsyncSCSI           AsyncEvent = 0 // sense data in the data segment
	AsyncLogout         AsyncEvent = 1 // the target asks for logout within Parameter3 seconds
	AsyncDropConnection AsyncEvent = 2 // Parameter1: CID, Parameter2: Time2Wait, Parameter3: Time2Retain
	AsyncDropSession    AsyncEvent = 3 // Parameter2: Time2Wait, Parameter3: Time2Retain
	AsyncNegotiate      AsyncEvent = 4 // the target asks for text negotiation within Parameter3 seconds
	AsyncTasksAborted   AsyncEvent = 5 // tasks of the LUN are being ended (RFC 7143 §4.2.3.4)
	AsyncVendor         AsyncEvent = 255
)

var asyncNames = []string{
	0: "SCSI event", 1: "logout requested", 2: "connection will be dropped", 3: "session will be dropped",
	4: "negotiation requested", 5: "tasks aborted", 255: "vendor specific",
}

func (e AsyncEvent) String() string { return named(asyncNames, uint8(e), "event") }

func (m *AsyncMessage) Event() AsyncEvent     { return AsyncEvent(m[36]) }
func (m *AsyncMessage) SetEvent(e AsyncEvent) { m[36] = byte(e) }

// Parameters returns Parameter1 to Parameter3, whose meaning depends on the event.
func (m *AsyncMessage) Parameters() (p1, p2, p3 uint16) {
	b := (*BHS)(m)
	return b.u16(38), b.u16(40), b.u16(42)
}

func (m *AsyncMessage) SetParameters(p1, p2, p3 uint16) {
	b := (*BHS)(m)
	b.put16(38, p1)
	b.put16(40, p2)
	b.put16(42, p3)
}
