package wire

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/lunarsan/lunar/stream"
)

// A request is what a call asks for: a row of methods, and what it needs.
type request struct {
	Method   string          `json:"method"`
	Volume   string          `json:"volume,omitempty"`
	Snapshot string          `json:"snapshot,omitempty"`
	Name     string          `json:"name,omitempty"` // of a tag, a bookmark or a clone
	Send     *stream.Send    `json:"send,omitempty"`
	Receive  *stream.Receive `json:"receive,omitempty"`
	Body     json.RawMessage `json:"body,omitempty"` // of what is asked: see Answerer
}

// A reply is an answer: one or the other.
type reply struct {
	Result json.RawMessage `json:"result,omitempty"`
	Failed *failure        `json:"failed,omitempty"`
}

// maxReply is how long an answer may be (bytes): a list of 100,000 snapshots is 20 MB.
const maxReply = 128 << 20

// ask calls, and waits for the answer. result may be nil.
func (s *session) ask(ctx context.Context, r request, result any) error {
	x, err := s.begins(ctx, r, flagLast)
	if err != nil {
		return err
	}
	return x.answer(ctx, result)
}

// begins sends the request of an exchange.
func (s *session) begins(ctx context.Context, r request, flags uint8) (*exchange, error) {
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	p, err := json.Marshal(r)
	if err != nil {
		return nil, fmt.Errorf("writing a request: %w", err)
	}
	if len(p) > maxMessage {
		return nil, fmt.Errorf("a request of %d bytes is too long", len(p))
	}
	x, err := s.call()
	if err == nil {
		err = x.sendShort(frameCall, flags, p)
	}
	return x, err
}

// answer waits for the answer; if nobody does any more, the other side is told.
func (x *exchange) answer(ctx context.Context, result any) error {
	p, err := x.parts(ctx, frameAnswer, maxReply)
	if err != nil {
		x.settle()
		return err
	}
	var r reply
	if err := json.Unmarshal(p, &r); err != nil {
		return fmt.Errorf("%w: an answer: %w", errFrame, err)
	}
	if r.Failed != nil {
		return r.Failed.error(x.s.name)
	}
	if result == nil {
		return nil
	}
	if err := json.Unmarshal(r.Result, result); err != nil {
		return fmt.Errorf("%w: an answer: %w", errFrame, err)
	}
	return nil
}

// parts waits for a message of one type, in as many frames as it takes.
func (x *exchange) parts(ctx context.Context, t frameType, most int) (p []byte, err error) {
	for {
		in, err := x.receive(ctx)
		if err != nil {
			return nil, err
		}
		kind := in.kind
		p = append(p, in.payload()...)
		in.block.put()
		switch {
		case kind != t:
			return nil, fmt.Errorf("%w: a frame %s, not %s", errFrame, kind, t)
		case len(p) > most:
			return nil, fmt.Errorf("%w: more than %d bytes of %s", errFrame, most, t)
		case !in.more():
			return p, nil
		}
	}
}

// reply answers with result or an error. flags say whether a stream follows.
func (x *exchange) reply(result any, err error, flags uint8) error {
	r := reply{}
	if err == nil {
		r.Result, err = json.Marshal(result)
	}
	if err != nil {
		r, flags = reply{Failed: failureOf(err)}, flagLast
	}
	p, err := json.Marshal(r)
	if err != nil || len(p) > maxReply {
		return errors.Join(err, fmt.Errorf("an answer of %d bytes", len(p)))
	}
	for ; len(p) > maxMessage; p = p[maxMessage:] {
		if err := x.sendShort(frameAnswer, flagMore, p[:maxMessage]); err != nil {
			return err
		}
	}
	return x.sendShort(frameAnswer, flags, p)
}
