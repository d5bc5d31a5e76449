package dmu

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// A Reader reads a stream record by record, and holds each to its checksum before it says what
// is in it. It keeps one buffer, of a mebibyte or of the longest payload, whatever the length
// of the stream.
type Reader struct {
	in     io.Reader
	window Windowed   // in, where it is one
	ahead  *ReadAhead // in, where it is one: it has summed what it has read
	lax    bool
	more   func(*Reader) (io.Reader, error)
	buf    []byte
	at     int   // of the first byte that no record has taken
	full   int   // bytes in buf
	offset int64 // of buf[at] in the stream
	ended  error // what reading said last
	failed error // what Next says from now on

	order  binary.ByteOrder
	sum    Fletcher4
	number int64 // of the record under way
	start  int64 // its offset
	before int64 // the first byte that the checksum of the record before did not cover
	state  readerState
	inside bool // a package
	summed bool // a record of this substream had a checksum
	begin  Begin
	record *Record
	turned Record // a record of a stream in the other order
	body   []byte
}

// readerState is what may come next.
type readerState uint8

const (
	wantBegin      readerState = iota // of a stream, or of a package
	inHeader                          // of a package: END
	betweenStreams                    // of a package: BEGIN, or the END of zeros
	inSubstream
	afterEnd
)

// Options are what a Reader does differently.
type Options struct {
	// UnknownFeatures makes a Reader go on where a stream names features that are not known
	// here, whose records may then mean anything.
	UnknownFeatures bool

	// More is asked for another input where one ends between two records and the stream does
	// not; nil or no input: it is truncated there. The Reader's Follows tells which input goes
	// on.
	More func(*Reader) (io.Reader, error)
}

// readAhead is how much is read at once (bytes).
const readAhead = 1 << 20

// NewReader makes a Reader of in. It reads ahead.
func NewReader(in io.Reader, o Options) *Reader {
	r := &Reader{in: in, lax: o.UnknownFeatures, more: o.More, number: -1}
	r.ahead, _ = in.(*ReadAhead)
	r.window, _ = in.(Windowed)
	return r
}

// Next reads the next record, whose payload Payload returns; both are good until Next is
// called again. It returns io.EOF after the end of a stream that is whole, and an *Error for
// everything that is wrong with it; errors of the reader below come as they are. Damage to a
// payload shows in the checksum of the record behind it: what was read of a stream counts only
// when Next has returned io.EOF.
func (r *Reader) Next() (*Record, error) {
	if r.failed == nil {
		r.record, r.failed = r.next()
	}
	if r.failed != nil {
		r.record, r.body = nil, nil
	}
	return r.record, r.failed
}

func (r *Reader) next() (*Record, error) {
	r.at += len(r.body)
	r.offset += int64(len(r.body))
	r.body = nil
	r.number++
	r.start = r.offset
	if r.state == afterEnd {
		return nil, r.finish()
	}
	rec, err := r.header()
	if err != nil {
		return nil, err
	}
	t := rec.Type()
	if err := r.expect(rec, t); err != nil {
		return nil, err
	}
	n := rec.PayloadLen()
	if limit := maxPayload(t); n > limit || n%4 != 0 {
		return nil, r.fail(ErrCorrupt, r.start, "%v has a payload of %d bytes", t, n)
	}
	if err := r.fill(RecordSize, int(n)); err != nil {
		if !errors.Is(err, errEnd) {
			return nil, err
		}
		return nil, r.fail(ErrTruncated, r.offset+int64(r.full-r.at), "%d of %d bytes are there of the payload of %v", r.full-r.at, n, t)
	}
	if rec != &r.turned { // the buffer may have moved
		rec = (*Record)(r.buf[r.at-RecordSize:])
	}
	r.body = r.buf[r.at : r.at+int(n)]
	if r.ahead != nil && r.order == binary.LittleEndian {
		r.ahead.sum(&r.sum, r.body, r.offset)
	} else {
		r.sum.Add(r.body, r.order)
	}
	if t == TypeBegin {
		r.before = r.start
	} else {
		r.before = r.offset
	}
	return rec, nil
}

// Payload is what follows the record that Next returned. It is in the byte order of the
// stream.
func (r *Reader) Payload() []byte { return r.body }

// raw is the record that Next returned, with its payload, as it is in the stream.
func (r *Reader) raw() []byte { return r.buf[r.at-RecordSize : r.at+len(r.body)] }

// Order is the byte order of the stream. Records are turned round, payloads are not.
func (r *Reader) Order() binary.ByteOrder { return r.order }

// Offset is where the record that Next returned begins in the stream (bytes).
func (r *Reader) Offset() int64 { return r.start }

// Number is how many records came before the one that Next returned.
func (r *Reader) Number() int64 { return r.number }

// Begin is the BEGIN of the substream, or of the package's header, under way.
func (r *Reader) Begin() *Begin { return &r.begin }

// Package says whether the stream is a package of substreams.
func (r *Reader) Package() bool { return r.inside }

// Sum is the state of the checksum after the record that Next returned and its payload.
func (r *Reader) Sum() Fletcher4 { return r.sum }

// header reads a record, checks its checksum and turns it round.
func (r *Reader) header() (*Record, error) {
	if err := r.fill(0, RecordSize); err != nil {
		if !errors.Is(err, errEnd) {
			return nil, err
		}
		if err := r.goOn(); err != nil {
			return nil, err
		}
	}
	raw := r.buf[r.at : r.at+RecordSize]
	rec := (*Record)(raw)
	if r.order == nil {
		order, ok := orderOf(raw)
		if !ok {
			return nil, r.fail(ErrNotStream, 0, "it does not begin with a BEGIN")
		}
		r.order = order
	}
	t := Type(r.order.Uint32(raw[atType:]))
	if t == TypeBegin && r.order.Uint64(raw[atUnion:]) == Magic {
		r.sum = Fletcher4{}
		r.sum.Add(raw, r.order)
	} else if err := r.check(rec, t); err != nil {
		return nil, err
	}
	r.at += RecordSize
	r.offset += RecordSize
	if r.order == binary.BigEndian {
		r.turned = *rec
		r.turned.turnRound(t)
		return &r.turned, nil
	}
	return rec, nil
}

// orderOf tells the byte order of a stream from its first record.
func orderOf(raw []byte) (binary.ByteOrder, bool) {
	for _, order := range []binary.ByteOrder{binary.LittleEndian, binary.BigEndian} {
		if order.Uint64(raw[atUnion:]) == Magic && Type(order.Uint32(raw[atType:])) == TypeBegin {
			return order, true
		}
	}
	return nil, false
}

// check holds a record, in the order of the stream, to its checksum.
func (r *Reader) check(rec *Record, t Type) error {
	if r.state == betweenStreams && isEmptyEnd(rec, r.order) {
		return nil
	}
	before := r.sum
	r.sum.Add(rec[:atChecksum], r.order)
	if stored := r.sumIn(rec[atChecksum:]); stored != (Fletcher4{}) {
		if stored != r.sum {
			return r.fail(ErrCorrupt, r.before, "the bytes up to %d are not those that were sent: their checksum is %v, not %v", r.start+RecordSize, r.sum, stored)
		}
		r.summed = true
	} else if r.summed {
		return r.fail(ErrCorrupt, r.before, "the record at byte %d has no checksum, those before it have", r.start)
	}
	if t == TypeEnd {
		if stored := r.sumIn(rec[atUnion:]); stored != before {
			return r.fail(ErrCorrupt, r.before, "what was sent up to byte %d had checksum %v, it is %v", r.start, stored, before)
		}
		if r.sumIn(rec[atChecksum:]) == (Fletcher4{}) && !r.bare(rec) {
			return r.fail(ErrCorrupt, r.start, "END has no checksum of its own, and more in it than END has")
		}
	}
	r.sum.Add(rec[atChecksum:], r.order)
	if !t.Known() {
		return r.fail(ErrCorrupt, r.before, "there is no record of type %d, at byte %d", uint32(t), r.start)
	}
	return nil
}

// bare says whether an END, in the order of the stream, has nothing in it but what END has.
// That is all that protects one without a record checksum.
func (r *Reader) bare(rec *Record) bool {
	end := NewRecord(TypeEnd)
	end.SetToGUID(r.begin.ToGUID())
	if r.order == binary.BigEndian {
		end.turnRound(TypeEnd)
	}
	copy(end[atUnion:40], rec[atUnion:40])
	return *end == *rec
}

func (r *Reader) sumIn(p []byte) (f Fletcher4) {
	for i := range f {
		f[i] = r.order.Uint64(p[8*i:])
	}
	return f
}

// isEmptyEnd says whether rec is the END of zeros that ends a package.
func isEmptyEnd(rec *Record, order binary.ByteOrder) bool {
	var empty Record
	order.PutUint32(empty[atType:], uint32(TypeEnd))
	return *rec == empty
}

// expect holds a record to the order in which records come, and moves on in it.
func (r *Reader) expect(rec *Record, t Type) error {
	if t == TypeBegin {
		return r.open(rec.Begin())
	}
	switch {
	case r.state == inSubstream && t == TypeEnd && r.inside:
		r.state = betweenStreams
	case r.state == inSubstream && t == TypeEnd:
		r.state = afterEnd
	case r.state == inSubstream:
	case r.state == inHeader && t == TypeEnd:
		r.state = betweenStreams
	case r.state == betweenStreams && t == TypeEnd && rec.End().endsPackage():
		r.state = afterEnd
	default:
		return r.fail(ErrCorrupt, r.start, "%v comes where %s should", t, r.state)
	}
	return nil
}

func (s readerState) String() string {
	switch s {
	case inHeader:
		return "the END of the package's header"
	case betweenStreams:
		return "the next BEGIN of the package, or its end,"
	case inSubstream:
		return "a record of the substream"
	}
	return "BEGIN"
}

// open begins a substream, or a package.
func (r *Reader) open(b *Begin) error {
	if r.state == inSubstream || r.state == inHeader {
		return r.fail(ErrTruncated, r.start, "another BEGIN comes before the END of %q", r.begin.ToName())
	}
	if b.magic() != Magic {
		return r.fail(ErrCorrupt, r.start, "BEGIN without the magic number")
	}
	switch b.Kind() {
	case Substream:
		r.state = inSubstream
	case Compound:
		if r.inside {
			return r.fail(ErrCorrupt, r.start, "a package inside a package")
		}
		r.inside, r.state = true, inHeader
	default:
		return r.fail(ErrCorrupt, r.start, "BEGIN of kind %d", b.Kind())
	}
	if unknown := b.Features().Unknown(); unknown != 0 && !r.lax {
		return r.fail(ErrUnsupported, r.start+16, "%v", unknown)
	}
	if b.unterminated() {
		return r.fail(ErrCorrupt, r.start, "the snapshot's name has no end")
	}
	if b.Objset() >= objsetTypes {
		return r.fail(ErrCorrupt, r.start, "BEGIN of %v", b.Objset())
	}
	r.summed = false
	r.begin = *b
	return nil
}

// maxPayload is the longest payload that a record of type t may have (bytes).
func maxPayload(t Type) uint64 {
	switch t {
	case TypeBegin:
		return maxBeginPayload
	case TypeObject:
		return maxBonus
	case TypeWriteEmbedded:
		return MaxEmbedded
	}
	return maxBlock
}

// cut says how a stream ends that ends before it should.
func (r *Reader) cut() error {
	got := r.full - r.at
	switch {
	case r.order == nil && got == 0:
		return r.fail(ErrNotStream, 0, "it is empty")
	case r.order == nil:
		if _, ok := orderOf(append(r.buf[:r.full:r.full], make([]byte, 16)...)); !ok {
			return r.fail(ErrNotStream, 0, "it has %d bytes", got)
		}
		fallthrough
	case got > 0:
		return r.fail(ErrTruncated, r.start+int64(got), "it ends inside a record")
	case r.state == betweenStreams:
		return r.fail(ErrTruncated, r.start, "the end of the package is missing; %q is whole", r.begin.ToName())
	}
	return r.fail(ErrTruncated, r.start, "it ends between two records, without END")
}

// goOn gets the input with the next record, where the stream is in several.
func (r *Reader) goOn() error {
	if r.more == nil || r.order == nil || r.full > r.at {
		return r.cut()
	}
	in, err := r.more(r)
	if err != nil {
		return err
	}
	if in == nil {
		return r.cut()
	}
	r.goOnIn(in)
	if err := r.fill(0, RecordSize); errors.Is(err, errEnd) {
		return r.cut()
	} else if err != nil {
		return err
	}
	return nil
}

// Follows says whether a record may come next that is as in the stream, not turned round: what
// is in a checksum tells, and in a BEGIN what it goes on from.
func (r *Reader) Follows(raw *Record) bool {
	switch {
	case r.order == nil:
		_, ok := orderOf(raw[:])
		return ok
	case r.state == betweenStreams && isEmptyEnd(raw, r.order):
		return true
	case r.state == betweenStreams:
		order, ok := orderOf(raw[:])
		if !ok || order != r.order {
			return false
		}
		begin := *raw
		if order == binary.BigEndian {
			begin.turnRound(TypeBegin)
		}
		from := begin.Begin().FromGUID()
		return r.begin.Kind() == Compound || from == 0 || from == r.begin.ToGUID()
	}
	sum := r.sum
	sum.Add(raw[:atChecksum], r.order)
	return r.sumIn(raw[atChecksum:]) == sum
}

// finish looks for bytes behind the end.
func (r *Reader) finish() error {
	if err := r.fill(0, 1); errors.Is(err, errEnd) {
		return io.EOF
	} else if err != nil {
		return err
	}
	return r.fail(ErrTrailing, r.start, "the stream is whole, but there is more in the file")
}

func (r *Reader) fail(kind error, offset int64, format string, args ...any) error {
	return &Error{Kind: kind, Offset: offset, Number: r.number, Cause: fmt.Errorf(format, args...)}
}
