package dmu

import "fmt"

// perform does to the volume what a record says.
func (a *Applier) perform(rec *Record, payload []byte) error {
	switch rec.Type() {
	case TypeObject:
		if o := rec.Object(); o.Object() == ZvolData {
			return a.blockSize(o.BlockSize())
		}
	case TypeWrite:
		if w := rec.Write(); w.Object() == ZvolData {
			return a.write(w.Offset(), w.LogicalSize(), w.LogicalSize(), w.Compression(), payload)
		}
	case TypeWriteEmbedded:
		if w := rec.WriteEmbedded(); w.Object() == ZvolData {
			return a.write(w.Offset(), w.Length(), uint64(w.LogicalSize()), w.Compression(), payload[:w.PhysicalSize()])
		}
	case TypeFree:
		if f := rec.Free(); f.Object() == ZvolData {
			return a.free(f.Offset(), f.Length())
		}
	}
	return nil
}

// blockSize holds the volume's blocks to the length that they have.
func (a *Applier) blockSize(n uint32) error {
	s := &a.sub.applied
	if s.BlockSize != 0 && s.BlockSize != n {
		return a.invalid("the volume has blocks of %d bytes, and the stream of %d: it is of another volume", s.BlockSize, n)
	}
	s.BlockSize = n
	return nil
}

// write takes a block of n bytes at off, of which payload has lsize.
func (a *Applier) write(off, n, lsize uint64, how Compression, payload []byte) error {
	s := &a.sub
	if err := a.reach(off, n); err != nil {
		return err
	}
	if err := a.fits(off + n); err != nil {
		return err
	}
	s.place = off + n
	if s.place <= s.from.Offset {
		s.written = s.place
		return nil
	}
	// A long block is decompressed here: there is room for one, and none for its payload.
	packed, long := how != CompressionNone, n > batchSize
	in := 0
	if packed && !long {
		in = len(payload)
	}
	if err := a.room(int(n), in); err != nil {
		return err
	}
	a.gap(off)
	s.written = s.place
	s.applied.Written += n
	switch {
	case packed && long:
		block := a.batch.block(off, int(n))
		return unpack(&a.codec, how, block, int(lsize), payload, off)
	case packed:
		a.batch.compressed(off, int(n), int(lsize), how, payload)
	default:
		copy(a.batch.block(off, int(n)), payload)
	}
	return nil
}

// free takes a hole. What is behind base becomes one without a word: there, every place without
// a block is.
func (a *Applier) free(off, n uint64) error {
	s := &a.sub
	end := off + n
	if n == ToEnd {
		end = max(off, s.base)
	} else if err := a.reach(off, n); err != nil {
		return err
	}
	if off < s.place {
		return a.invalid("FREE is at %d, behind what came before it, at %d", off, s.place)
	}
	if n != ToEnd {
		s.place = end
	}
	from, to := max(off, s.from.Offset), min(end, s.base)
	if from >= to {
		return nil
	}
	if err := a.room(0, 0); err != nil {
		return err
	}
	a.batch.hole(from, to-from)
	s.applied.Freed += to - from
	return nil
}

// gap makes zeros of what is before to, where neither the volume nor a block has been. One that
// can change its length ends there, and has zeros when it is made longer.
func (a *Applier) gap(to uint64) {
	s := &a.sub
	from := max(s.written, s.base, s.from.Offset)
	if !a.volume.Fixed() || from >= to {
		return
	}
	a.batch.hole(from, to-from)
	s.applied.Freed += to - from
}

// reach holds a record's n bytes at off to the order of records, and to where a volume can be.
func (a *Applier) reach(off, n uint64) error {
	switch {
	case off > maxVolume || n > maxVolume-off:
		return a.invalid("it has %d bytes at %d, where no volume reaches", n, off)
	case off < a.sub.place:
		return a.invalid("it is at byte %d of the volume, behind what came before it, up to %d", off, a.sub.place)
	}
	return nil
}

// fits holds a volume of n bytes, or more, to the length of a device.
func (a *Applier) fits(n uint64) error {
	if !a.volume.Fixed() {
		return nil // and its length changes as blocks are written
	}
	if size := a.volume.Size(); n > uint64(size) {
		return fmt.Errorf("%w: the volume has at least %d bytes, and the device %d", ErrTooSmall, n, size)
	}
	return nil
}

// room sees to it that the batch has room for a block of n bytes, in compressed ones, and for
// the hole before it.
func (a *Applier) room(n, in int) error {
	if a.batch.room(n, in) {
		return nil
	}
	if err := a.hand(); err != nil {
		return err
	}
	if !a.batch.room(n, in) {
		a.batch.borrow(<-a.line.long, n)
	}
	return nil
}

// invalid says what is wrong with the record under way.
func (a *Applier) invalid(format string, args ...any) error {
	return a.in.wrong(ErrInvalid, fmt.Errorf(format, args...))
}
