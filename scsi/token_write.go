package scsi

import (
	"encoding/binary"
	"errors"

	"github.com/lunarsan/lunar/sbd"
)

// writeUsingToken is WRITE USING TOKEN. Its parameter list (SBC-4):
//
//	0, 1     WRITE USING TOKEN DATA LENGTH
//	2        DEL_TKN (bit 1), IMMED (bit 0): the data are written before the status either way
//	8..15    OFFSET INTO ROD, in blocks
//	16..527  ROD TOKEN
//	534, 535 BLOCK DEVICE RANGE DESCRIPTOR LENGTH
//	536..    descriptors
func writeUsingToken(t *Task) error {
	p := t.Out
	ranges, total, err := t.parseTokenRanges(p, writeHeaderLen)
	if err != nil {
		return err
	}
	var source *path
	token := p[writeTokenAt : writeTokenAt+tokenLen]
	switch binary.BigEndian.Uint32(token) {
	case rodZero:
	case rodVulnerable:
		// A token is good for those who see what it stands for.
		if source = t.nexus.find((*cscd)(token[16:48])); source == nil {
			return TokenUnknown.At(writeTokenAt)
		}
	default:
		return UnsupportedTokenType.At(writeTokenAt)
	}
	if !t.mayBlock {
		return sbd.ErrWouldBlock
	}
	record, err := t.path.copies.begin(&listKey{lid4, t.CDB.tokenListID()}, t.CDB.service())
	if err != nil {
		return err
	}
	if source == nil {
		return record.end(t, t.writeZeros(record, ranges))
	}
	return record.end(t, t.writeToken(record, source, ranges, total))
}

// writeZeros makes ranges zeros, and gives their space back on a thin unit.
func (t *Task) writeZeros(record *copyRecord, ranges []sbd.Range) error {
	do := t.unit().Zero
	if t.lu().thin {
		do = t.unit().Unmap
	}
	t.op.Stop = t.cancelled
	for _, r := range ranges {
		if err := do(&t.op, r.Off, r.N, false); err != nil {
			return t.unwritten(err, r.Off)
		}
		record.moved.Add(r.N)
	}
	return nil
}

// writeToken writes what the token stands for to ranges, total bytes of it.
func (t *Task) writeToken(record *copyRecord, source *path, ranges []sbd.Range, total int64) error {
	k, err := source.unit.tokens.take(t.Out[writeTokenAt : writeTokenAt+tokenLen])
	if err != nil {
		return err
	}
	const deleteIt = 0x02 // DEL_TKN
	defer func() { source.unit.tokens.release(k, t.Out[2]&deleteIt == 0) }()
	skip := binary.BigEndian.Uint64(t.Out[8:])
	switch {
	case source.unit.blockSize != t.blockSize():
		return InvalidFieldInParameters.At(writeTokenAt)
	case skip > uint64(k.bytes/t.blockSize()), total > k.bytes-int64(skip)*t.blockSize():
		return InvalidFieldInParameters.At(8)
	}
	for _, r := range ranges {
		if source.unit == t.lu() && overlapsAny(r, k.ranges) {
			return InvalidFieldInParameters.At(writeHeaderLen) // it would change what the token stands for
		}
	}
	run, err := t.beginCopy(record, total)
	if err != nil {
		return err
	}
	defer run.leave()
	from := skipBytes(k.ranges, int64(skip)*t.blockSize())
	for _, into := range ranges {
		for into.N > 0 {
			n := min(into.N, from[0].N)
			err := run.copy(copyExtent{source, t.path, from[0].Off, into.Off, n}, k.watch)
			if errors.Is(err, errCancelled) {
				return err
			} else if err != nil {
				_ = run.sync() // of what came before; the unit remembers if that fails
				return t.tokenFault(err)
			}
			into = sbd.Range{Off: into.Off + n, N: into.N - n}
			from = skipBytes(from, n)
		}
	}
	if err := run.sync(); err != nil {
		return t.tokenFault(err)
	}
	return nil
}

// tokenFault is what an initiator is told when a write with a token has ended in err: of t's own
// unit as by any write, of the token's unit as by a copy.
func (t *Task) tokenFault(err error) error {
	var failed *sbd.CopyError
	var refused *refusal
	switch {
	case errors.Is(err, sbd.ErrChanged):
		return TokenRevoked
	case errors.As(err, &failed) && !failed.Source:
		return t.unwritten(failed.Err, failed.Off)
	case errors.As(err, &refused) && refused.side == copyDestination:
		return refused.cause
	}
	return copyAborted(0, err)
}

// skipBytes returns what follows the first n bytes of ranges, which begins with a range that is
// not empty.
func skipBytes(ranges []sbd.Range, n int64) []sbd.Range {
	for i, r := range ranges {
		if n < r.N {
			rest := append([]sbd.Range(nil), ranges[i:]...)
			rest[0] = sbd.Range{Off: r.Off + n, N: r.N - n}
			return rest
		}
		n -= r.N
	}
	return nil
}

// overlapsAny reports whether r shares a byte with one of all.
func overlapsAny(r sbd.Range, all []sbd.Range) bool {
	for _, o := range all {
		if r.Off < o.Off+o.N && o.Off < r.Off+r.N {
			return true
		}
	}
	return false
}
