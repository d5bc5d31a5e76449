//go:build invariants

package buffer

// retire overwrites a returned buffer and moves its memory behind a new Buffer, so that
// whoever kept the old one finds no bytes in it, or other bytes, and panics on a second Put
// even when the memory was lent again.
func retire(b *Buffer) *Buffer {
	if b.b == nil {
		panic("buffer: put twice")
	}
	all := b.b[:cap(b.b)]
	for i := range all {
		all[i] = 0xCC
	}
	fresh := *b
	b.b = nil
	return &fresh
}
