package iscsi

// R2T is a Ready To Transfer (RFC 7143 §11.8). It carries StatSN without advancing it.
//
//	36  R2TSN(4)
//	40  Buffer Offset(4)
//	44  Desired Data Transfer Length(4)
type R2T BHS

// R2T views b as a Ready To Transfer.
func (b *BHS) R2T() *R2T { return (*R2T)(b) }

func (r *R2T) R2TSN() SN           { return SN((*BHS)(r).u32(36)) }
func (r *R2T) SetR2TSN(n SN)       { (*BHS)(r).put32(36, uint32(n)) }
func (r *R2T) Offset() uint32      { return (*BHS)(r).u32(40) }
func (r *R2T) SetOffset(n uint32)  { (*BHS)(r).put32(40, n) }
func (r *R2T) Desired() uint32     { return (*BHS)(r).u32(44) }
func (r *R2T) SetDesired(n uint32) { (*BHS)(r).put32(44, n) }
