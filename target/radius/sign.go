package radius

import (
	"crypto/hmac"
	"crypto/md5"
	"crypto/subtle"
	"errors"
)

// Why an answer is discarded.
var (
	errForged   = errors.New("its Response Authenticator is wrong: do both sides have the same secret?")
	errUnsigned = errors.New("it has no Message-Authenticator, and so may be forged (CVE-2024-3596)")
	errTampered = errors.New("its Message-Authenticator is wrong")
)

// sign fills in the Message-Authenticator of p, which is zero, in an answer to a request with the
// given authenticator; in a request that is its own (RFC 3579 §3.2).
func (p packet) sign(secret, authenticator []byte) {
	for a, value := range p.attributes() {
		if a == messageAuthenticator {
			copy(value, p.mac(secret, authenticator))
			return
		}
	}
}

// mac is the Message-Authenticator that p should have: of a packet where it is zero.
func (p packet) mac(secret, authenticator []byte) []byte {
	h := hmac.New(md5.New, secret)
	h.Write(p[:4])
	h.Write(authenticator)
	for a, value := range p.attributes() {
		h.Write([]byte{byte(a), byte(2 + len(value))})
		if a == messageAuthenticator {
			value = make([]byte, len(value))
		}
		h.Write(value)
	}
	return h.Sum(nil)
}

// seal is the Response Authenticator that p, an answer, should have (RFC 2865 §3).
func (p packet) seal(secret, authenticator []byte) []byte {
	h := md5.New()
	h.Write(p[:4])
	h.Write(authenticator)
	h.Write(p[headerLen:])
	h.Write(secret)
	return h.Sum(nil)
}

// authentic checks that p, which answers a request with the given authenticator, is from who has
// the secret. unsigned: without a Message-Authenticator it is believed too.
func (p packet) authentic(secret, authenticator []byte, unsigned bool) error {
	if subtle.ConstantTimeCompare(p.authenticator(), p.seal(secret, authenticator)) != 1 {
		return errForged
	}
	signed := false
	for a, value := range p.attributes() {
		if a != messageAuthenticator {
			continue
		}
		if signed || subtle.ConstantTimeCompare(value, p.mac(secret, authenticator)) != 1 {
			return errTampered
		}
		signed = true
	}
	if !signed && !unsigned {
		return errUnsigned
	}
	return nil
}
