//go:build invariants

package buffer

import "testing"

const invariants = true

func TestPutTwicePanics(t *testing.T) {
	p := NewPool(MaxLen)
	b := p.TryGet(100)
	b.Put()
	again := p.TryGet(100) // the same memory, as a rule
	defer func() {
		if recover() == nil {
			t.Error("a second Put went unnoticed")
		}
		again.Put()
		if n := p.Outstanding(); n != 0 {
			t.Errorf("Outstanding() = %d after the refused Put, want 0", n)
		}
	}()
	b.Put()
}

func TestUseAfterPutShows(t *testing.T) {
	p := NewPool(MaxLen)
	b := p.TryGet(100)
	kept := b.Bytes()
	b.Put()
	if b.Bytes() != nil {
		t.Error("a returned buffer still has bytes")
	}
	for i, c := range kept {
		if c != 0xCC {
			t.Fatalf("byte %d of a returned buffer is %#x, want it overwritten", i, c)
		}
	}
}
