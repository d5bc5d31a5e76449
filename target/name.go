package target

import (
	"errors"
	"fmt"
	"strings"
)

// MaxName is the longest iSCSI name, in bytes (RFC 7143 §4.2.7.1).
const MaxName = 223

// ParseName checks that s is an iSCSI name of type iqn., eui. or naa. and returns it in the
// one spelling that names are compared in (RFC 7143 §4.2.7.2): in lower case. Names beyond
// ASCII are refused.
func ParseName(s string) (string, error) {
	if len(s) > MaxName {
		return "", fmt.Errorf("iSCSI name %.32q…: %d bytes are more than the %d allowed", s, len(s), MaxName)
	}
	name := strings.ToLower(s)
	var err error
	switch prefix, rest, _ := strings.Cut(name, "."); prefix {
	case "iqn":
		err = checkIQN(rest)
	case "eui":
		err = checkHex(rest, 16)
	case "naa":
		err = checkHex(rest, 16, 32)
	default:
		err = errors.New(`it must begin with "iqn.", "eui." or "naa."`)
	}
	if err != nil {
		return "", fmt.Errorf("iSCSI name %q: %w", s, err)
	}
	return name, nil
}

// checkIQN checks what follows "iqn.": yyyy-mm, a dot, a reversed domain name and, after a
// colon, anything of the same characters (RFC 7143 §4.2.7.4).
func checkIQN(s string) error {
	const date = "yyyy-mm."
	if len(s) <= len(date) {
		return errors.New("iqn. must be followed by yyyy-mm.domain")
	}
	for i, c := range []byte(s[:len(date)]) {
		if want := date[i]; want >= 'a' && (c < '0' || c > '9') || want < 'a' && c != want {
			return errors.New("iqn. must be followed by yyyy-mm.domain")
		}
	}
	if month := s[5:7]; month < "01" || month > "12" {
		return fmt.Errorf("there is no month %s", month)
	}
	for _, c := range s[len(date):] {
		// The underscore is no part of the standard, but host names bring it into the names
		// of real initiators.
		if !strings.ContainsRune("abcdefghijklmnopqrstuvwxyz0123456789.-:_", c) {
			return fmt.Errorf("character %q is not allowed", c)
		}
	}
	return nil
}

// checkHex checks that s is a hexadecimal number of one of the lengths (RFC 7143 §4.2.7.5,
// §4.2.7.6).
func checkHex(s string, lengths ...int) error {
	for _, n := range lengths {
		if len(s) == n && strings.Trim(s, "0123456789abcdef") == "" {
			return nil
		}
	}
	return fmt.Errorf("the type must be followed by %v hexadecimal digits", lengths)
}
