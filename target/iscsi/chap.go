package iscsi

import (
	"bytes"
	"context"
	"crypto/md5"
	"crypto/rand"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha3"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"strconv"
	"strings"

	"github.com/lunarsan/lunar/target"
)

// Bounds of a CHAP challenge, in bytes. RFC 7143 §12.1.3 sets the upper one.
const (
	minChallenge = 16
	maxChallenge = 1024
)

const chapMD5 = 5

// chapAlgorithms are the hashes of CHAP_A (RFC 7143 §12.1.3, and IANA's registry of PPP
// authentication algorithms).
var chapAlgorithms = []struct {
	code int
	name string
	size int
	hash func() hash.Hash
}{
	{chapMD5, "MD5", md5.Size, md5.New},
	{6, "SHA1", sha1.Size, sha1.New},
	{7, "SHA-256", sha256.Size, sha256.New},
	{8, "SHA3-256", 32, func() hash.Hash { return sha3.New256() }},
}

// chap is our side of a CHAP exchange (RFC 7143 §12.1.3): the initiator proposes
// algorithms, we challenge, it answers and may challenge us, we answer. The zero value
// waits for the algorithms. There is one challenge in the life of a chap.
type chap struct {
	algorithm int // index of chapAlgorithms
	id        byte
	challenge []byte // nil until sent
	user      string // who proved itself; valid once done
	done      bool
}

// step takes the CHAP keys of one text and returns the keys to answer with. The initiator
// is known once done is set. Whatever goes wrong is the end of the login.
func (c *chap) step(ctx context.Context, said map[string]string, asks *target.Admission) ([]byte, error) {
	_, algorithms := said["CHAP_A"]
	_, response := said["CHAP_R"]
	switch {
	case len(said) == 0:
		return nil, nil
	case algorithms && len(said) == 1 && c.challenge == nil:
		return c.ask(said["CHAP_A"], asks.Auth.Method)
	case response && !algorithms && c.challenge != nil && !c.done:
		return c.check(ctx, said, asks)
	}
	return nil, errors.New("the CHAP keys are out of order")
}

// ask chooses an algorithm and challenges the initiator. The first algorithm that we know
// is taken, as of every list (RFC 7143 §6.2.1): initiators name the strongest first, and
// some compute what they named first whatever we choose. RADIUS has MD5 alone (RFC 2865 §5.3).
func (c *chap) ask(proposed string, method target.AuthMethod) ([]byte, error) {
	c.algorithm = -1
	for p := range strings.SplitSeq(proposed, ",") {
		code, ok := parseNumber(p)
		for i, a := range chapAlgorithms {
			if ok && c.algorithm < 0 && a.code == code && (a.code == chapMD5 || method != target.AuthRADIUS) {
				c.algorithm = i
			}
		}
	}
	switch {
	case c.algorithm < 0 && method == target.AuthRADIUS:
		return nil, fmt.Errorf("RADIUS takes CHAP with MD5 (5) alone, and the initiator proposes %.80q", proposed)
	case c.algorithm < 0:
		return nil, fmt.Errorf("no CHAP algorithm of %.80q is known here", proposed)
	}
	a := &chapAlgorithms[c.algorithm]
	fresh := make([]byte, 1+a.size)
	rand.Read(fresh)
	c.id, c.challenge = fresh[0], fresh[1:]
	out := appendPair(nil, "CHAP_A", strconv.Itoa(a.code))
	out = appendPair(out, "CHAP_I", strconv.Itoa(int(c.id)))
	return appendPair(out, "CHAP_C", encodeBinary(c.challenge)), nil
}

var (
	errCHAPProof   = errors.New("the CHAP name or response is wrong")
	errCHAPReflect = errors.New("the initiator sent our own CHAP challenge back")
	errCHAPSame    = errors.New("initiator and target have the same CHAP secret")
	errCHAPSelf    = errors.New("the initiator wants the target to prove itself, and the target has no CHAP secret for that")
)

// check checks the initiator's answer, and answers its challenge if there is one.
func (c *chap) check(ctx context.Context, said map[string]string, asks *target.Admission) ([]byte, error) {
	user, named := said["CHAP_N"]
	if !named {
		return nil, errors.New("CHAP_R came without CHAP_N")
	}
	response, err := decodeBinary(said["CHAP_R"], chapAlgorithms[c.algorithm].size)
	if err != nil {
		return nil, fmt.Errorf("CHAP_R: %w", err)
	}
	id, challenge, asked, err := peerChallenge(said)
	if err != nil {
		return nil, err
	}
	if bytes.Equal(challenge, c.challenge) {
		return nil, errCHAPReflect
	}

	if asks.Auth.Method == target.AuthRADIUS {
		err = c.askAround(ctx, user, response, asks)
	} else {
		err = c.compare(user, response, asks)
	}
	if err != nil {
		return nil, err
	}
	c.user, c.done = user, true
	if !asked {
		return nil, nil
	}
	self := asks.Auth.Self // none where the target proves nothing
	if len(self.Secret) == 0 {
		return nil, errCHAPSelf
	}
	if subtle.ConstantTimeCompare(response, c.digest(c.id, self.Secret, c.challenge)) == 1 {
		return nil, errCHAPSame
	}
	out := appendPair(nil, "CHAP_N", self.User)
	return appendPair(out, "CHAP_R", encodeBinary(c.digest(id, self.Secret, challenge))), nil
}

// compare checks the initiator's answer with its secret, which is known here. A user that is not
// known takes the same way as one with a wrong secret.
func (c *chap) compare(user string, response []byte, asks *target.Admission) error {
	peer, known := asks.Peer(user)
	if !known {
		peer.Secret = make([]byte, minChallenge)
	}
	right := subtle.ConstantTimeCompare(response, c.digest(c.id, peer.Secret, c.challenge))
	if right != 1 || !known {
		return errCHAPProof
	}
	return nil
}

// askAround has the initiator's answer checked where its secret is known. Where nobody says that it
// is wrong, the initiator may try again: it is our service that is not there.
func (c *chap) askAround(ctx context.Context, user string, response []byte, asks *target.Admission) error {
	err := asks.Ask(ctx, target.Proof{User: user, ID: c.id, Challenge: c.challenge, Response: response})
	if err != nil && !errors.Is(err, target.ErrDenied) {
		return &loginError{ServiceUnavailable, nil, err}
	}
	return err
}

// peerChallenge returns the initiator's challenge to us, if it sent one.
func peerChallenge(said map[string]string) (id byte, challenge []byte, asked bool, err error) {
	i, hasID := said["CHAP_I"]
	text, hasChallenge := said["CHAP_C"]
	if !hasID && !hasChallenge {
		return 0, nil, false, nil
	}
	n, ok := parseNumber(i)
	if !ok || n > 255 {
		return 0, nil, false, fmt.Errorf("CHAP_I cannot be %.80q", i)
	}
	if challenge, err = decodeBinary(text, maxChallenge); err != nil {
		return 0, nil, false, fmt.Errorf("CHAP_C: %w", err)
	}
	if len(challenge) < minChallenge {
		return 0, nil, false, fmt.Errorf("a CHAP_C of %d bytes is shorter than %d", len(challenge), minChallenge)
	}
	return byte(n), challenge, true, nil
}

// digest is the CHAP response to a challenge.
func (c *chap) digest(id byte, secret, challenge []byte) []byte {
	h := chapAlgorithms[c.algorithm].hash()
	h.Write([]byte{id})
	h.Write(secret)
	h.Write(challenge)
	return h.Sum(nil)
}

// encodeBinary writes a binary value as text (RFC 7143 §6.1).
func encodeBinary(p []byte) string { return "0x" + hex.EncodeToString(p) }

var errBinary = errors.New("the value is neither hexadecimal (0x…) nor base64 (0b…)")

// decodeBinary reads a binary value of at most max bytes, hexadecimal or base64 (RFC 7143
// §6.1). The length is checked before anything is decoded.
func decodeBinary(text string, max int) ([]byte, error) {
	digits := text[min(2, len(text)):]
	var n int
	var decode func(string) ([]byte, error)
	switch {
	case hasPrefixFold(text, "0x"):
		n, decode = hex.DecodedLen(len(digits)), hex.DecodeString
	case hasPrefixFold(text, "0b") && !strings.ContainsAny(digits, "\r\n"): // which the decoder would skip
		n = base64.StdEncoding.DecodedLen(len(digits)) - strings.Count(digits, "=")
		decode = base64.StdEncoding.Strict().DecodeString
	default:
		return nil, errBinary
	}
	if n > max {
		return nil, fmt.Errorf("%d bytes are more than %d", n, max)
	}
	p, err := decode(digits)
	if err != nil || len(p) == 0 {
		return nil, errBinary
	}
	return p, nil
}
