//go:build !amd64

package dmu

// adders are the ways to sum that this processor has.
func adders() map[string]func(*lanes, []byte) {
	return map[string]func(*lanes, []byte){"plain": (*lanes).addPlain}
}
