package iscsi

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"sync"
	"sync/atomic"

	"github.com/lunarsan/lunar/scsi"
)

// A conn is one connection. It has two goroutines: the receiver reads PDUs and handles each to
// its end, or to where it would have to wait; the sender sends what is posted meanwhile. They
// may change places (relay.go).
type conn struct {
	server *Server
	nc     net.Conn
	tag    uint16 // portal group
	log    *slog.Logger
	done   chan struct{} // closed when the connection is over and its commands drained

	abandon context.CancelFunc // ends what the login waits for

	// Settled by the login, before full feature phase.
	params  Params
	cid     uint16
	session *session
	window  *window

	// The receiver's own.
	rx           rx
	inlet        *inlet // nil: the connection is no socket
	pdu          pdu
	long         BHS // the header of a PDU whose data are still to come
	headerDigest int // the digests' lengths in bytes: 0 or DigestLen
	dataDigest   int
	held         []held // arrived before their turn
	text         *textExchange
	handled      bool // a PDU, since the last read
	leaving      bool // logged out: nothing is taken in any more
	only         bool // there was no command beside the last one when that began
	errand       *scsi.Errand
	staying      habit // to run errands

	mu            sync.Mutex // taken after outbox.sending
	full          bool       // in full feature phase: anyone may post
	inflight      inflight
	live          int           // commands in use, in flight or being answered
	away          int           // commands that others than the receiver will finish
	drained       chan struct{} // closed when live gets 0; nil: nobody waits for that
	tags          uint32        // next Target Transfer Tag
	indebted      bool          // a command may overdraw, and one is enough
	spareCommands []*command
	spareReplies  []*reply
	cause         error // why the connection ends, if not by its own doing; the first wins

	immediates atomic.Int32 // immediate requests that are not answered yet
	memory     atomic.Int64 // bytes that commands may hold, by what they announced

	out   outbox
	watch watch
	loan  loan

	running sync.WaitGroup // senders, and those that have been

	dismissed atomic.Pointer[dismissal] // nil: not yet
}

// A pdu is one PDU being handled.
type pdu struct {
	bhs  *BHS
	size int    // of the data segment, in bytes
	data []byte // the data segment when it lies in memory; nil: pending bytes still come

	pending int  // of data segment, padding and digest: what the stream still holds of this PDU
	damaged bool // the data digest is wrong
}

// inPlace is the length up to which a PDU that has not arrived whole is waited for in the
// receive buffer; the data of a longer one goes straight to where it is wanted.
const inPlace = 16 << 10

// serve runs the connection to its end, with a login under ctx. It calls loginOver when that is.
func (c *conn) serve(ctx context.Context, loginOver func()) {
	err := c.login(ctx)
	loginOver()
	if err != nil {
		c.server.metrics.LoginErrors.Add(1)
		level := slog.LevelWarn
		if errors.Is(err, io.EOF) { // somebody looked whether the port is open
			level = slog.LevelDebug
		}
		c.tell(level, "a login failed", "initiator", c.params.InitiatorName, "target", c.params.TargetName, "error", err)
	} else {
		c.server.metrics.Logins.Add(1)
		c.log = c.log.With("session", c.session.id, "initiator", c.params.InitiatorName)
		c.info("logged in", "target", c.params.TargetName, "tag", c.tag, "discovery", c.params.Discovery)
		c.start()
		c.running.Go(c.sendOn)
		c.receiveOn()
		c.running.Wait()
		return
	}
	c.end(err)
}

// end ends the connection, for which err is the receiver's reason.
func (c *conn) end(err error) {
	if d := c.dismissed.Load(); d != nil && errors.Is(err, os.ErrDeadlineExceeded) && !c.leaving {
		c.part(d)
	}
	c.finishUp(err)
	if c.session != nil {
		c.farewell(c.cause)
	}
	close(c.done)
}

// Read and ReadLate read from the socket for rx. Everything that was posted goes out before.

func (c *conn) Read(p []byte) (int, error) {
	if err := c.rest(); err != nil {
		return 0, err
	}
	var n int
	var err error
	if c.inlet != nil {
		n, err = c.inlet.read(p)
	} else {
		n, err = c.nc.Read(p)
	}
	c.rise()
	return n, err
}

func (c *conn) ReadLate(x *rx) (int, error) {
	if err := c.rest(); err != nil {
		return 0, err
	}
	var n int
	var err error
	if c.inlet != nil {
		n, err = c.inlet.readLate(x)
	} else {
		n, err = c.nc.Read(x.room())
	}
	c.rise()
	return n, err
}

// rest is what the receiver does before it waits.
func (c *conn) rest() error {
	if c.handled {
		c.handled = false
		c.watch.heard(c)
	}
	return c.flush(true)
}

// rise is what it does when it goes on.
func (c *conn) rise() {
	c.mu.Lock()
	c.out.busy = true
	c.mu.Unlock()
}

// receive handles one PDU after the other until the connection ends, or the receiver was
// relieved: errRelieved.
func (c *conn) receive() error {
	for {
		err := c.receiveOne()
		if c.errand != nil {
			err = c.attend(err)
		}
		if err != nil {
			return err
		}
		if c.out.much.Load() {
			if err := c.flush(false); err != nil {
				return err
			}
		}
	}
}

// receiveOne takes the next PDU off the stream and handles it.
func (c *conn) receiveOne() error {
	p := &c.pdu
	head, err := c.header(p)
	if err != nil {
		if errors.Is(err, errTooLong) {
			c.reject(p, RejectInvalidField)
		}
		return err
	}
	whole := head
	if p.size > 0 {
		p.pending = Padded(p.size) + c.dataDigest
		whole += p.pending
	}
	if c.rx.buffered() < whole && whole > inPlace && p.bhs.Opcode().carriesBulk() {
		return c.receiveLong(p, head)
	}
	b, err := c.rx.peek(whole)
	if err != nil {
		return err
	}
	p.bhs = (*BHS)(b)
	p.data, p.pending = b[head:head+p.size], 0
	if c.dataDigest > 0 && p.size > 0 {
		end := head + Padded(p.size)
		p.damaged = !c.intact(Digest(0).Add(b[head:end]), b[end:])
	}
	if err := c.handle(p); err != nil {
		return err
	}
	c.rx.skip(whole)
	c.rx.ahead = 0
	c.handled = true
	return nil
}

// receiveLong handles a PDU whose data segment has not arrived whole.
func (c *conn) receiveLong(p *pdu, head int) error {
	b, err := c.rx.peek(head)
	if err != nil {
		return err
	}
	c.long = BHS(b)
	p.bhs = &c.long
	c.rx.skip(head)
	if err := c.handle(p); err != nil {
		return err
	}
	c.handled = true
	c.rx.ahead = inPlace // the next is likely to be as long
	return c.rx.discard(p.pending)
}

// header waits for the next header and checks what must be known before anything else of the
// PDU is believed. It returns the length of all header segments with their digest.
func (c *conn) header(p *pdu) (int, error) {
	*p = pdu{}
	n := len(BHS{})
	b, err := c.rx.peek(n)
	if err != nil {
		return 0, err
	}
	p.bhs = (*BHS)(b)
	n += p.bhs.TotalAHSLen()
	if whole := n + c.headerDigest; whole > len(b) {
		if b, err = c.rx.peek(whole); err != nil {
			return 0, err
		}
		p.bhs = (*BHS)(b)
		if c.headerDigest > 0 && Digest(0).Add(b[:n]) != DigestFrom((*[DigestLen]byte)(b[n:])) {
			c.server.metrics.HeaderDigestErrors.Add(1)
			return 0, errHeaderDigest
		}
	}
	if p.size = p.bhs.DataSegmentLen(); p.size > c.params.OwnMaxRecvSegment {
		return 0, fmt.Errorf("%w: %v", errTooLong, p.bhs)
	}
	return n + c.headerDigest, nil
}

// land fills dst with the start of p's data segment and takes the rest off the stream. It
// reports whether the data digest was right.
func (c *conn) land(p *pdu, dst []byte) (ok bool, err error) {
	if p.data != nil || p.size == 0 {
		copy(dst, p.data)
		return !p.damaged, nil
	}
	defer func() { p.pending = 0 }()
	if err := c.rx.read(dst); err != nil {
		return false, err
	}
	rest := Padded(p.size) - len(dst)
	if c.dataDigest == 0 {
		return true, c.rx.discard(rest)
	}
	d := Digest(0).Add(dst)
	for rest > 0 {
		n := min(rest, inPlace)
		b, err := c.rx.peek(n)
		if err != nil {
			return false, err
		}
		d = d.Add(b)
		c.rx.skip(n)
		rest -= n
	}
	b, err := c.rx.peek(DigestLen)
	if err != nil {
		return false, err
	}
	c.rx.skip(DigestLen)
	return c.intact(d, b), nil
}

// intact compares the digest of a data segment with what came for it.
func (c *conn) intact(d Digest, came []byte) bool {
	if d == DigestFrom((*[DigestLen]byte)(came)) {
		return true
	}
	c.server.metrics.DataDigestErrors.Add(1)
	return false
}

// inFull reports whether the connection is in full feature phase: anyone may post.
func (c *conn) inFull() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.full
}
