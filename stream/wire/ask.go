package wire

import (
	"context"
	"encoding/json"
	"fmt"
)

// An Answerer is a Host that answers what is not about a volume: what means is between it and its
// clients. q is JSON, and so is what it returns.
type Answerer interface {
	Answer(ctx context.Context, what string, q json.RawMessage) (any, error)
}

// Ask asks the other side's Answerer. q and a travel as JSON, of up to maxMessage the one and maxReply
// the other.
func (l *Link) Ask(ctx context.Context, what string, q, a any) error {
	body, err := json.Marshal(q)
	if err != nil {
		return fmt.Errorf("writing a request: %w", err)
	}
	s, err := l.session(ctx)
	if err != nil {
		return err
	}
	return s.ask(ctx, request{Method: "ask", Name: what, Body: body}, a)
}

// answerAsk answers what is asked of the host itself.
func answerAsk(ctx context.Context, host Host, r *request) (any, error) {
	h, ok := host.(Answerer)
	if !ok {
		return nil, fmt.Errorf("%w: the question %q", errUnknown, r.Name)
	}
	return h.Answer(ctx, r.Name, r.Body)
}
