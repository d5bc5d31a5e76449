package iscsi

// LoginRequest is a Login Request (RFC 7143 §11.12).
//
//	 1  T C .. CSG(2) NSG(2)
//	 2  Version-max
//	 3  Version-min
//	 8  ISID(6)
//	14  TSIH(2)
//	20  CID(2)
type LoginRequest BHS

// LoginRequest views b as a Login Request.
func (b *BHS) LoginRequest() *LoginRequest { return (*LoginRequest)(b) }

// A Stage of the login phase, as CSG and NSG name it (RFC 7143 §11.12.3).
type Stage uint8

const (
	SecurityNegotiation    Stage = 0
	OperationalNegotiation Stage = 1
	FullFeaturePhase       Stage = 3
)

var stageNames = []string{0: "SecurityNegotiation", 1: "LoginOperationalNegotiation", 3: "FullFeaturePhase"}

func (s Stage) String() string { return named(stageNames, uint8(s), "stage") }

const transitBit = 0x80 // T, byte 1

func (l *LoginRequest) Transit() bool    { return l[1]&transitBit != 0 }
func (l *LoginRequest) Continue() bool   { return l[1]&continueBit != 0 }
func (l *LoginRequest) CSG() Stage       { return Stage(l[1] >> 2 & 3) }
func (l *LoginRequest) NSG() Stage       { return Stage(l[1] & 3) }
func (l *LoginRequest) VersionMax() byte { return l[2] }
func (l *LoginRequest) VersionMin() byte { return l[3] }
func (l *LoginRequest) ISID() [6]byte    { return [6]byte(l[8:14]) }
func (l *LoginRequest) TSIH() uint16     { return (*BHS)(l).u16(14) }
func (l *LoginRequest) CID() uint16      { return (*BHS)(l).u16(20) }

func (l *LoginRequest) SetTransit(on bool)        { (*BHS)(l).setFlag(1, transitBit, on) }
func (l *LoginRequest) SetContinue(on bool)       { (*BHS)(l).setFlag(1, continueBit, on) }
func (l *LoginRequest) SetStages(csg, nsg Stage)  { l[1] = l[1]&0xf0 | byte(csg)<<2 | byte(nsg) }
func (l *LoginRequest) SetVersions(max, min byte) { l[2], l[3] = max, min }
func (l *LoginRequest) SetISID(id [6]byte)        { copy(l[8:14], id[:]) }
func (l *LoginRequest) SetTSIH(n uint16)          { (*BHS)(l).put16(14, n) }
func (l *LoginRequest) SetCID(n uint16)           { (*BHS)(l).put16(20, n) }

// LoginResponse is a Login Response (RFC 7143 §11.13).
//
//	 1  T C .. CSG(2) NSG(2)
//	 2  Version-max
//	 3  Version-active
//	 8  ISID(6)
//	14  TSIH(2)
//	36  Status-Class
//	37  Status-Detail
type LoginResponse BHS

// LoginResponse views b as a Login Response.
func (b *BHS) LoginResponse() *LoginResponse { return (*LoginResponse)(b) }

func (l *LoginResponse) Transit() bool       { return l[1]&transitBit != 0 }
func (l *LoginResponse) Continue() bool      { return l[1]&continueBit != 0 }
func (l *LoginResponse) CSG() Stage          { return Stage(l[1] >> 2 & 3) }
func (l *LoginResponse) NSG() Stage          { return Stage(l[1] & 3) }
func (l *LoginResponse) VersionMax() byte    { return l[2] }
func (l *LoginResponse) VersionActive() byte { return l[3] }
func (l *LoginResponse) ISID() [6]byte       { return [6]byte(l[8:14]) }
func (l *LoginResponse) TSIH() uint16        { return (*BHS)(l).u16(14) }
func (l *LoginResponse) Status() LoginStatus { return LoginStatus((*BHS)(l).u16(36)) }

func (l *LoginResponse) SetTransit(on bool)       { (*BHS)(l).setFlag(1, transitBit, on) }
func (l *LoginResponse) SetContinue(on bool)      { (*BHS)(l).setFlag(1, continueBit, on) }
func (l *LoginResponse) SetStages(csg, nsg Stage) { l[1] = l[1]&0xf0 | byte(csg)<<2 | byte(nsg) }
func (l *LoginResponse) SetISID(id [6]byte)       { copy(l[8:14], id[:]) }
func (l *LoginResponse) SetTSIH(n uint16)         { (*BHS)(l).put16(14, n) }
func (l *LoginResponse) SetStatus(s LoginStatus)  { (*BHS)(l).put16(36, uint16(s)) }
