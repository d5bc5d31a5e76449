//go:build invariants

package buffer

// scrub overwrites a returned buffer, so that a use after Put shows at once, and panics on
// a second Put.
func scrub(b *Buffer) {
	if b.b == nil {
		panic("buffer: put twice")
	}
	for i := range b.b {
		b.b[i] = 0xCC
	}
}
