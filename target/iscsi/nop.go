package iscsi

// NOPOut is a NOP-Out (RFC 7143 §11.18). An Initiator Task Tag of NoTag wants no answer; a
// Target Transfer Tag other than NoTag answers a NOP-In.
type NOPOut BHS

// NOPOut views b as a NOP-Out.
func (b *BHS) NOPOut() *NOPOut { return (*NOPOut)(b) }

// WantsReply reports whether the initiator waits for a NOP-In.
func (n *NOPOut) WantsReply() bool { return (*BHS)(n).ITT() != NoTag }

// NOPIn is a NOP-In (RFC 7143 §11.19): an answer to a NOP-Out (its Initiator Task Tag, its
// ping data, Target Transfer Tag NoTag), or a ping of our own (Initiator Task Tag NoTag; a
// Target Transfer Tag where an answer is wanted). StatSN advances only in an answer.
type NOPIn BHS

// NOPIn views b as a NOP-In.
func (b *BHS) NOPIn() *NOPIn { return (*NOPIn)(b) }
