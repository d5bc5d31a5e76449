package iscsi

import "fmt"

// A text may take several PDUs: all but the last have the C bit, and each of them is
// answered by a PDU without text (RFC 7143 §6.2, §11.12.2, §11.13.3). PDUs may end
// anywhere, within a key even.

const (
	maxText = 64 << 10 // bytes of one text from an initiator
	maxIdle = 8        // PDUs of one text that bring nothing
)

// A textIn puts the PDUs of an initiator's text together. The zero value is ready.
type textIn struct {
	text []byte
	idle int // PDUs that brought nothing
}

// add takes the data segment of one PDU.
func (g *textIn) add(data []byte) error {
	if len(data) == 0 {
		if g.idle++; g.idle > maxIdle {
			return fmt.Errorf("more than %d PDUs of one text are empty", maxIdle)
		}
	}
	if len(g.text)+len(data) > maxText {
		return fmt.Errorf("a text is longer than %d bytes", maxText)
	}
	g.text = append(g.text, data...)
	return nil
}

// take returns the whole text, and is ready for another.
func (g *textIn) take() []byte {
	text := g.text
	*g = textIn{}
	return text
}

// A textOut gives a text of ours away PDU by PDU. The zero value has nothing to send.
type textOut struct{ rest []byte }

func (s *textOut) busy() bool { return len(s.rest) > 0 }

// next returns what fits into a data segment of max bytes, and whether more follows.
func (s *textOut) next(max int) (part []byte, more bool) {
	n := min(len(s.rest), max)
	part, s.rest = s.rest[:n], s.rest[n:]
	return part, s.busy()
}
