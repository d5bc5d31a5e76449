package iscsi

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
