package wire

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/lunarsan/lunar/stream"
)

// An oracle is a host that answers.
type oracle struct{ mapHost }

func (oracle) Answer(_ context.Context, what string, q json.RawMessage) (any, error) {
	if what != "length" {
		return nil, fmt.Errorf("%w: %s", stream.ErrForbidden, what)
	}
	var s string
	err := json.Unmarshal(q, &s)
	return len(s), err
}

func TestAsk(t *testing.T) {
	l := newRig(t, oracle{}, Options{}).link(Options{})
	var n int
	if err := l.Ask(t.Context(), "length", strings.Repeat("x", 100_000), &n); err != nil || n != 100_000 {
		t.Errorf("%d, %v", n, err)
	}
	if err := l.Ask(t.Context(), "sense", nil, nil); !errors.Is(err, stream.ErrForbidden) || !strings.Contains(err.Error(), "sense") {
		t.Errorf("what is refused: %v", err)
	}
	if err := l.Ask(t.Context(), "length", 7, nil); err == nil {
		t.Error("a number has a length")
	}
	if err := newRig(t, mapHost{}, Options{}).link(Options{}).Ask(t.Context(), "length", "x", nil); err == nil || !strings.Contains(err.Error(), "length") {
		t.Errorf("a host that does not answer: %v", err)
	}
}
