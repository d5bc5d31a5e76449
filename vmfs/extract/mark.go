package extract

import "sync"

// A mark is how far everything is done, while pieces are done out of order. The zero value
// begins at 0.
type mark struct {
	mu     sync.Mutex
	at     int64           // all before is done
	next   int64           // number of the piece that begins there
	ahead  map[int64]piece // done, behind one that is not
	marked func(int64)
}

// done notes that a piece is done.
func (m *mark) done(p piece) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.ahead == nil {
		m.ahead = map[int64]piece{}
	}
	m.ahead[p.number] = p
	for {
		p, ok := m.ahead[m.next]
		if !ok {
			return
		}
		delete(m.ahead, m.next)
		m.next++
		m.at = p.Offset + p.Length
		if m.marked != nil {
			m.marked(m.at)
		}
	}
}
