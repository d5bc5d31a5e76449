package iscsi

// SNACKRequest is a SNACK Request (RFC 7143 §11.16). At error recovery level 0 it is a
// protocol error; it is viewed for traces only.
//
//	 1  1 ... Type(4)
//	40  BegRun(4)
//	44  RunLength(4)
type SNACKRequest BHS

// SNACKRequest views b as a SNACK Request.
func (b *BHS) SNACKRequest() *SNACKRequest { return (*SNACKRequest)(b) }

// SNACKType is what a SNACK Request asks for (RFC 7143 §11.16.1).
type SNACKType uint8

const (
	SNACKDataR2T SNACKType = 0
	SNACKStatus  SNACKType = 1
	SNACKDataACK SNACKType = 2
	SNACKRData   SNACKType = 3
)

var snackNames = []string{"Data/R2T", "Status", "DataACK", "R-Data"}

func (t SNACKType) String() string { return named(snackNames, uint8(t), "type") }

func (s *SNACKRequest) Type() SNACKType     { return SNACKType(s[1] & 0x0f) }
func (s *SNACKRequest) SetType(t SNACKType) { s[1] = finalBit | byte(t)&0x0f }

// Run returns the first missing serial number and how many are missing; 0: all from there.
func (s *SNACKRequest) Run() (first SN, n uint32) {
	return SN((*BHS)(s).u32(40)), (*BHS)(s).u32(44)
}

func (s *SNACKRequest) SetRun(first SN, n uint32) {
	(*BHS)(s).put32(40, uint32(first))
	(*BHS)(s).put32(44, n)
}
