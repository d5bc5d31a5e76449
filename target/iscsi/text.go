package iscsi

import (
	"net/netip"

	"github.com/lunarsan/lunar/target"
)

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

// A textExchange is the text negotiation of one connection in full feature phase (RFC 7143
// §7.2, §11.10): one at a time, begun by a request without a Target Transfer Tag, and carried
// on with the tag that we gave. A new beginning forgets what was unfinished.
type textExchange struct {
	params *Params
	finder finder

	ttt  uint32 // of the negotiation that goes on; NoTag: none
	last uint32 // the tag given last
	itt  uint32
	in   textIn
	out  textOut
	keys negotiation
	next Params // what holds when the negotiation has ended
}

// newTextExchange returns the text negotiations of a connection that logged in with params.
// They change params.PeerMaxRecvSegment.
func newTextExchange(d *target.Device, tag uint16, local netip.AddrPort, params *Params) *textExchange {
	return &textExchange{params: params, finder: finder{d, tag, local}, ttt: NoTag}
}

// step takes one Text request: its header and data segment. It returns the header of the
// response (StatSN, ExpCmdSN and MaxCmdSN are the caller's to fill) and its data segment.
// The error is a *rejection; the negotiation is forgotten then, and the session lives on.
func (x *textExchange) step(req *BHS, data []byte) (resp BHS, text []byte, err error) {
	r := req.TextRequest()
	if err := x.check(req, data); err != nil {
		x.ttt = NoTag
		return BHS{}, nil, err
	}
	if err := x.take(r, data); err != nil {
		x.ttt = NoTag
		return BHS{}, nil, &rejection{RejectProtocolError, err}
	}
	text, more := x.out.next(x.params.PeerMaxRecvSegment)

	resp.Start(OpTextResponse)
	resp.SetITT(req.ITT())
	resp.SetDataSegmentLen(len(text))
	resp.TextResponse().SetContinue(more)
	if final := req.Final() && !more; final {
		resp.SetFinal(true)
		x.ttt = NoTag
		x.params.PeerMaxRecvSegment = x.next.PeerMaxRecvSegment
	}
	resp.SetTTT(x.ttt)
	return resp, text, nil
}

// check checks the header of a request, and begins a negotiation where it asks for one.
func (x *textExchange) check(req *BHS, data []byte) error {
	switch {
	case req.Final() && req.TextRequest().Continue():
		return reject(RejectProtocolError, "a Text request has both the F and the C bit")
	case req.TTT() == NoTag:
		x.begin(req.ITT())
	case req.TTT() != x.ttt:
		return reject(RejectProtocolError, "there is no text negotiation %#08x", req.TTT())
	case req.ITT() != x.itt:
		return reject(RejectProtocolError, "the Initiator Task Tag changed during a text negotiation")
	}
	if x.out.busy() && (len(data) > 0 || req.TextRequest().Continue()) {
		return reject(RejectProtocolError, "the initiator sent text while we had not finished ours")
	}
	return nil
}

// begin forgets what was unfinished. The tag is a new one each time, so that a late request
// of an old negotiation is known for what it is.
func (x *textExchange) begin(itt uint32) {
	x.last++
	if x.last == NoTag {
		x.last = 0
	}
	x.ttt, x.itt = x.last, itt
	x.in, x.out = textIn{}, textOut{}
	x.next = *x.params
	x.keys = negotiation{params: &x.next, leading: true}
}

// take takes the text of a request. Once it is whole, the answers wait in x.out.
func (x *textExchange) take(r *TextRequest, data []byte) error {
	if x.out.busy() {
		return nil
	}
	if err := x.in.add(data); err != nil || r.Continue() {
		return err
	}
	answers, err := x.keys.answer(x.in.take(), inFull)
	if err != nil {
		return err
	}
	if asked, there := x.keys.acted["SendTargets"]; there {
		answers = append(answers, x.finder.sendTargets(asked, x.params)...)
	}
	x.out.rest = answers
	return nil
}
