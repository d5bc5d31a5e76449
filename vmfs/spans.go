package vmfs

import "iter"

// A Span is a piece of something that is copied: data, or zeros.
type Span struct {
	Offset, Length int64
	Zero           bool
}

// Spans yields what of a range of the file is data and what reads as zeros, neighbours joined
// wherever they lie. A part that cannot be found is yielded with the error that says why.
func (f *File) Spans(from, to int64) iter.Seq2[Span, error] {
	return func(yield func(Span, error) bool) {
		var pending Span
		for e, err := range f.ExtentsIn(from, min(to, f.size)) {
			s := Span{e.Offset, e.Length, e.Zeros()}
			if err == nil && pending.Length > 0 && pending.Zero == s.Zero {
				pending.Length += s.Length
				continue
			}
			if pending.Length > 0 && !yield(pending, nil) {
				return
			}
			pending = s
			if err != nil {
				pending = Span{}
				if !yield(s, err) {
					return
				}
			}
		}
		if pending.Length > 0 {
			yield(pending, nil)
		}
	}
}
