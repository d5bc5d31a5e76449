package dmu

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"
)

// A Volume is what streams of volumes are applied to. WriteAt makes one that is a file longer
// as needed.
type Volume interface {
	io.WriterAt
	// Size is its length (bytes).
	Size() int64
	// Punch makes the n bytes at off read as zeros and gives their space back where it can.
	// None of them are beyond Size.
	Punch(off, n int64) error
	// Fixed says whether its length cannot change: a device. What is behind the end of what
	// is applied to it is of no interest.
	Fixed() bool
	// Truncate makes one that is not Fixed size bytes long; new bytes read as zeros.
	Truncate(size int64) error
	// Sync makes what was written survive a power loss.
	Sync() error
}

// ApplyOptions are what an Applier does differently, and what it should know.
type ApplyOptions struct {
	Blank     bool          // nothing has been written to the volume yet
	Modified  bool          // it was written to since its last snapshot
	Overwrite bool          // the first full stream replaces what is in it, chain and all
	Force     bool          // although Modified
	Dataset   string        // apply this one of a package's; empty: there is but one
	Every     time.Duration // between two checkpoints; 0: usualEvery

	// Reached is told, each time that more was written, the place before which everything is:
	// it need not outlive a loss of power. nil: nobody wants to know.
	Reached func(Cursor)
	// Done is called after each substream, in order. It may read the stream once more: until it
	// returns, the Applier has no long block in memory.
	Done func(Applied) error
}

// usualEvery is how much work a loss of power may cost.
const usualEvery = 2 * time.Second

// Applied is what became of a substream.
type Applied struct {
	Link
	Passed     bool   // it was there already, or is of another dataset: nothing was done
	GoneOn     bool   // a part of it was there already
	Written    uint64 // bytes of the volume
	Freed      uint64 // bytes of the volume
	Begin, End int64  // where it is in its stream (bytes)
}

// An Applier applies streams to a volume, in place, and keeps the volume's Chain.
//
// A volume that is not whole is marked so: before its first byte is written the chain is saved
// with the snapshot under way, and every Every what was written is made durable and the place
// noted, in this order. Whatever interrupts it, the same stream, or one that resumes at that
// place or before it, can be applied again and goes on there. Only when END has proved every
// byte, and all is durable, does the snapshot join the chain.
//
// A payload is proved by the checksum of the record behind it. No block is written before.
type Applier struct {
	volume Volume
	chain  *Chain
	save   func(*Chain) error
	o      ApplyOptions

	in        *Verifier
	codec     Codec // of blocks too long for a batch
	line      *pipeline
	batch     *batch
	confirmed mark // of what the batch has that checksums have proved
	sub       substream
}

// A substream is the one under way.
type substream struct {
	applied  Applied
	open     bool
	features Features
	begun    bool   // the chain says so
	resumed  bool   // the stream is the rest of one
	from     Cursor // what is there already
	unsummed bool   // its records have no checksums: only END proves them
	base     uint64 // length of the volume before it (bytes): behind that, it has nothing
	place    uint64 // behind what the records so far are about
	written  uint64 // behind the last block
}

// NewApplier makes an Applier to v, whose chain is c. save is called to keep the chain, which has
// to survive a loss of power when save returns.
func NewApplier(v Volume, c *Chain, save func(*Chain) error, o ApplyOptions) *Applier {
	if o.Every == 0 {
		o.Every = usualEvery
	}
	return &Applier{volume: v, chain: c, save: save, o: o}
}

// A BrokenOffError says that a snapshot was not received to its end. The volume is not usable
// until it is.
type BrokenOffError struct {
	Receiving Receiving
	Cause     error
}

func (e *BrokenOffError) Error() string {
	return fmt.Sprintf("%s is there up to byte %d of the volume, and not to its end: %v", e.Receiving.Name, e.Receiving.Offset, e.Cause)
}

// Unwrap returns the cause.
func (e *BrokenOffError) Unwrap() error { return e.Cause }

// Apply applies one stream, or the substreams of a package in turn; those that the volume has
// been at are passed over. Errors are a *Refusal, an *Error of the stream, what the volume met,
// or a *BrokenOffError around one of them where a snapshot is not whole.
func (a *Applier) Apply(ctx context.Context, in io.Reader) error {
	a.in = NewVerifier(in, false)
	a.sub = substream{}
	a.line = newPipeline(a.volume, a.o, a.note)
	defer a.line.close()
	a.batch = a.line.take()
	a.confirmed = a.batch.mark()
	for {
		rec, err := a.in.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil {
			err = ctx.Err()
		}
		if err == nil {
			a.confirmed = a.batch.mark()
			err = a.take(rec)
		}
		if err != nil {
			return a.breakOff(err)
		}
	}
}

// take does what a record says.
func (a *Applier) take(rec *Record) error {
	t := rec.Type()
	switch {
	case t == TypeBegin && rec.Begin().Kind() == Substream:
		return a.open(rec.Begin())
	case !a.sub.open:
		return nil
	case t == TypeEnd:
		return a.finish()
	case a.sub.applied.Passed:
		return nil
	}
	if rec.Checksum() == (Fletcher4{}) {
		a.sub.unsummed = true
	}
	if err := a.perform(rec, a.in.Payload()); err != nil {
		return err
	}
	if at := a.sub.settled(); !a.sub.unsummed && at >= a.sub.from.Offset {
		a.batch.cursor = Cursor{at, a.bytes()}
	}
	return nil
}

// bytes is how much of the snapshot's stream there was, up to the record under way.
func (a *Applier) bytes() uint64 {
	n := uint64(a.in.Offset() + int64(len(a.in.Payload())) - a.sub.applied.Begin)
	if a.sub.resumed {
		n += a.sub.from.Bytes
	}
	return n
}

// settled is what everything before is done of. Behind base, holes are there when the block
// behind them is.
func (s *substream) settled() uint64 { return max(s.written, min(s.place, s.base)) }

// open begins a substream.
func (a *Applier) open(b *Begin) error {
	a.sub = substream{open: true, features: b.Features(), applied: Applied{Begin: a.in.Offset(), Link: Link{
		GUID:    b.ToGUID(),
		From:    b.FromGUID(),
		Name:    b.ToName(),
		Created: creationTime(b),
	}}}
	what, err := a.admit(b, a.in.Payload())
	if err != nil {
		a.sub.open = false
		return err
	}
	s := &a.sub
	s.resumed = s.features.Has(FeatureResuming)
	if head := a.chain.Head(); head != nil && s.applied.From != 0 {
		s.base, s.applied.BlockSize = head.Size, head.BlockSize
	}
	switch what {
	case pass:
		s.applied.Passed = true
	case goOn:
		s.begun, s.applied.GoneOn = true, true
		s.from = a.chain.Receiving.Cursor
		s.applied.BlockSize = a.chain.Receiving.BlockSize
		a.line.cursor, a.line.noted = s.from, s.from
		return a.clear()
	}
	return nil
}

// creationTime is when the snapshot of b was made; the zero time for one that no calendar has.
func creationTime(b *Begin) time.Time {
	const year10000 = 253402300800
	if b.CreationTime() >= year10000 {
		return time.Time{}
	}
	return time.Unix(int64(b.CreationTime()), 0).UTC()
}

// begin says in the chain that the volume is becoming something else, before it does.
func (a *Applier) begin() error {
	s := &a.sub
	if s.begun {
		return nil
	}
	if s.applied.From == 0 {
		a.chain.Snapshots = nil
		a.o.Overwrite = false // one stream may
	}
	a.o.Blank, a.o.Modified = false, false
	a.chain.Receiving = &Receiving{Link: s.applied.Link, Features: s.features &^ FeatureResuming}
	if err := a.save(a.chain); err != nil {
		return err
	}
	s.begun = true
	a.line.cursor, a.line.noted = Cursor{}, Cursor{}
	return a.clear()
}

// clear takes away what is behind base and behind what is there already, where the volume can
// change its length.
func (a *Applier) clear() error {
	if a.volume.Fixed() {
		return nil
	}
	return a.volume.Truncate(int64(max(a.sub.base, a.sub.from.Offset)))
}

// note saves how far the volume is.
func (a *Applier) note(c Cursor) error {
	a.chain.Receiving.Cursor = c
	return a.save(a.chain)
}

// hand hands the batch on, or as much of it as is proved, and takes another.
func (a *Applier) hand() error {
	if a.batch.empty() {
		return nil
	}
	if err := a.begin(); err != nil {
		return err
	}
	a.line.submit(a.batch)
	a.batch = a.line.take()
	a.confirmed = a.batch.mark()
	return a.line.err()
}

// finish ends a substream: the volume is the snapshot from now on.
func (a *Applier) finish() error {
	s := &a.sub
	s.applied.End = a.in.Offset() + RecordSize
	if !s.applied.Passed {
		if err := a.commit(); err != nil {
			return err
		}
	}
	s.open = false
	if a.o.Done == nil {
		return nil
	}
	a.release()
	return a.o.Done(s.applied)
}

// release gives up the memory of long blocks. Nothing is under way.
func (a *Applier) release() {
	a.in.release()
	a.line.release()
	a.codec = Codec{}
}

// GoOnIn has the stream under way go on in another reader, which begins at Applied.End. It is for
// Done to call, which may have closed the one before.
func (a *Applier) GoOnIn(in io.Reader) { a.in.goOnIn(in) }

func (a *Applier) commit() error {
	s := &a.sub
	size, known := a.in.Checker.VolumeSize()
	if !known {
		size = s.base
	}
	if s.written > size || size > maxVolume {
		return a.invalid("the volume is %d bytes long, and has a block that ends at %d", size, s.written)
	}
	if err := a.fits(size); err != nil {
		return err
	}
	if err := a.begin(); err != nil {
		return err
	}
	a.gap(size)
	if err := a.hand(); err != nil {
		return err
	}
	if err := a.line.drain(); err != nil {
		return err
	}
	if !a.volume.Fixed() {
		if err := a.volume.Truncate(int64(size)); err != nil {
			return err
		}
	}
	if err := a.volume.Sync(); err != nil {
		return err
	}
	s.applied.Size = size
	a.chain.Snapshots = append(a.chain.Snapshots, s.applied.Link)
	a.chain.Receiving = nil
	return a.save(a.chain)
}

// breakOff keeps what is there of a snapshot that does not come to its end.
func (a *Applier) breakOff(cause error) error {
	a.batch.rewind(a.confirmed)
	if !a.sub.open || a.sub.applied.Passed {
		return cause
	}
	err := a.hand()
	if err == nil {
		err = a.line.drain()
	}
	if !a.sub.begun {
		return cause
	}
	if err == nil {
		err = a.line.checkpoint()
	}
	if err != nil && !errors.Is(cause, err) {
		cause = errors.Join(cause, err)
	}
	return &BrokenOffError{*a.chain.Receiving, cause}
}
