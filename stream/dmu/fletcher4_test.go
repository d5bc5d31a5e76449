package dmu

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"testing"
)

// plainSum is the definition.
func plainSum(p []byte, order binary.ByteOrder) (f Fletcher4) {
	for ; len(p) >= 4; p = p[4:] {
		f[0] += uint64(order.Uint32(p))
		f[1] += f[0]
		f[2] += f[1]
		f[3] += f[2]
	}
	return f
}

func noise(n int) []byte {
	p := make([]byte, n)
	_, _ = rand.NewChaCha8([32]byte{byte(n), byte(n >> 8), byte(n >> 16)}).Read(p) // which does not fail
	return p
}

// TestFletcher4 holds every way of summing to the definition, at lengths around those where
// they change, and with all bits set, where the sums are largest.
func TestFletcher4(t *testing.T) {
	ones := make([]byte, 1<<16)
	for i := range ones {
		ones[i] = 0xff
	}
	for _, data := range [][]byte{noise(1 << 16), ones} {
		for _, n := range []int{0, 3, 4, 12, 16, 64, 252, 256, 260, 268, 272, 280, 312, 511, 512, 520, 4096, 8192 + 4, 1<<16 - 8, 1 << 16} {
			for _, order := range []binary.ByteOrder{binary.LittleEndian, binary.BigEndian} {
				var f Fletcher4
				f.Add(data[:n], order)
				if want := plainSum(data[:n], order); f != want {
					t.Errorf("%d bytes, %v: %v, want %v", n, order, f, want)
				}
				cut := n / 3 &^ 3
				var g, next Fletcher4
				g.Add(data[:cut], order)
				next.Add(data[cut:n], order)
				g.Join(next, uint64(n-cut)/4)
				if g != f {
					t.Errorf("%d bytes, %v: joined at %d it is %v, want %v", n, order, cut, g, f)
				}
				var first Fletcher4
				first.Add(data[:cut], order)
				if f.cut(first, uint64(n-cut)/4); f != next {
					t.Errorf("%d bytes, %v: cut at %d it is %v, want %v", n, order, cut, f, next)
				}
			}
		}
	}
}

// TestFletcher4JoinFar joins parts so long that the coefficients wrap.
func TestFletcher4JoinFar(t *testing.T) {
	var one Fletcher4
	one.Add([]byte{1, 0, 0, 0}, binary.LittleEndian)
	// A word of 1 and zeros behind it, as doublings of the zeros and in one go.
	for _, words := range []uint64{1, 2, 3, 1 << 20, 1<<32 - 1, 1 << 33, 3 << 40, 1<<62 + 5} {
		doubled := one
		var zeros uint64
		for bit := 63; bit >= 0; bit-- {
			// from n words to 2n: by joining n twice
			doubled = one
			doubled.Join(Fletcher4{}, zeros)
			doubled.Join(Fletcher4{}, zeros)
			zeros *= 2
			if words>>bit&1 == 1 {
				doubled.Join(Fletcher4{}, 1)
				zeros++
			}
		}
		direct := one
		direct.Join(Fletcher4{}, words)
		if direct != doubled {
			t.Errorf("%d words: %v, want %v", words, direct, doubled)
		}
	}
}

// TestLanes: the sums are the same with the processor's help and without.
func TestLanes(t *testing.T) {
	data := noise(1 << 16)
	for n := 0; n <= len(data); n += laneStep + n/3&^(laneStep-1) {
		want := plainSum(data[:n], binary.LittleEndian)
		for name, add := range adders() {
			var l lanes
			first := n / 3 &^ (laneStep - 1)
			add(&l, data[:first])
			add(&l, data[first:n])
			if got := l.fold(); got != want {
				t.Errorf("%d bytes, %s: %v, want %v", n, name, got, want)
			}
		}
	}
}

func BenchmarkFletcher4(b *testing.B) {
	variants := map[string]func(p []byte){
		"words": func(p []byte) { plainSum(p, binary.LittleEndian) },
		"add":   func(p []byte) { new(Fletcher4).add(p) },
	}
	for name, add := range adders() {
		variants[name] = func(p []byte) { add(new(lanes), p) }
	}
	for name, sum := range variants {
		for _, n := range []int{312, 8192, 131072} {
			p := noise(n &^ (laneStep - 1))
			b.Run(fmt.Sprintf("%s/%d", name, n), func(b *testing.B) {
				b.SetBytes(int64(len(p)))
				for b.Loop() {
					sum(p)
				}
			})
		}
	}
}
