package wire

import (
	"cmp"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"
)

// protocol is the version of what both sides say.
const protocol = 1

// greetingTime is how long a connection may take to say who it is.
const greetingTime = 20 * time.Second

// A sessionID is made up by the client. Whoever has it and the same key goes on with the session.
type sessionID [16]byte

func newSessionID() (id sessionID) {
	_, _ = rand.Read(id[:]) // it never fails (package crypto/rand)
	return id
}

func (id sessionID) MarshalText() ([]byte, error) { return hex.AppendEncode(nil, id[:]), nil }

func (id *sessionID) UnmarshalText(p []byte) error {
	if len(p) != hex.EncodedLen(len(id)) {
		return fmt.Errorf("%w: a session %q", errFrame, p)
	}
	_, err := hex.Decode(id[:], p)
	return err
}

func (id sessionID) String() string { return hex.EncodeToString(id[:]) }

// A greeting is the first that either side says on a connection: what it has of what the other
// has sent, so that nothing is sent twice that came.
type greeting struct {
	Protocol int       `json:"protocol"`
	Session  sessionID `json:"session"`
	New      bool      `json:"new,omitempty"` // the session was not there before
	Lane     int       `json:"lane"`
	LastID   uint32    `json:"last,omitempty"` // client: the number of its latest exchange
	Have     []have    `json:"have,omitempty"`
	Refused  *failure  `json:"refused,omitempty"` // server: it does not go on
}

// A have is what one side has of an exchange.
type have struct {
	Exchange uint32         `json:"exchange"`
	Taken    uint64         `json:"taken"`            // all before this number were taken
	Got      [][2]uint64    `json:"got,omitempty"`    // came and were not: from, and behind the last
	Pieces   map[uint64]int `json:"pieces,omitempty"` // bytes of chunks that were cut
}

// got tells whether a frame has come.
func (h *have) got(seq uint64) bool {
	return seq < h.Taken || slices.ContainsFunc(h.Got, func(r [2]uint64) bool { return r[0] <= seq && seq < r[1] })
}

// greeting is what a side has to say on a new connection.
func (s *session) greeting(lane int) *greeting {
	s.mu.Lock()
	defer s.mu.Unlock()
	g := &greeting{Protocol: protocol, Session: s.id, Lane: lane, LastID: s.lastID}
	for id, x := range s.exchanges {
		h := have{Exchange: id, Taken: x.inNext, Pieces: make(map[uint64]int)}
		seqs := make([]uint64, 0, len(x.arrived))
		for seq := range x.arrived {
			seqs = append(seqs, seq)
		}
		slices.Sort(seqs)
		for _, seq := range seqs {
			if n := len(h.Got); n > 0 && h.Got[n-1][1] == seq {
				h.Got[n-1][1]++
			} else {
				h.Got = append(h.Got, [2]uint64{seq, seq + 1})
			}
		}
		for seq, p := range x.pieces {
			h.Pieces[seq] = p.n
		}
		g.Have = append(g.Have, h)
	}
	return g
}

// reconcile makes of what the other side has what is to be sent again: of the frames that an
// earlier connection in the same lane had to carry, those that did not come.
func (s *session) reconcile(g *greeting) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	theirs := make(map[uint32]*have, len(g.Have))
	for i := range g.Have {
		theirs[g.Have[i].Exchange] = &g.Have[i]
	}
	var urgent, bulk []*outgoing
	for id, x := range s.exchanges {
		h := theirs[id]
		if h == nil && !s.client && id <= g.LastID {
			x.drop() // the client is done with it
			continue
		}
		if h == nil {
			h = new(have)
		}
		if err := x.acknowledged(h.Taken); err != nil {
			return err
		}
		for _, o := range x.unacked {
			switch {
			case o.lane != g.Lane || o.block == nil:
			case h.got(o.seq):
				o.release()
			case o.kind == frameData:
				o.lane = laneNone
				if o.skip = h.Pieces[o.seq]; o.skip < 0 || o.skip > o.size {
					return fmt.Errorf("%w: %d bytes of a chunk of %d came", errFrame, o.skip, o.size)
				}
				bulk = append(bulk, o)
			default:
				o.lane = laneNone
				urgent = append(urgent, o)
			}
		}
	}
	inOrder := func(a, b *outgoing) int { return cmp.Or(cmp.Compare(a.x.id, b.x.id), cmp.Compare(a.seq, b.seq)) }
	slices.SortFunc(urgent, inOrder)
	slices.SortFunc(bulk, inOrder)
	s.urgent, s.bulk = append(urgent, s.urgent...), append(bulk, s.bulk...)
	s.changed.Broadcast()
	return nil
}

// greet sends a greeting.
func greet(w io.Writer, t frameType, g *greeting) error {
	p, err := json.Marshal(g)
	if err == nil && len(p) > maxMessage {
		err = fmt.Errorf("%w: a greeting of %d bytes", errFrame, len(p))
	}
	if err != nil {
		return err
	}
	frame := make([]byte, headerLen, headerLen+len(p))
	putHeader(frame, t, 0, 0, 0, p)
	_, err = w.Write(append(frame, p...))
	return err
}

// greeted reads a greeting, which must be of type t.
func greeted(r io.Reader, t frameType) (*greeting, error) {
	var h header
	if _, err := io.ReadFull(r, h[:]); err != nil {
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			err = fmt.Errorf("the other side closed the connection before it said anything (%w)", err)
		}
		return nil, err
	}
	if err := h.check(); err != nil {
		return nil, err
	}
	if h.kind() != t {
		return nil, fmt.Errorf("%w: a frame %s, not %s", errFrame, h.kind(), t)
	}
	p := make([]byte, h.length())
	if _, err := io.ReadFull(r, p); err != nil {
		return nil, err
	}
	if err := h.checkPayload(p); err != nil {
		return nil, err
	}
	var g greeting
	if err := json.Unmarshal(p, &g); err != nil {
		return nil, fmt.Errorf("%w: %w", errFrame, err)
	}
	if g.Protocol != protocol {
		return nil, fmt.Errorf("the other side speaks version %d, and we version %d: run the same release on both", g.Protocol, protocol)
	}
	if g.Lane < 0 || g.Lane >= MostConnections {
		return nil, fmt.Errorf("%w: connection %d", errFrame, g.Lane)
	}
	return &g, nil
}
