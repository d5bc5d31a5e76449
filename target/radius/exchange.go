package radius

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"os"
	"time"
)

// A request is sent so often, and each time so long is waited for the answer. Initiators wait
// for a login for as little as 5 seconds.
const (
	tries    = 3
	patience = time.Second
)

// A Request is what a CHAP exchange left behind, for who knows the secret (RFC 2865 §2.2).
type Request struct {
	User      string // CHAP_N
	ID        byte   // CHAP_I
	Challenge []byte
	Response  []byte // by MD5: 16 bytes

	Calling string // who logs in: Calling-Station-Id
	Called  string // at what; empty: nothing is said. Called-Station-Id
}

// check refuses what does not fit into a packet.
func (r *Request) check() error {
	for _, part := range []struct {
		name  string
		n     int
		least int
	}{
		{"User-Name", len(r.User), 1},
		{"CHAP-Challenge", len(r.Challenge), 1},
		{"Calling-Station-Id", len(r.Calling), 1},
		{"Called-Station-Id", len(r.Called), 0},
	} {
		if part.n < part.least || part.n > maxValue {
			return fmt.Errorf("a %s has from %d to %d bytes, not %d", part.name, part.least, maxValue, part.n)
		}
	}
	if len(r.Response) != authenticatorLen {
		return fmt.Errorf("a CHAP response by MD5 has %d bytes, not %d", authenticatorLen, len(r.Response))
	}
	return nil
}

// packet is the Access-Request of r (RFC 2865 §4.1). The Message-Authenticator comes first, which
// leaves nothing before it that an attacker may choose.
func (r *Request) packet(nas string, secret []byte) packet {
	var fresh [1 + authenticatorLen]byte
	_, _ = rand.Read(fresh[:]) // never fails
	p := startPacket(accessRequest, fresh[0], [authenticatorLen]byte(fresh[1:])).
		with(messageAuthenticator, make([]byte, authenticatorLen)).
		with(userName, []byte(r.User)).
		with(chapPassword, append([]byte{r.ID}, r.Response...)).
		with(chapChallenge, r.Challenge).
		with(nasIdentifier, []byte(nas)).
		with(nasPortType, []byte{0, 0, 0, portVirtual}).
		with(callingStation, []byte(r.Calling))
	if r.Called != "" {
		p = p.with(calledStation, []byte(r.Called))
	}
	p.sign(secret, p.authenticator())
	return p
}

// An exchange asks one server. It has a socket of its own, whose port an attacker has to guess.
type exchange struct {
	secret   []byte
	unsigned bool // answers need no Message-Authenticator
	request  packet
}

// run sends the request until the server answers, and returns what it answers. What comes from
// somebody else, or answers something else, is discarded (RFC 2865 §3).
func (x *exchange) run(ctx context.Context, c net.Conn) (code, error) {
	defer context.AfterFunc(ctx, func() { _ = c.Close() })()
	var discarded error
	for range tries {
		if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
			return 0, cmp.Or(ctx.Err(), err)
		}
		if _, err := c.Write(x.request); err != nil {
			return 0, cmp.Or(ctx.Err(), err)
		}
		for {
			answer, err := x.read(c)
			switch {
			case err == nil:
				return answer, nil
			case ctx.Err() != nil:
				return 0, ctx.Err()
			case errors.Is(err, errDiscarded):
				discarded = err
				continue
			case !errors.Is(err, os.ErrDeadlineExceeded):
				return 0, err
			}
			break
		}
	}
	if discarded != nil {
		return 0, discarded
	}
	return 0, fmt.Errorf("no answer to %d requests in %v", tries, tries*patience)
}

// errDiscarded says that something came which is no answer.
var errDiscarded = errors.New("an answer cannot be believed")

// read reads one datagram.
func (x *exchange) read(c net.Conn) (code, error) {
	b := make([]byte, maxPacket)
	n, err := c.Read(b)
	if err != nil {
		return 0, err
	}
	p, err := parsePacket(b[:n])
	if err == nil {
		err = x.check(p)
	}
	if err != nil {
		return 0, fmt.Errorf("%w: %w", errDiscarded, err)
	}
	return p.code(), nil
}

// check checks that p answers the request.
func (x *exchange) check(p packet) error {
	switch p.code() {
	case accessAccept, accessReject, accessChallenge:
	default:
		return fmt.Errorf("a packet of code %d answers nothing", p.code())
	}
	if p.identifier() != x.request.identifier() {
		return errors.New("it answers another request")
	}
	return p.authentic(x.secret, x.request.authenticator(), x.unsigned)
}
