package iscsi

import "sync/atomic"

// A window is the command window of a session (RFC 7143 §4.2.2.1): which CmdSN comes next,
// and how far the initiator may go. It is the only flow control there is.
//
// The receiver delivers; whoever ends a command, on any goroutine, returns its credit; the
// encoder, one at a time, advertises. MaxCmdSN never decreases, because it follows from the
// number of commands that ended.
type window struct {
	size   SN            // commands that may be in flight
	expect atomic.Uint32 // ExpCmdSN
	ended  atomic.Uint32 // the first CmdSN plus the number of commands that ended
	max    atomic.Uint32 // MaxCmdSN as last advertised
}

// A verdict is what becomes of a request with a CmdSN.
type verdict uint8

const (
	deliver verdict = iota // it is next
	early                  // it is within the window, and others are missing before it
	ignore                 // it is outside the window, or came twice
)

// start opens the window for the first command, numbered sn.
func (w *window) start(sn SN, size int) {
	w.size = SN(size)
	w.expect.Store(uint32(sn))
	w.ended.Store(uint32(sn))
	w.max.Store(uint32(sn + w.size - 1))
}

// expected returns ExpCmdSN.
func (w *window) expected() SN { return SN(w.expect.Load()) }

// limit returns MaxCmdSN as last advertised.
func (w *window) limit() SN { return SN(w.max.Load()) }

// judge tells what becomes of a request that is numbered sn and is not immediate.
func (w *window) judge(sn SN) verdict {
	switch next := w.expected(); {
	case sn == next && sn.In(next, w.limit()):
		return deliver
	case sn.In(next, w.limit()):
		return early
	}
	return ignore
}

// advance counts the request that was expected as received.
func (w *window) advance() { w.expect.Add(1) }

// end returns the credit of a request that was counted by advance.
func (w *window) end() { w.ended.Add(1) }

// live returns the number of requests received and not ended.
func (w *window) live() int { return int(w.expect.Load() - w.ended.Load()) }

// advertise returns MaxCmdSN for the next PDU. It opens the window by the credits that were
// returned, unless memory is short.
func (w *window) advertise(short bool) SN {
	if !short {
		w.max.Store(w.ended.Load() + uint32(w.size) - 1)
	}
	return w.limit()
}

// shut reports whether the initiator believes that it may send little while credits wait to
// be advertised: less than a quarter of the window is open.
func (w *window) shut() bool {
	open := w.limit() - w.expected() + 1
	return open < w.size/4 && w.limit() != SN(w.ended.Load())+w.size-1
}
