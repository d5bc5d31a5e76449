package iscsi

// TextRequest is a Text Request (RFC 7143 §11.10). All its fields but one are common ones.
//
//	1  F C
type TextRequest BHS

// TextRequest views b as a Text Request.
func (b *BHS) TextRequest() *TextRequest { return (*TextRequest)(b) }

// Continue reports whether the text goes on in the next request (the C bit).
func (t *TextRequest) Continue() bool      { return t[1]&continueBit != 0 }
func (t *TextRequest) SetContinue(on bool) { (*BHS)(t).setFlag(1, continueBit, on) }

// TextResponse is a Text Response (RFC 7143 §11.11).
//
//	1  F C
type TextResponse BHS

// TextResponse views b as a Text Response.
func (b *BHS) TextResponse() *TextResponse { return (*TextResponse)(b) }

// Continue reports whether the text goes on in the next response (the C bit).
func (t *TextResponse) Continue() bool      { return t[1]&continueBit != 0 }
func (t *TextResponse) SetContinue(on bool) { (*BHS)(t).setFlag(1, continueBit, on) }
