package scsi

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/binary"
	"slices"
	"sync"
	"time"

	"github.com/lunarsan/lunar/sbd"
)

// ROD tokens (SPC-5, SBC-4; Windows has them as offloaded data transfer). POPULATE TOKEN makes
// one that stands for what some blocks hold, RECEIVE ROD TOKEN INFORMATION gives it to the
// initiator, and WRITE USING TOKEN puts the data elsewhere. The type is "point in time copy,
// change vulnerable": once any of the blocks may have changed, the token is worth nothing.

// What the token commands may ask for, as the Third-party Copy VPD page publishes it.
const (
	maxTokenRanges     = 64
	maxTokenBytes      = 256 << 20
	optimalTokenBytes  = 64 << 20
	minTokenTimeout    = 1 * time.Second
	usualTokenTimeout  = 60 * time.Second
	maxTokenTimeout    = 10 * time.Minute
	maxTokens          = 64 // of a unit; one more takes the place of that which was not used for longest
	tokenLen           = 512
	tokenRangeLen      = 16
	populateHeaderLen  = 16
	writeTokenAt       = 16
	writeHeaderLen     = writeTokenAt + tokenLen + 8
	maxTokenListLength = writeHeaderLen + maxTokenRanges*tokenRangeLen
)

// ROD types.
const (
	rodDefault    = 0x00800000 // a point in time copy of our choice
	rodVulnerable = 0x00800001 // a point in time copy that changes of the source end
	rodAny        = 0x0080FFFF
	rodZero       = 0xFFFF0001 // blocks of zeros; everybody has that token
)

func tokenListLengths(t *Task) (out, in int64, err error) {
	if n := t.CDB.length(); n <= maxTokenListLength {
		return int64(n), 0, nil
	}
	return 0, 0, InvalidFieldInCDB.At(10)
}

// tokenListID returns LIST IDENTIFIER of POPULATE TOKEN and WRITE USING TOKEN.
func (c *CDB) tokenListID() uint32 { return binary.BigEndian.Uint32(c[6:]) }

// A rodToken is a token and what it stands for.
//
//	0..3     ROD TYPE
//	6, 7     ROD TOKEN LENGTH: of what follows
//	8..15    COPY MANAGER ROD TOKEN IDENTIFIER
//	16..47   CREATOR LOGICAL UNIT DESCRIPTOR: an Identification Descriptor CSCD descriptor
//	48..63   NUMBER OF BYTES REPRESENTED
//	96..127  of the type of device: block length and provisioning, as in READ CAPACITY(16)
//	128..    TARGET DEVICE DESCRIPTOR: the name of the target
//	480..    random: nobody guesses a token
type rodToken struct {
	b       [tokenLen]byte
	ranges  []sbd.Range // in bytes
	bytes   int64
	timeout time.Duration
	watch   *sbd.Watch
	timer   *time.Timer

	users int // that write with it; guarded by tokens.mu
}

// newToken makes a token for ranges of t's unit.
func newToken(t *Task, ranges []sbd.Range, timeout time.Duration) *rodToken {
	k := &rodToken{ranges: ranges, timeout: timeout}
	for _, r := range ranges {
		k.bytes += r.N
	}
	be := binary.BigEndian
	id := t.unit().Identity()
	be.PutUint32(k.b[0:], rodVulnerable)
	be.PutUint16(k.b[6:], tokenLen-8)
	rand.Read(k.b[8:16])
	creator := k.b[16:48]
	creator[0], creator[1] = identificationCSCD, id.DeviceType
	copy(creator[4:], append(appendDesignator(nil, binarySet, ofUnit|typeNAA, len(id.GUID)), id.GUID[:]...))
	be.PutUint32(creator[28:], uint32(t.blockSize()))
	be.PutUint64(k.b[56:], uint64(k.bytes))
	be.PutUint32(k.b[96:], uint32(t.blockSize()))
	if t.lu().thin {
		k.b[102] = 0x80 | 0x40 // LBPME, LBPRZ
	}
	const randomAt = 480
	copy(k.b[128:randomAt], appendName(nil, ofTarget, t.nexus.Target))
	rand.Read(k.b[randomAt:])
	return k
}

// A tokenTable is the tokens that stand for blocks of a unit, the one used last at the end.
type tokenTable struct {
	mu  sync.Mutex
	all []*rodToken
}

// add puts k, which is watched, into the table.
func (s *tokenTable) add(k *rodToken) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.all) == maxTokens {
		if i := slices.IndexFunc(s.all, func(o *rodToken) bool { return o.users == 0 }); i >= 0 {
			s.drop(s.all[i])
		}
	}
	s.all = append(s.all, k)
	k.timer = time.AfterFunc(k.timeout, func() { s.expire(k) })
}

// take returns the token with the bytes b, for a command that writes with it and owes the table
// a release.
func (s *tokenTable) take(b []byte) (*rodToken, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.IndexFunc(s.all, func(k *rodToken) bool { return subtle.ConstantTimeCompare(k.b[:], b) == 1 })
	if i < 0 {
		return nil, TokenUnknown
	}
	k := s.all[i]
	if k.watch.Changed() {
		s.drop(k)
		return nil, TokenRevoked
	}
	k.users++
	k.timer.Stop()
	s.all = append(slices.Delete(s.all, i, i+1), k)
	return k, nil
}

// release ends the use of k: it stays for as long as it was to, or goes.
func (s *tokenTable) release(k *rodToken, stay bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	k.users--
	switch {
	case !slices.Contains(s.all, k):
	case !stay:
		s.drop(k)
	case k.users == 0:
		k.timer.Reset(k.timeout)
	}
}

// expire drops k, which nobody has used for its time.
func (s *tokenTable) expire(k *rodToken) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if k.users == 0 && slices.Contains(s.all, k) {
		s.drop(k)
	}
}

// clear drops all.
func (s *tokenTable) clear() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.all) > 0 {
		s.drop(s.all[0])
	}
}

// drop takes k out of the table. s.mu is held.
func (s *tokenTable) drop(k *rodToken) {
	s.all = slices.DeleteFunc(s.all, func(o *rodToken) bool { return o == k })
	k.timer.Stop()
	k.watch.Stop()
}
