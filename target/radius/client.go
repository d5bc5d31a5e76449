package radius

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"
	"time"
)

// DefaultPort is where RADIUS servers listen (RFC 2865 §3).
const DefaultPort = 1812

// MaxServers is how many servers a client asks at most. A login waits for all of them where none
// answers, and has to end in time.
const MaxServers = 3

// A Client asks RADIUS servers. Its exported fields are set before the first request. It may be
// used from any goroutine.
type Client struct {
	Servers  []string // "host:port", at most MaxServers
	Secret   []byte   // shared with all of them
	Unsigned bool     // answers without a Message-Authenticator are believed
	NAS      string   // what this machine calls itself: NAS-Identifier

	// dial stands in for the network in tests.
	dial func(ctx context.Context, network, address string) (net.Conn, error)

	mu     sync.Mutex
	first  int // the server that answered last, which is asked first
	states []ServerState
}

// A ServerState is what became of the requests to a server.
type ServerState struct {
	Server                         string
	Accepted, Rejected, Unanswered uint64
	Heard                          time.Time // when it last answered; zero: never
	Trouble                        error     // why it did not answer the last request; nil: it did
}

// ErrRejected says that a server does not let the user in.
var ErrRejected = errors.New("the RADIUS server rejects the user")

// Authenticate asks whether r is what the user's secret gives: nil, it is. The error is ErrRejected
// where a server says no; with any other nobody has said anything. It names the servers.
func (c *Client) Authenticate(ctx context.Context, r Request) error {
	if err := r.check(); err != nil {
		return fmt.Errorf("%w: %w", ErrRejected, err)
	}
	c.mu.Lock()
	first := c.first
	c.mu.Unlock()
	var silent []error
	for i := range c.Servers {
		at := (first + i) % len(c.Servers)
		answer, err := c.ask(ctx, c.Servers[at], &r)
		if ctx.Err() == nil || err == nil {
			c.note(at, answer, err)
		}
		switch {
		case err != nil:
			silent = append(silent, fmt.Errorf("RADIUS server %s: %w", c.Servers[at], err))
		case answer == accessAccept:
			return nil
		case answer == accessReject:
			return fmt.Errorf("%w %q: %s", ErrRejected, r.User, c.Servers[at])
		default: // CHAP has no second round (RFC 2865 §4.4)
			return fmt.Errorf("%w %q: %s wants to challenge it", ErrRejected, r.User, c.Servers[at])
		}
		if ctx.Err() != nil {
			break
		}
	}
	if len(silent) == 0 {
		return errors.New("there is no RADIUS server to ask")
	}
	return errors.Join(silent...)
}

// ask asks one server.
func (c *Client) ask(ctx context.Context, server string, r *Request) (code, error) {
	ctx, cancel := context.WithTimeout(ctx, tries*patience+patience/2) // names are looked up within
	defer cancel()
	dial := c.dial
	if dial == nil {
		dial = new(net.Dialer).DialContext
	}
	nc, err := dial(ctx, "udp", server)
	if err != nil {
		return 0, err
	}
	defer func() { _ = nc.Close() }() // everything was said
	x := exchange{c.Secret, c.Unsigned, r.packet(c.NAS, c.Secret)}
	return x.run(ctx, nc)
}

// note remembers what became of a request to the server at.
func (c *Client) note(at int, answer code, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.start()
	s := &c.states[at]
	s.Trouble = err
	if err != nil {
		s.Unanswered++
		return
	}
	c.first, s.Heard = at, time.Now()
	if answer == accessAccept {
		s.Accepted++
	} else {
		s.Rejected++
	}
}

// start makes the states. Client.mu is held.
func (c *Client) start() {
	for len(c.states) < len(c.Servers) {
		c.states = append(c.states, ServerState{Server: c.Servers[len(c.states)]})
	}
}

// States returns what became of the requests, by servers.
func (c *Client) States() []ServerState {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.start()
	return slices.Clone(c.states)
}
