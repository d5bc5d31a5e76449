// Package radius asks a RADIUS server whether a CHAP response is right (RFC 2865). The server has
// the secrets of those who log in, and this machine has none of them.
//
//	initiator ── CHAP_N, CHAP_R ──→ target ── Access-Request ──→ server
//	                                       ←─ Access-Accept, Access-Reject ─
//
// What travels is protected by a secret that the two machines share. Requests are signed with a
// Message-Authenticator (RFC 3579), and answers must be, unless a Client is told otherwise: without
// it, who sits between the two can turn a Reject into an Accept (CVE-2024-3596).
//
// # Reading order
//
//	packet.go    packets and their attributes (RFC 2865 §3, §5)
//	sign.go      what proves that a packet is from who has the secret
//	exchange.go  one request to one server: sent again until it is answered
//	client.go    Client: several servers
package radius
