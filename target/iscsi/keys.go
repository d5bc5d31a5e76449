package iscsi

import "slices"

// What we propose and declare (RFC 7143 §13).
const (
	ownMaxRecvSegment = 256 << 10
	ownMaxBurst       = 1 << 20
	ownFirstBurst     = 256 << 10
	ownMaxR2T         = 8
	ownProtocolLevel  = 1 // RFC 7143 itself
)

// A rule says how a key is answered (RFC 7143 §6.2).
type rule uint8

const (
	declared rule = iota // it is not: the initiator tells
	choice               // lists: the first that we accept too
	and                  // booleans: Yes when both say so
	or                   // booleans: Yes when one says so
	minimum              // numbers
	maximum
	constant // whatever was proposed
	acted    // by whoever acts on it: authentication, discovery
	ours     // only a target tells it
)

// A phase is a set of times at which a key may be sent.
type phase uint8

const (
	inSecurity phase = 1 << iota
	inOperational
	inFull // full feature phase

	inLogin = inSecurity | inOperational
	inAny   = inLogin | inFull
)

// A value is what a key was set to, in the one form or the other.
type value struct {
	text   string
	number int // booleans: 0 and 1
}

// A key is a row of the table of keys.
type key struct {
	name string
	rule rule
	when phase

	leading     bool // only on the first connection of a session
	noDiscovery bool // irrelevant in a discovery session
	again       bool // may be said again in the same words

	low, high int                  // range of numbers
	def, own  int                  // numbers and booleans: default, and what we propose
	cap       func(*Params) int    // a bound of own that other keys set; nil: none
	accept    []string             // lists: what we accept; the first is the default
	answer    string               // constants
	long      int                  // bytes allowed; 0: maxValue
	status    LoginStatus          // login status of a value that cannot be; 0: InitiatorError
	set       func(*Params, value) // nil: nothing to keep
}

const no, yes = 0, 1

// keys is the table of keys (RFC 7143 §12, §13, in this order but where one depends on
// another: keys are handled from the top, whatever their order in a text).
var keys = []key{
	{name: "SessionType", rule: declared, when: inLogin, leading: true, again: true,
		accept: []string{"Normal", "Discovery"}, status: SessionTypeNotSupported,
		set: func(p *Params, v value) { p.Discovery = v.text == "Discovery" }},
	{name: "InitiatorName", rule: declared, when: inLogin, again: true,
		set: func(p *Params, v value) { p.InitiatorName = v.text }},
	{name: "TargetName", rule: declared, when: inLogin, again: true,
		set: func(p *Params, v value) { p.TargetName = v.text }},

	// RFC 7143 §12
	{name: "AuthMethod", rule: acted, when: inSecurity, long: maxList},
	{name: "CHAP_A", rule: acted, when: inSecurity, long: maxList},
	{name: "CHAP_N", rule: acted, when: inSecurity},
	{name: "CHAP_R", rule: acted, when: inSecurity, long: maxList},
	{name: "CHAP_I", rule: acted, when: inSecurity},
	{name: "CHAP_C", rule: acted, when: inSecurity, long: maxList},

	// RFC 7143 §13
	{name: "HeaderDigest", rule: choice, when: inOperational, accept: []string{"None", "CRC32C"}, long: maxList,
		set: func(p *Params, v value) { p.HeaderDigest = v.text == "CRC32C" }},
	{name: "DataDigest", rule: choice, when: inOperational, accept: []string{"None", "CRC32C"}, long: maxList,
		set: func(p *Params, v value) { p.DataDigest = v.text == "CRC32C" }},
	{name: "MaxConnections", rule: minimum, when: inOperational, leading: true, noDiscovery: true, low: 1, high: 65535, def: 1, own: 1,
		set: func(p *Params, v value) { p.MaxConnections = v.number }},
	{name: "SendTargets", rule: acted, when: inFull},
	{name: "TargetAlias", rule: ours},
	{name: "InitiatorAlias", rule: declared, when: inAny, again: true,
		set: func(p *Params, v value) { p.InitiatorAlias = v.text }},
	{name: "TargetAddress", rule: ours},
	{name: "TargetPortalGroupTag", rule: ours},
	{name: "InitialR2T", rule: or, when: inOperational, leading: true, noDiscovery: true, def: yes, own: no,
		set: func(p *Params, v value) { p.InitialR2T = v.number == yes }},
	{name: "ImmediateData", rule: and, when: inOperational, leading: true, noDiscovery: true, def: yes, own: yes,
		set: func(p *Params, v value) { p.ImmediateData = v.number == yes }},
	{name: "MaxRecvDataSegmentLength", rule: declared, when: inAny, low: 512, high: 1<<24 - 1, def: 8192,
		set: func(p *Params, v value) { p.PeerMaxRecvSegment = v.number }},
	{name: "MaxBurstLength", rule: minimum, when: inOperational, leading: true, noDiscovery: true, low: 512, high: 1<<24 - 1, def: 262144, own: ownMaxBurst,
		set: func(p *Params, v value) { p.MaxBurst = v.number }},
	{name: "FirstBurstLength", rule: minimum, when: inOperational, leading: true, noDiscovery: true, low: 512, high: 1<<24 - 1, def: 65536, own: ownFirstBurst,
		cap: func(p *Params) int { return p.MaxBurst },
		set: func(p *Params, v value) { p.FirstBurst = v.number }},
	{name: "DefaultTime2Wait", rule: maximum, when: inOperational, leading: true, low: 0, high: 3600, def: 2, own: 2,
		set: func(p *Params, v value) { p.DefaultTime2Wait = v.number }},
	{name: "DefaultTime2Retain", rule: minimum, when: inOperational, leading: true, low: 0, high: 3600, def: 20, own: 0, // a session ends with its connection
		set: func(p *Params, v value) { p.DefaultTime2Retain = v.number }},
	{name: "MaxOutstandingR2T", rule: minimum, when: inOperational, leading: true, noDiscovery: true, low: 1, high: 65535, def: 1, own: ownMaxR2T,
		set: func(p *Params, v value) { p.MaxOutstandingR2T = v.number }},
	{name: "DataPDUInOrder", rule: or, when: inOperational, leading: true, noDiscovery: true, def: yes, own: yes},
	{name: "DataSequenceInOrder", rule: or, when: inOperational, leading: true, noDiscovery: true, def: yes, own: yes},
	{name: "ErrorRecoveryLevel", rule: minimum, when: inOperational, leading: true, low: 0, high: 2, def: 0, own: 0,
		set: func(p *Params, v value) { p.ErrorRecoveryLevel = v.number }},
	{name: "TaskReporting", rule: choice, when: inOperational, leading: true, noDiscovery: true, long: maxList,
		accept: []string{"RFC3720"}}, // the key calls the oldest version so
	{name: "iSCSIProtocolLevel", rule: minimum, when: inOperational, leading: true, noDiscovery: true, low: 0, high: 31, def: 1, own: ownProtocolLevel},
	{name: "X#NodeArchitecture", rule: declared, when: inLogin, leading: true, again: true, long: maxList},

	// Obsolete, and yet not to be answered with NotUnderstood (RFC 7143 §13.25).
	{name: "IFMarker", rule: constant, when: inOperational, answer: "No"},
	{name: "OFMarker", rule: constant, when: inOperational, answer: "No"},
	{name: "IFMarkInt", rule: constant, when: inOperational, answer: rejected},
	{name: "OFMarkInt", rule: constant, when: inOperational, answer: rejected},
}

// findKey returns the index of a key in the table, or len(keys): a stranger.
func findKey(name string) int {
	if i := slices.IndexFunc(keys, func(k key) bool { return k.name == name }); i >= 0 {
		return i
	}
	return len(keys)
}

// defaultParams returns what holds where nothing was negotiated.
func defaultParams() Params {
	p := Params{OwnMaxRecvSegment: 8192}
	for i := range keys {
		k := &keys[i]
		switch {
		case k.set == nil:
		case k.accept != nil:
			k.set(&p, value{text: k.accept[0]})
		default:
			k.set(&p, value{number: k.def})
		}
	}
	return p
}
