package streamtest

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/lunarsan/lunar/stream"
	"github.com/lunarsan/lunar/stream/dmu"
)

// A Memory's stream is a line of JSON, the bytes of the snapshot from Offset on, whatever it goes
// on from, and the SHA-256 of all that.
type memoryHeader struct {
	To     stream.Snapshot `json:"to"`
	From   uint64          `json:"from,string"`
	Volume string          `json:"volume"`
	Offset int64           `json:"offset"`
}

// maxMemoryHeader is the longest line that is taken for a header (bytes).
const maxMemoryHeader = 4096

// A part is what came of a stream that was cut.
type part struct {
	memoryHeader
	bytes []byte
}

// Estimate implements stream.Volume.
func (m *Memory) Estimate(ctx context.Context, s stream.Send) (int64, error) {
	r, err := m.Send(ctx, s)
	if err != nil {
		return 0, err
	}
	n, err := io.Copy(io.Discard, r)
	return n, errors.Join(err, r.Close())
}

// Send implements stream.Volume.
func (m *Memory) Send(ctx context.Context, s stream.Send) (io.ReadCloser, error) {
	leave, err := m.enter(ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
	h, k, err := m.wanted(s)
	if err != nil {
		return nil, err
	}
	h.To, h.Volume = k.Snapshot, m.name
	h.To.Holds, h.To.Clones = nil, nil
	line, err := json.Marshal(h)
	if err != nil {
		return nil, err
	}
	line = append(line, '\n')
	sum := sha256.New()
	sum.Write(line)
	sum.Write(k.bytes[h.Offset:])
	return io.NopCloser(&untilDone{ctx, io.MultiReader(bytes.NewReader(line), bytes.NewReader(k.bytes[h.Offset:]), bytes.NewReader(sum.Sum(nil)))}), nil
}

// wanted finds what a stream is asked for.
func (m *Memory) wanted(s stream.Send) (h memoryHeader, k *mark, err error) {
	if s.Token != "" {
		token, err := dmu.ParseToken(s.Token)
		if err != nil {
			return h, nil, fmt.Errorf("%s: %w: %w", m.name, stream.ErrToken, err)
		}
		for _, k := range m.marks {
			if k.GUID == token.ToGUID && !k.Bookmark && token.Offset <= uint64(len(k.bytes)) {
				return memoryHeader{From: token.FromGUID, Offset: int64(token.Offset)}, k, nil
			}
		}
		return h, nil, fmt.Errorf("%s has no %s any more: %w", m.name, token.ToName, stream.ErrToken)
	}
	if k, err = m.find(s.Snapshot, false); err != nil {
		return h, nil, err
	}
	if s.From != "" {
		name, bookmark := strings.CutPrefix(s.From, "#")
		from, err := m.find(name, bookmark)
		if err != nil {
			return h, nil, err
		}
		if from.turn >= k.turn {
			return h, nil, fmt.Errorf("%s@%s is not older than %s", m.name, s.From, s.Snapshot)
		}
		h.From = from.GUID
	}
	return h, k, nil
}

// untilDone is a stream that ends with its context.
type untilDone struct {
	ctx context.Context
	io.Reader
}

func (r *untilDone) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.Reader.Read(p)
}

// Receive implements stream.Volume.
func (m *Memory) Receive(ctx context.Context, in io.Reader, r stream.Receive) (stream.Snapshot, error) {
	in = &untilDone{ctx, in}
	buffered := bufio.NewReaderSize(in, maxMemoryHeader)
	line, err := buffered.ReadSlice('\n')
	if err != nil {
		return stream.Snapshot{}, m.broken(err)
	}
	var h memoryHeader
	if err := json.Unmarshal(line, &h); err != nil || h.To.GUID == 0 || h.Offset < 0 || h.Offset > h.To.Size {
		return stream.Snapshot{}, m.broken(errors.New("it has no header"))
	}
	sum := sha256.New()
	sum.Write(line)
	if r.Name != "" {
		h.To.Name = r.Name
	}
	p, err := m.begin(ctx, h, r)
	if err != nil {
		return stream.Snapshot{}, err
	}
	more, err := io.ReadAll(io.LimitReader(buffered, h.To.Size-h.Offset))
	sum.Write(more)
	p.bytes = append(p.bytes, more...)
	trailer := make([]byte, sha256.Size)
	if err == nil {
		_, err = io.ReadFull(buffered, trailer)
	}

	m.mu.Lock()
	defer m.mu.Unlock()
	if err != nil {
		m.partial = p
		return stream.Snapshot{}, m.broken(err)
	}
	if !bytes.Equal(trailer, sum.Sum(nil)) {
		return stream.Snapshot{}, m.broken(errors.New("it is damaged"))
	}
	return m.commit(p, r)
}

// broken is the error of a stream that did not come whole.
func (m *Memory) broken(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		err = errors.New("it ends too early")
	}
	return fmt.Errorf("%s: %w: %w", m.name, stream.ErrStream, err)
}

// begin decides whether a stream fits, and returns what there is of it.
func (m *Memory) begin(ctx context.Context, h memoryHeader, r stream.Receive) (*part, error) {
	leave, err := m.enter(ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
	if err := m.fits(h, r); err != nil {
		return nil, err
	}
	if h.Offset == 0 {
		return &part{memoryHeader: h}, nil
	}
	p := m.partial
	if p == nil || p.To.GUID != h.To.GUID || p.From != h.From || int64(len(p.bytes)) != h.Offset {
		return nil, fmt.Errorf("%s: %w: it goes on with what is not here", m.name, stream.ErrToken)
	}
	return p, nil
}

func (m *Memory) fits(h memoryHeader, r stream.Receive) error {
	if m.open > 0 {
		return m.refuse("", stream.ErrInUse)
	}
	newest := m.newest()
	if h.From == 0 {
		if r.Anew {
			for _, k := range m.marks {
				if err := m.kept(k); err != nil {
					return err
				}
			}
		} else if m.there && (newest != nil || !r.Rollback) {
			return fmt.Errorf("%s: a full stream: %w", m.name, stream.ErrBase)
		}
		return nil
	}
	if !m.there {
		return m.refuse("", stream.ErrNoVolume)
	}
	at := slices.IndexFunc(m.marks, func(k *mark) bool { return k.GUID == h.From && !k.Bookmark })
	if at < 0 || m.marks[at] != newest && !r.Rollback {
		return fmt.Errorf("%s has no GUID %d, or newer ones: %w", m.name, h.From, stream.ErrBase)
	}
	base := m.marks[at]
	for _, k := range m.marks {
		if k.turn <= base.turn && (k.Name == h.To.Name && !k.Bookmark || k.GUID == h.To.GUID) {
			return m.refuse(h.To.Name, stream.ErrExists)
		}
		if k.turn > base.turn {
			if err := m.kept(k); err != nil {
				return err
			}
		}
	}
	if m.changed && !r.Rollback {
		return m.refuse("", stream.ErrChanged)
	}
	return nil
}

// commit makes the volume what p is.
func (m *Memory) commit(p *part, r stream.Receive) (stream.Snapshot, error) {
	if err := m.fits(p.memoryHeader, r); err != nil {
		m.partial = p
		return stream.Snapshot{}, err // somebody was quicker
	}
	base := slices.IndexFunc(m.marks, func(k *mark) bool { return k.GUID == p.From && !k.Bookmark })
	if base >= 0 && r.Rollback {
		if err := m.rollback(m.marks[base]); err != nil {
			return stream.Snapshot{}, err
		}
	}
	if p.From == 0 {
		m.marks = nil
	}
	m.there, m.live, m.partial = true, p.bytes, nil
	return m.mark(p.To).Snapshot, nil
}

// Partial implements stream.Volume.
func (m *Memory) Partial(ctx context.Context) (*stream.Partial, error) {
	leave, err := m.enter(ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
	p := m.partial
	if p == nil {
		return nil, nil
	}
	n, name := uint64(len(p.bytes)), p.Volume+"@"+p.To.Name
	token, err := (&dmu.Token{Object: 1, Offset: n, Bytes: n, ToGUID: p.To.GUID, ToName: name, FromGUID: p.From}).Encode()
	if err != nil {
		return nil, err
	}
	return &stream.Partial{GUID: p.To.GUID, From: p.From, Name: name, Bytes: int64(n), Token: token}, nil
}

// Abandon implements stream.Volume.
func (m *Memory) Abandon(ctx context.Context) error {
	leave, err := m.enter(ctx)
	if err != nil {
		return err
	}
	defer leave()
	m.partial = nil
	return nil
}

// Digest implements stream.Digester, for volumes of less than 256 GiB.
func (m *Memory) Digest(ctx context.Context, snapshot string) (d *stream.Digest, err error) {
	err = m.with(ctx, snapshot, func(k *mark) error {
		const piece = 1 << 20
		d = &stream.Digest{GUID: k.GUID, Size: int64(len(k.bytes)), Piece: piece}
		for p := range slices.Chunk(k.bytes, piece) {
			var sum [sha256.Size]byte
			if slices.ContainsFunc(p, func(b byte) bool { return b != 0 }) {
				sum = sha256.Sum256(p)
			}
			d.Sums = append(d.Sums, sum[:]...)
		}
		return nil
	})
	return d, err
}
