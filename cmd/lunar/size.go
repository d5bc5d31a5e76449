package main

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// units are the suffixes of sizes, each 1024 times the one before.
const units = "KMGTPE"

var errSize = errors.New("write it like 10G, 512MiB, or in bytes")

// A size is a length in bytes, written like 10G, 10GiB, 512M or 4096.
type size int64

// Set reads s.
func (z *size) Set(s string) error {
	number := s
	factor := int64(1)
	if i := strings.IndexFunc(s, func(c rune) bool { return c < '0' || c > '9' }); i >= 0 {
		number = s[:i]
		suffix := strings.ToUpper(s[i:])
		power := strings.Index(units, suffix[:1])
		switch rest := suffix[1:]; {
		case suffix == "B":
		case power < 0 || rest != "" && rest != "IB":
			return errSize
		default:
			factor = 1 << (10 * (power + 1))
		}
	}
	n, err := strconv.ParseInt(number, 10, 64)
	if err != nil || n > math.MaxInt64/factor {
		return errSize
	}
	*z = size(n * factor)
	return nil
}

// Type names the argument in help texts.
func (z *size) Type() string { return "SIZE" }

// String writes the size for help texts, which leave out a "0".
func (z *size) String() string {
	if *z == 0 {
		return "0"
	}
	return formatSize(int64(*z))
}

// formatSize writes n bytes in the largest unit that n reaches, rounded to two decimals.
func formatSize(n int64) string {
	if n < 1024 {
		return fmt.Sprintf("%d B", n)
	}
	v := float64(n)
	power := -1
	for v >= 1024 && power < len(units)-1 {
		v /= 1024
		power++
	}
	text := strconv.FormatFloat(v, 'f', 2, 64)
	text = strings.TrimSuffix(strings.TrimRight(text, "0"), ".")
	return fmt.Sprintf("%s %ciB", text, units[power])
}
