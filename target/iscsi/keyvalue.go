package iscsi

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
)

// A pair is one key=value of a text (RFC 7143 §6.1).
type pair struct{ key, value string }

// Values that answer a proposal without choosing one (RFC 7143 §6.2).
const (
	notUnderstood = "NotUnderstood"
	irrelevant    = "Irrelevant"
	rejected      = "Reject"
)

const (
	maxKey   = 63      // bytes of a key name
	maxValue = 255     // bytes of a value, where its key does not allow more
	maxList  = 8 << 10 // bytes of a list, or of a binary value as text
	maxPairs = 256     // pairs of one text: real logins send some thirty
)

// parsePairs splits a text into its pairs. Each ends with a NUL; more NULs are padding.
func parsePairs(text []byte) ([]pair, error) {
	var pairs []pair
	for len(text) > 0 {
		if text[0] == 0 {
			text = text[1:]
			continue
		}
		end := bytes.IndexByte(text, 0)
		if end < 0 {
			return nil, fmt.Errorf("the text %.80q does not end with a NUL", text)
		}
		key, value, ok := strings.Cut(string(text[:end]), "=")
		if !ok {
			return nil, fmt.Errorf("the text %.80q has no equals sign", key)
		}
		if !isKeyName(key) {
			return nil, fmt.Errorf("%.80q is no name of a key", key)
		}
		if len(pairs) == maxPairs {
			return nil, fmt.Errorf("the text has more than %d keys", maxPairs)
		}
		pairs = append(pairs, pair{key, value})
		text = text[end+1:]
	}
	return pairs, nil
}

// isKeyName reports whether s has the characters of a key name (RFC 7143 §6.1). The number
// sign stands in public extension keys. Keys that do not begin with a capital letter pass:
// they are answered as not understood, as any other stranger.
func isKeyName(s string) bool {
	if s == "" || len(s) > maxKey {
		return false
	}
	for _, c := range []byte(s) {
		switch {
		case c >= 'A' && c <= 'Z', c >= 'a' && c <= 'z', c >= '0' && c <= '9', strings.IndexByte(".-+@_#", c) >= 0:
		default:
			return false
		}
	}
	return true
}

// appendPair appends key=value and its NUL.
func appendPair(text []byte, key, value string) []byte {
	text = append(text, key...)
	text = append(text, '=')
	text = append(text, value...)
	return append(text, 0)
}

// parseNumber reads a numerical value, decimal or hexadecimal (RFC 7143 §6.1).
func parseNumber(s string) (int, bool) {
	digits, base := s, 10
	if hasPrefixFold(s, "0x") {
		digits, base = s[2:], 16
	}
	n, err := strconv.ParseUint(digits, base, 32)
	return int(n), err == nil
}

func hasPrefixFold(s, prefix string) bool {
	return len(s) >= len(prefix) && strings.EqualFold(s[:len(prefix)], prefix)
}
