package scsi

import (
	"encoding/binary"
	"math"
)

// tokenInformation is RECEIVE ROD TOKEN INFORMATION: what became of a POPULATE TOKEN, with its
// token, or of a WRITE USING TOKEN (SPC-5). After the end of either it is told once.
//
//	0..3   AVAILABLE DATA
//	4      RESPONSE TO SERVICE ACTION
//	5      COPY OPERATION STATUS
//	6, 7   OPERATION COUNTER
//	8..11  ESTIMATED STATUS UPDATE DELAY: not known
//	12     EXTENDED COPY COMPLETION STATUS
//	13, 14 length of the sense data field, SENSE DATA LENGTH
//	15     TRANSFER COUNT UNITS: blocks
//	16..23 TRANSFER COUNT
//	24, 25 SEGMENTS PROCESSED
//	32..   sense data
//	..     ROD TOKEN DESCRIPTORS LENGTH (4), then two reserved bytes and the token
func tokenInformation(t *Task) error {
	r := t.path.copies.get(listKey{lid4, binary.BigEndian.Uint32(t.CDB[2:])})
	if r == nil {
		return InvalidFieldInCDB.At(2)
	}
	s := r.state()
	be := binary.BigEndian
	p := make([]byte, 32, 32+len(s.sense.b)+4+2+tokenLen)
	p[4] = r.service
	switch {
	case !s.ended:
		p[5] = copyForeground
	case s.status == Good:
		p[5] = copyDone
	case s.status == TaskAborted:
		p[5] = copyTerminated
	default:
		p[5] = copyFailed
	}
	be.PutUint32(p[8:], math.MaxUint32)
	p[12] = byte(s.status)
	p[13], p[14] = s.sense.n, s.sense.n
	p[15] = countBlocks
	be.PutUint64(p[16:], uint64(s.moved/t.blockSize()))
	p = append(p, s.sense.Bytes()...)
	if s.token != nil {
		p = be.AppendUint32(p, 2+tokenLen)
		p = append(p, 0, 0)
		p = append(p, s.token.b[:]...)
	} else {
		p = be.AppendUint32(p, 0)
	}
	be.PutUint32(p, uint32(len(p)-4))
	if s.ended {
		t.path.copies.forget(r)
	}
	return t.reply(p)
}
