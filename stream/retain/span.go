package retain

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// A Span is a length of time in whole seconds, written like 7d, 36h, 90m or 1d12h.
type Span time.Duration

// spanUnits are what spans are counted in, longest first. A day has 24 hours here, whatever the
// clocks of a place do.
var spanUnits = []struct {
	letter byte
	length time.Duration
}{{'w', 7 * 24 * time.Hour}, {'d', 24 * time.Hour}, {'h', time.Hour}, {'m', time.Minute}, {'s', time.Second}}

// ParseSpan reads a span.
func ParseSpan(text string) (Span, error) {
	total, rest := time.Duration(0), text
	for rest != "" {
		digits := 0
		for digits < len(rest) && '0' <= rest[digits] && rest[digits] <= '9' {
			digits++
		}
		n, err := strconv.ParseInt(rest[:digits], 10, 64)
		if err != nil || digits == len(rest) {
			return 0, spanError(text)
		}
		length := time.Duration(0)
		for _, u := range spanUnits {
			if u.letter == rest[digits] {
				length = u.length
			}
		}
		if length == 0 || n > int64((math.MaxInt64-total)/length) {
			return 0, spanError(text)
		}
		total += time.Duration(n) * length
		rest = rest[digits+1:]
	}
	if text == "" {
		return 0, spanError(text)
	}
	return Span(total), nil
}

func spanError(text string) error {
	return fmt.Errorf("%q is no length of time: write it like 7d, 36h, 90m or 1d12h", text)
}

// String writes the span in days and what is left of them.
func (s Span) String() string {
	if s < 0 {
		return "-" + (-s).String()
	}
	var b strings.Builder
	left := time.Duration(s)
	for _, u := range spanUnits[1:] {
		// 36h says more than 1d12h does, and 90m more than 1h30m.
		if u.letter != 's' && left < 2*u.length && left%u.length != 0 {
			continue
		}
		if n := left / u.length; n > 0 {
			fmt.Fprintf(&b, "%d%c", n, u.letter)
			left -= n * u.length
		}
	}
	if b.Len() == 0 {
		return "0s"
	}
	return b.String()
}

// MarshalText is String.
func (s Span) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText is ParseSpan.
func (s *Span) UnmarshalText(text []byte) error {
	parsed, err := ParseSpan(string(text))
	if err != nil {
		return err
	}
	*s = parsed
	return nil
}
