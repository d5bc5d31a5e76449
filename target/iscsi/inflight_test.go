package iscsi

import (
	"math/rand/v2"
	"testing"
)

// TestInflight runs the table against a map, with tags that collide.
func TestInflight(t *testing.T) {
	kinds := map[string]func(*rand.Rand) uint32{
		"counting": func() func(*rand.Rand) uint32 {
			n := uint32(0xfffffff0)
			return func(*rand.Rand) uint32 { n++; return n }
		}(),
		"random":    func(r *rand.Rand) uint32 { return r.Uint32() },
		"few":       func(r *rand.Rand) uint32 { return r.Uint32N(300) },
		"colliding": func(r *rand.Rand) uint32 { return collide(r.Uint32N(2000)) },
	}
	for name, tag := range kinds {
		t.Run(name, func(t *testing.T) {
			random := rand.New(rand.NewPCG(3, 4))
			var table inflight
			model := map[uint32]*command{}
			for range 50_000 {
				id := tag(random)
				want := model[id]
				if got := table.find(id); got != want {
					t.Fatalf("find(%#x) = %p, want %p", id, got, want)
				}
				switch {
				case want != nil:
					table.remove(want)
					delete(model, id)
					if !table.left(id) {
						t.Fatalf("%#x was just removed and is not remembered", id)
					}
				case len(model) < inflightSlots/2:
					c := &command{progress: progress{itt: id}}
					table.add(c)
					model[id] = c
				default:
					for other, c := range model {
						table.remove(c)
						delete(model, other)
						break
					}
				}
			}
			seen := 0
			table.each(func(c *command) {
				seen++
				if model[c.itt] != c {
					t.Errorf("each gave %#x, which is not there", c.itt)
				}
			})
			if seen != len(model) || table.n != len(model) {
				t.Errorf("each gave %d, n = %d, want %d", seen, table.n, len(model))
			}
		})
	}
}

// collide returns the nth tag whose search begins in slot 1023, so that runs wrap around.
func collide(n uint32) uint32 {
	const inverse = 0x0e8b2f51 // of the multiplier, modulo 2^32
	return (1023<<22 | n) * inverse
}

func TestCollide(t *testing.T) {
	for n := range uint32(2000) {
		if home(collide(n)) != 1023 {
			t.Fatalf("home(collide(%d)) = %d", n, home(collide(n)))
		}
	}
}
