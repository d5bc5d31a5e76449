package dmu

import (
	"bytes"
	"compress/zlib"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/lunarsan/lunar/stream/dmu/nvlist"
)

// A Token says where an interrupted receive goes on: zfs send -t takes one, whoever made it.
type Token struct {
	Object      uint64       `json:"object"` // of the last block that was received
	Offset      uint64       `json:"offset"` // of that; the sender repeats it
	Bytes       uint64       `json:"bytes"`  // of the stream that were received; a sender without it sends nothing
	ToGUID      uint64       `json:"toguid,string"`
	ToName      string       `json:"toname"` // dataset@snapshot; the sender looks for the GUID
	FromGUID    uint64       `json:"fromguid,string,omitempty"`
	LargeBlocks bool         `json:"largeblockok,omitempty"` // what zfs send was asked for: -L, -e, -c, -w
	Embedded    bool         `json:"embedok,omitempty"`
	Compressed  bool         `json:"compressok,omitempty"`
	Raw         bool         `json:"rawok,omitempty"`
	Other       *nvlist.List `json:"other,omitempty"` // pairs that are not above, such as redact_snaps
}

// Tokens say these.
const (
	tokenVersion = "1"
	keyObject    = "object"
	keyOffset    = "offset"
	keyBytes     = "bytes"
	keyToGUID    = "toguid"
	keyToName    = "toname"
	keyFromGUID  = "fromguid"
)

// tokenFlags has the booleans of tokens.
var tokenFlags = [...]struct {
	key string
	of  func(*Token) *bool
}{
	{"largeblockok", func(t *Token) *bool { return &t.LargeBlocks }},
	{"embedok", func(t *Token) *bool { return &t.Embedded }},
	{"compressok", func(t *Token) *bool { return &t.Compressed }},
	{"rawok", func(t *Token) *bool { return &t.Raw }},
}

// maxToken is the longest nvlist in a token (bytes).
const maxToken = 1 << 20

// ErrToken is the kind of every error of a token that makes no sense.
var ErrToken = errors.New("this is no resume token")

// ParseToken reads a token: 1, a checksum, the length of an nvlist and the nvlist, compressed
// with zlib, with dashes between and in hexadecimal. The checksum is the first word of the
// Fletcher-4 of the compressed bytes.
func ParseToken(s string) (*Token, error) {
	parts := strings.Split(strings.TrimSpace(s), "-")
	if len(parts) != 4 {
		return nil, fmt.Errorf("%w: it has %d parts, not 4", ErrToken, len(parts))
	}
	if parts[0] != tokenVersion {
		return nil, fmt.Errorf("%w: its version is %q, not %s", ErrToken, parts[0], tokenVersion)
	}
	sum, err := strconv.ParseUint(parts[1], 16, 64)
	if err != nil {
		return nil, fmt.Errorf("%w: its checksum is %q", ErrToken, parts[1])
	}
	size, err := strconv.ParseUint(parts[2], 16, 64)
	if err != nil || size > maxToken {
		return nil, fmt.Errorf("%w: its length is %q", ErrToken, parts[2])
	}
	packed, err := hex.DecodeString(parts[3])
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrToken, err)
	}
	var f Fletcher4
	if f.add(packed); f[0] != sum {
		return nil, fmt.Errorf("%w, or not all of one: its checksum is %x, it says %x", ErrToken, f[0], sum)
	}
	list, err := inflateToken(packed, int(size))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrToken, err)
	}
	return tokenOf(list)
}

func inflateToken(packed []byte, size int) (*nvlist.List, error) {
	z, err := zlib.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, err
	}
	plain, err := io.ReadAll(io.LimitReader(z, int64(size)+1))
	if err != nil {
		return nil, err
	}
	if len(plain) != size {
		return nil, fmt.Errorf("its list is not %d bytes long", size)
	}
	return nvlist.Decode(plain)
}

// tokenOf takes a token's list apart.
func tokenOf(list *nvlist.List) (*Token, error) {
	t := &Token{}
	var ok [5]bool
	t.Object, ok[0] = list.Uint64(keyObject)
	t.Offset, ok[1] = list.Uint64(keyOffset)
	t.Bytes, ok[2] = list.Uint64(keyBytes)
	t.ToGUID, ok[3] = list.Uint64(keyToGUID)
	t.ToName, ok[4] = list.String(keyToName)
	for i, key := range []string{keyObject, keyOffset, keyBytes, keyToGUID, keyToName} {
		if !ok[i] {
			return nil, fmt.Errorf("%w: it says no %s", ErrToken, key)
		}
	}
	t.FromGUID, _ = list.Uint64(keyFromGUID)
	for _, p := range list.Pairs {
		if !t.set(p) {
			if t.Other == nil {
				t.Other = nvlist.New()
			}
			t.Other.Add(p)
		}
	}
	return t, nil
}

// set takes over a boolean, and says whether p is anything that a Token has a field for.
func (t *Token) set(p nvlist.Pair) bool {
	switch p.Name {
	case keyObject, keyOffset, keyBytes, keyToGUID, keyToName, keyFromGUID:
		return true
	}
	for _, f := range tokenFlags {
		if f.key == p.Name {
			*f.of(t) = true
			return true
		}
	}
	return false
}

// List is the token as an nvlist.
func (t *Token) List() *nvlist.List {
	l := nvlist.New()
	if t.FromGUID != 0 {
		l.AddUint64(keyFromGUID, t.FromGUID)
	}
	l.AddUint64(keyObject, t.Object).AddUint64(keyOffset, t.Offset).AddUint64(keyBytes, t.Bytes).
		AddUint64(keyToGUID, t.ToGUID).AddString(keyToName, t.ToName)
	for _, f := range tokenFlags {
		if *f.of(t) {
			l.AddBoolean(f.key)
		}
	}
	if t.Other != nil {
		l.Add(t.Other.Pairs...)
	}
	return l
}

// Encode writes the token as zfs send -t takes it.
func (t *Token) Encode() (string, error) {
	plain, err := t.List().Encode(nvlist.NativeLittle)
	if err != nil {
		return "", err
	}
	var packed bytes.Buffer
	z := zlib.NewWriter(&packed)
	if _, err := z.Write(plain); err != nil {
		return "", err
	}
	if err := z.Close(); err != nil {
		return "", err
	}
	var f Fletcher4
	f.add(packed.Bytes())
	return fmt.Sprintf("%s-%x-%x-%x", tokenVersion, f[0], len(plain), packed.Bytes()), nil
}
