package iscsi

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/lunarsan/lunar/target"
)

// security is the security negotiation of a login (RFC 7143 §12.1). The zero value has not
// begun.
type security struct {
	method string // AuthMethod as negotiated; empty: not yet
	chap   chap
}

// passed reports whether the initiator proved what is asked of it.
func (s *security) passed(asks *target.Admission) bool {
	if asks.Auth.Method == target.AuthNone {
		return true
	}
	return s.chap.done
}

// step takes the security keys of one text and returns the keys to answer with. An error
// is an authentication failure, unless it has a login status of its own.
func (s *security) step(ctx context.Context, said map[string]string, asks *target.Admission) ([]byte, error) {
	var out []byte
	if proposed, there := said["AuthMethod"]; there {
		delete(said, "AuthMethod")
		s.method = "CHAP"
		if asks.Auth.Method == target.AuthNone {
			s.method = "None"
		}
		if !slices.Contains(strings.Split(proposed, ","), s.method) {
			return nil, fmt.Errorf("the initiator proposes AuthMethod %.80q, and we ask for %s", proposed, s.method)
		}
		out = appendPair(out, "AuthMethod", s.method)
	}
	if s.method != "CHAP" && len(said) > 0 {
		return nil, errors.New("CHAP keys came without AuthMethod=CHAP")
	}
	answers, err := s.chap.step(ctx, said, asks)
	return append(out, answers...), err
}
