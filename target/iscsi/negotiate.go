package iscsi

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Params is what a session and its connection agreed on (RFC 7143 §13).
type Params struct {
	HeaderDigest, DataDigest bool // CRC32C
	MaxConnections           int
	InitialR2T               bool
	ImmediateData            bool
	PeerMaxRecvSegment       int // MaxRecvDataSegmentLength that the initiator declared, bytes
	OwnMaxRecvSegment        int // MaxRecvDataSegmentLength that we declared, bytes
	MaxBurst                 int // MaxBurstLength, bytes
	FirstBurst               int // FirstBurstLength, bytes
	DefaultTime2Wait         int // seconds
	DefaultTime2Retain       int // seconds
	MaxOutstandingR2T        int
	ErrorRecoveryLevel       int

	Discovery      bool
	InitiatorName  string
	InitiatorAlias string
	TargetName     string // empty in a discovery session
	CHAPUser       string // who proved itself, empty without CHAP
}

// A negotiation answers the keys of one login, or of one text negotiation in full feature
// phase.
type negotiation struct {
	params  *Params
	leading bool              // the connection is the first of its session
	said    map[string]string // what the initiator said, by key
	acted   map[string]string // values of this text that others act on
}

// A keyError is a key that an initiator should not have sent, or not so.
type keyError struct {
	status LoginStatus // what it is in a login; in full feature phase it is a protocol error
	key    string
	why    string
}

func (e *keyError) Error() string { return fmt.Sprintf("key %s: %s", e.key, e.why) }

// answer handles the keys of one whole text and returns the text of the answers.
func (n *negotiation) answer(text []byte, now phase) ([]byte, error) {
	pairs, err := parsePairs(text)
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(pairs, func(a, b pair) int { return findKey(a.key) - findKey(b.key) })
	if n.said == nil {
		n.said = make(map[string]string)
	}
	n.acted = make(map[string]string)
	var out []byte
	for _, p := range pairs {
		i := findKey(p.key)
		if i == len(keys) {
			out = appendPair(out, p.key, notUnderstood)
			continue
		}
		answer, err := n.offer(&keys[i], p.value, now)
		if err != nil {
			return nil, err
		}
		if answer != "" {
			out = appendPair(out, p.key, answer)
		}
	}
	n.params.FirstBurst = min(n.params.FirstBurst, n.params.MaxBurst)
	return out, nil
}

// offer handles one key. The answer is empty where none is due.
func (n *negotiation) offer(k *key, text string, now phase) (answer string, err error) {
	fail := func(why string) (string, error) { return "", &keyError{k.status, k.name, why} }
	if k.rule == ours {
		if text == notUnderstood || text == irrelevant || text == rejected {
			return "", nil // of what we told
		}
		return fail("only a target may send it")
	}
	if long := max(k.long, maxValue); len(text) > long {
		return fail(fmt.Sprintf("its value of %d bytes is longer than the %d allowed", len(text), long))
	}
	if said, again := n.said[k.name]; again {
		if k.again && said == text {
			return "", nil
		}
		return fail("it was negotiated before")
	}
	n.said[k.name] = text
	switch {
	case k.when&now == 0 && now == inFull:
		return rejected, nil // and the value stays what it was
	case k.when&now == 0:
		return fail("it may not be sent in this stage")
	case k.leading && !n.leading:
		return fail("it may be sent on the first connection of a session only")
	case k.noDiscovery && n.params.Discovery:
		return irrelevant, nil
	}

	switch k.rule {
	case declared:
		v, ok := k.declare(text)
		if !ok {
			return fail(fmt.Sprintf("it cannot be %.80q", text))
		}
		k.keep(n.params, v)
		return "", nil
	case acted:
		n.acted[k.name] = text
		return "", nil
	case constant:
		return k.answer, nil
	}
	v, answer, ok := k.choose(text, n.params)
	if !ok {
		return rejected, nil // and the value stays what it was
	}
	k.keep(n.params, v)
	return answer, nil
}

func (k *key) keep(p *Params, v value) {
	if k.set != nil {
		k.set(p, v)
	}
}

// declare reads a value that is told and not negotiated.
func (k *key) declare(text string) (value, bool) {
	switch {
	case k.high > 0:
		n, ok := k.number(text)
		return value{number: n}, ok
	case k.accept != nil:
		return value{text: text}, slices.Contains(k.accept, text)
	}
	return value{text: text}, true
}

// choose applies the rule of k to a proposal. ok is false when it is none.
func (k *key) choose(text string, p *Params) (v value, answer string, ok bool) {
	switch k.rule {
	case choice:
		for proposed := range strings.SplitSeq(text, ",") {
			if slices.Contains(k.accept, proposed) {
				return value{text: proposed}, proposed, true
			}
		}
		return value{}, "", false
	case and, or:
		var n int
		switch {
		case text != "Yes" && text != "No":
			return value{}, "", false
		case k.rule == and && (text == "Yes" && k.own == yes),
			k.rule == or && (text == "Yes" || k.own == yes):
			n, answer = yes, "Yes"
		default:
			n, answer = no, "No"
		}
		return value{number: n}, answer, true
	}
	n, ok := k.number(text)
	own := k.own
	if k.cap != nil {
		own = min(own, k.cap(p))
	}
	if k.rule == minimum {
		n = min(n, own)
	} else {
		n = max(n, own)
	}
	return value{number: n}, strconv.Itoa(n), ok
}

// number reads a number within the range of k.
func (k *key) number(text string) (int, bool) {
	n, ok := parseNumber(text)
	return n, ok && n >= k.low && n <= k.high
}
