package wire

import (
	"context"
	"crypto/ed25519"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
)

// ErrUnknownKey says that a site has a key that the other does not know.
var ErrUnknownKey = errors.New("the key is not known")

// config is TLS 1.3 with both sides' keys pinned: known decides on the other's, before a byte
// of what it sends is looked at. There are no tickets: each connection proves both keys.
func (id *Identity) config(known func(Fingerprint) bool) *tls.Config {
	return &tls.Config{
		MinVersion:             tls.VersionTLS13,
		Certificates:           []tls.Certificate{id.certificate},
		ClientAuth:             tls.RequireAnyClientCert,
		SessionTicketsDisabled: true,
		NextProtos:             []string{"lunar/1"},
		InsecureSkipVerify:     true, // no authority vouches for a key: VerifyConnection knows it
		VerifyConnection: func(c tls.ConnectionState) error {
			f, err := fingerprintIn(c)
			if err == nil && !known(f) {
				err = fmt.Errorf("%w: %s", ErrUnknownKey, f)
			}
			return err
		},
	}
}

// fingerprintIn is that of the other side's key.
func fingerprintIn(c tls.ConnectionState) (Fingerprint, error) {
	if len(c.PeerCertificates) == 0 {
		return Fingerprint{}, fmt.Errorf("%w: none was shown", ErrUnknownKey)
	}
	key, ok := c.PeerCertificates[0].PublicKey.(ed25519.PublicKey)
	if !ok {
		return Fingerprint{}, fmt.Errorf("%w: it is not an Ed25519 key", ErrUnknownKey)
	}
	return fingerprintOf(key), nil
}

// Accept proves our key to a client, and asks for its. The connection that it returns is
// encrypted, and the client's key one that known has said yes to; otherwise conn is closed.
// Keys are public: known may take as long as it takes to compare.
func (id *Identity) Accept(ctx context.Context, conn net.Conn, known func(Fingerprint) bool) (net.Conn, Fingerprint, error) {
	ctx, cancel := context.WithTimeout(ctx, greetingTime)
	defer cancel()
	t := tls.Server(conn, id.config(known))
	if err := t.HandshakeContext(ctx); err != nil {
		_ = conn.Close() // it is of no use
		return nil, Fingerprint{}, fmt.Errorf("greeting %s: %w", conn.RemoteAddr(), err)
	}
	f, err := fingerprintIn(t.ConnectionState())
	return t, f, err
}

// Dial returns what connects to address, and insists on the key of server there.
func (id *Identity) Dial(address string, server Fingerprint) Dial {
	return func(ctx context.Context) (io.ReadWriteCloser, error) {
		var d net.Dialer
		conn, err := d.DialContext(ctx, "tcp", address)
		if err != nil {
			return nil, err
		}
		return id.Greet(ctx, conn, server)
	}
}

// Greet proves our key to a server over a connection to it, and insists on its; otherwise conn
// is closed. ErrUnknownKey.
func (id *Identity) Greet(ctx context.Context, conn net.Conn, server Fingerprint) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, greetingTime)
	defer cancel()
	t := tls.Client(conn, id.config(server.Is))
	if err := t.HandshakeContext(ctx); err != nil {
		_ = conn.Close() // it is of no use
		if errors.Is(err, ErrUnknownKey) {
			err = fmt.Errorf("%w, where %s was expected", err, server)
		}
		return nil, err
	}
	return t, nil
}

// unknownThere makes of an alert what it means: a server refuses our key only after the client's
// handshake is done (RFC 8446 §4.4.2).
func unknownThere(err error) error {
	var op *net.OpError
	if errors.As(err, &op) && op.Op == "remote error" {
		return fmt.Errorf("%w there: let it know ours (%w)", ErrUnknownKey, err)
	}
	return err
}
