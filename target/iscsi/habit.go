package iscsi

// A habit is something that a receiver does where it has paid off lately. Each time that it has
// not, twice as many occasions pass before the next try.
type habit struct {
	misses int // in a row
	rest   int // occasions to let pass
}

// mostMisses bounds how long a habit rests: 1,024 occasions.
const mostMisses = 10

// again reports whether to do it on this occasion.
func (h *habit) again() bool {
	if h.rest > 0 {
		h.rest--
		return false
	}
	return true
}

// learn takes in whether it has paid off.
func (h *habit) learn(paid bool) {
	if paid {
		h.misses = 0
		return
	}
	h.misses = min(h.misses+1, mostMisses)
	h.rest = 1 << h.misses
}
