package sbd

// A copyPiece is the part of a copy that one goroutine is at: the n bytes at at.
type copyPiece struct {
	*copyRun
	buffer       []byte
	at, n        int64 // in the destination
	srcOp, dstOp Op
	src, dst     *state
}

// next takes the next piece off what is left of the copy. Pieces end where the destination's
// offset is a multiple of CopyPiece, so that what was aligned stays so. What moves up within a
// unit is taken from its end, or the source would be overwritten before it is read.
func (p *copyPiece) next() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.err != nil || p.Off >= p.end {
		return false
	}
	if p.Between != nil {
		if p.err = p.Between(); p.err != nil {
			return false
		}
	}
	if p.overlap && p.shift < 0 {
		p.at = max(p.Off, (p.end-1)/CopyPiece*CopyPiece)
		p.n = p.end - p.at
		p.end = p.at
		return true
	}
	p.at = p.Off
	p.n = min(p.end, (p.Off/CopyPiece+1)*CopyPiece) - p.at
	p.Off = p.at + p.n
	return true
}

// copy copies the piece.
func (p *copyPiece) copy() error {
	if err := p.enter(); err != nil {
		return err
	}
	defer p.leave()
	if err := p.into.writable(); err != nil {
		return p.wrote(p.at, err)
	}
	p.into.touch(p.at, p.n)
	if p.overlap {
		if err := p.room(p.at, p.n); err != nil {
			return err
		}
		return p.move(p.at, p.n)
	}
	for at, end := p.at, p.at+p.n; at < end; {
		has, n, err := mapped(p.src.store, at+p.shift)
		if err != nil {
			return p.read(at, err)
		}
		n = min(n, end-at)
		if has {
			err = p.transfer(at, n)
		} else {
			err = p.clear(at, n)
		}
		if err != nil {
			return err
		}
		at += n
	}
	return nil
}

// clear makes the n bytes at at zeros, as a source that has no space for them reads.
func (p *copyPiece) clear(at, n int64) error {
	counts := &p.into.counts
	if has, empty, err := mapped(p.dst.store, at); err == nil && !has && empty >= n {
		counts.copiedHoles.Add(uint64(n))
		return nil // as they are
	}
	do := zero
	if p.thin {
		do = unmap
	}
	if err := do(p.dst.store, at, n); err != nil {
		return p.wrote(at, err)
	}
	counts.copiedHoles.Add(uint64(n))
	return nil
}

// transfer leaves the n bytes at at to the stores if they can, and moves them otherwise: also
// when the stores have failed, to see which of the two it is.
func (p *copyPiece) transfer(at, n int64) error {
	if err := p.room(at, n); err != nil {
		return err
	}
	if p.share {
		shared, err := copyFrom(p.dst.store, p.src.store, at+p.shift, at, n)
		switch counts := &p.into.counts; {
		case err != nil:
		case shared:
			counts.copiedShared.Add(uint64(n))
			return nil
		default:
			counts.copiedBelow.Add(uint64(n))
			return nil
		}
	}
	return p.move(at, n)
}

// room tells whether the n bytes at at of the destination may be written; see Unit.room.
func (p *copyPiece) room(at, n int64) error {
	if err := p.into.room(&p.dstOp, p.dst.store, at, n); err != nil {
		return p.wrote(at, err)
	}
	return nil
}

// move copies the n bytes at at through the buffer.
func (p *copyPiece) move(at, n int64) error {
	b := p.buffer[:n]
	if _, err := p.src.store.ReadAt(b, at+p.shift); err != nil {
		return p.read(at, err)
	}
	if _, err := p.dst.store.WriteAt(b, at); err != nil {
		return p.wrote(at, err)
	}
	p.into.counts.copiedMoved.Add(uint64(n))
	return nil
}

// read and wrote say which side has failed with err at at.
func (p *copyPiece) read(at int64, err error) error  { return &CopyError{true, at + p.shift, err} }
func (p *copyPiece) wrote(at int64, err error) error { return &CopyError{false, at, err} }

// enter claims the piece on both sides. Within a unit both claims are made at once, between
// units in an order that never changes: copies that cross each other cannot wait for each other.
func (p *copyPiece) enter() (err error) {
	from, into := p.From, p.into
	if from == into {
		p.src, err = into.enterBoth(&p.srcOp, p.at+p.shift, &p.dstOp, p.at, p.n)
		if p.dst = p.src; err != nil {
			return p.wrote(p.at, err)
		}
		return nil
	}
	source := func() error {
		if p.src, err = from.enter(&p.srcOp, p.at+p.shift, p.n, changes); err != nil {
			return p.read(p.at, err)
		}
		return nil
	}
	destination := func() error {
		if p.dst, err = into.enter(&p.dstOp, p.at, p.n, alone); err != nil {
			return p.wrote(p.at, err)
		}
		return nil
	}
	if from.order < into.order {
		if err := source(); err != nil {
			return err
		}
		if err := destination(); err != nil {
			from.leave(&p.srcOp)
			return err
		}
		return nil
	}
	if err := destination(); err != nil {
		return err
	}
	if err := source(); err != nil {
		into.leave(&p.dstOp)
		return err
	}
	return nil
}

// leave lets go of both sides.
func (p *copyPiece) leave() {
	if p.From == p.into {
		p.From.locks.unlockBoth(&p.srcOp.hold, &p.dstOp.hold)
		return
	}
	p.From.leave(&p.srcOp)
	p.into.leave(&p.dstOp)
}
