// Package initiator is a small iSCSI initiator for tests and benchmarks. It is strict about
// what a target sends, does what it is told even where that is wrong, and can send any PDU.
//
// A Conn is used by one goroutine at a time. Do runs one command; Start and Wait keep several
// in flight; Send and Receive are the PDUs themselves.
//
//	initiator.go  Options, Dial, Conn
//	login.go      the login phase, CHAP
//	pdu.go        PDUs on the wire: Send, Receive
//	command.go    SCSI commands: Start, Wait, Do
//	cdb.go        the CDBs that benchmarks send
//	parameters.go parameter lists that go with them
//	request.go    everything else: NOP, task management, text, logout
package initiator

import (
	"bufio"
	"fmt"
	"net"

	"github.com/lunarsan/lunar/target/iscsi"
)

// Options say how to log in.
type Options struct {
	Name      string // initiator name
	Alias     string
	Target    string // empty: a discovery session
	ISID      [6]byte
	TSIH      uint16        // of the session to rejoin
	Session   *iscsi.Params // what that session agreed on
	CID       uint16
	FirstSN   iscsi.SN // CmdSN of the first command
	Keys      []string // "key=value" of the operational stage, beside or instead of the usual ones
	CHAP      *CHAP
	Unchecked bool // do not complain about what a target sends in a command's answer
}

// CHAP is how an initiator proves itself, and asks the target to (RFC 7143 §12.1.3).
type CHAP struct {
	User, Secret             string
	TargetUser, TargetSecret string // empty: the target is not asked
}

// running is the number of commands in flight that a Conn can tell apart.
const running = 1024

// Conn is a connection that has logged in, the only one of its session.
type Conn struct {
	Params iscsi.Params // what was agreed on; Own is the initiator's, Peer the target's
	TSIH   uint16
	Local  map[string]string // keys that the target declared

	// What the next PDU carries. Tests may set them.
	CmdSN     iscsi.SN
	ExpStatSN iscsi.SN
	// What the target allows.
	ExpCmdSN, MaxCmdSN iscsi.SN

	// Events holds PDUs that belong to no command or request: Rejects, Asynchronous Messages.
	Events []PDU

	opts    Options
	nc      net.Conn
	r       *bufio.Reader
	w       *bufio.Writer
	itt     uint32
	running [running]*Command // by tag modulo the length
	ping    *Ping             // in flight, or nil
	header  iscsi.BHS         // of the PDU being received
	out     iscsi.BHS         // of the command being sent
}

// Dial logs in over nc, which the Conn owns from then on.
func Dial(nc net.Conn, opts Options) (*Conn, error) {
	c := NewConn(nc, opts)
	if err := c.login(); err != nil {
		nc.Close()
		return nil, fmt.Errorf("login of %s: %w", opts.Name, err)
	}
	return c, nil
}

// NewConn returns a connection that has not logged in, for PDUs sent by hand.
func NewConn(nc net.Conn, opts Options) *Conn {
	return &Conn{
		opts:   opts,
		nc:     nc,
		r:      bufio.NewReaderSize(nc, 64<<10),
		w:      bufio.NewWriterSize(nc, 256<<10),
		CmdSN:  opts.FirstSN,
		Local:  make(map[string]string),
		Params: iscsi.Params{PeerMaxRecvSegment: 8192, OwnMaxRecvSegment: 8192},
	}
}

// Close drops the connection without a logout.
func (c *Conn) Close() error { return c.nc.Close() }

// NetConn returns the connection below, to send what is no PDU.
func (c *Conn) NetConn() net.Conn { return c.nc }
