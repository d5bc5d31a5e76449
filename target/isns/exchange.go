package isns

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"time"
)

// patience is how long a server may take to connect and answer.
const patience = 10 * time.Second

// exchange sends a request to the server and returns the attributes of the answer. A Status other
// than success is an error.
func (r *Registrar) exchange(ctx context.Context, m message) ([]attribute, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	dial := r.dial
	if dial == nil {
		dial = new(net.Dialer).DialContext
	}
	c, err := dial(ctx, "tcp", r.Server)
	if err != nil {
		return nil, err
	}
	defer func() { _ = c.Close() }() // everything was said, or does not matter
	stop := context.AfterFunc(ctx, func() { _ = c.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	m.transaction = 1 // the only one of this connection
	if _, err := c.Write(m.encode()); err != nil {
		return nil, fmt.Errorf("sending: %w", err)
	}
	answer, err := readMessage(c)
	if err != nil {
		return nil, fmt.Errorf("waiting for the answer: %w", noEOF(err))
	}
	if answer.function != m.function|response || answer.transaction != m.transaction {
		return nil, fmt.Errorf("the server answers %#04x to another request than %#04x", uint16(answer.function), uint16(m.function))
	}
	return parseAnswer(answer.payload)
}

// parseAnswer reads a response: a status, and attributes (RFC 4171 §5.7).
func parseAnswer(payload []byte) (list []attribute, err error) {
	if len(payload) < 4 {
		return nil, errors.New("an answer has no status")
	}
	if s := Status(binary.BigEndian.Uint32(payload)); s != statusGood {
		return nil, s
	}
	for a, err := range attributesOf(payload[4:]) {
		if err != nil {
			return nil, err
		}
		list = append(list, a)
	}
	return list, nil
}
