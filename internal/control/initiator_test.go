package control

import (
	"encoding/binary"
	"io"
	"net"
	"strings"
	"testing"
	"time"
)

// login logs in to a target as the plainest initiator there can be (RFC 7143 §11.12), and
// returns the connection and the status of the Login Response.
func login(t *testing.T, portal, target string) (net.Conn, uint16) {
	t.Helper()
	c, err := net.Dial("tcp", portal)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	text := strings.Join([]string{"InitiatorName=iqn.2026-11.org.example:initiator", "SessionType=Normal", "TargetName=" + target, ""}, "\x00")
	pdu := make([]byte, 48+(len(text)+3)/4*4)
	pdu[0] = 0x43 // Login Request, immediate
	pdu[1] = 0x87 // transit, from operational negotiation to full feature phase
	pdu[7] = byte(len(text))
	copy(pdu[8:], "\x80\x00\x00\x01\x00\x00") // ISID
	copy(pdu[48:], text)
	if _, err := c.Write(pdu); err != nil {
		t.Fatal(err)
	}
	c.SetReadDeadline(time.Now().Add(10 * time.Second))
	var response [48]byte
	if _, err := io.ReadFull(c, response[:]); err != nil {
		t.Fatal(err)
	}
	if _, err := io.CopyN(io.Discard, c, int64(response[7]+3)/4*4); err != nil {
		t.Fatal(err)
	}
	return c, binary.BigEndian.Uint16(response[36:])
}

// ended waits until the daemon has closed the connection.
func ended(t *testing.T, c net.Conn) {
	t.Helper()
	c.SetReadDeadline(time.Now().Add(10 * time.Second))
	if _, err := io.Copy(io.Discard, c); err != nil {
		t.Errorf("the connection ended with %v, want its end", err)
	}
}

// portal is the first address that the daemon listens on.
func (r *rig) portal() string {
	r.t.Helper()
	groups, err := r.Groups(r.t.Context())
	if err != nil {
		r.t.Fatal(err)
	}
	return groups[0].Portals[0].Address
}
