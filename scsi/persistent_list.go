package scsi

import "encoding/binary"

// An outList is the parameter list of PERSISTENT RESERVE OUT, read (SPC-5).
type outList struct {
	key        Key // RESERVATION KEY: the asker's
	serviceKey Key // SERVICE ACTION RESERVATION KEY

	aptpl bool // ACTIVATE PERSIST THROUGH POWER LOSS
	all   bool // ALL_TG_PT
	specs bool // SPEC_I_PT

	// ports are the initiator ports of the TransportIDs, one for REGISTER AND MOVE.
	ports []string

	// Of REGISTER AND MOVE.
	unregister bool   // UNREG
	relative   uint16 // RELATIVE TARGET PORT IDENTIFIER
}

const (
	outListLen    = 24
	maxOutListLen = 64 << 10 // 240 TransportIDs of the greatest length
)

// outLengths is the lengths function of PERSISTENT RESERVE OUT. Its PARAMETER LIST LENGTH is
// elsewhere than in other CDBs of 10 bytes.
func outLengths(t *Task) (out, in int64, err error) {
	n := binary.BigEndian.Uint32(t.CDB[5:9])
	if n < outListLen || n > maxOutListLen {
		return 0, 0, ParameterListLength
	}
	return int64(n), 0, nil
}

// parseOutList reads the parameter list p of service, whose CDB announces want bytes:
//
//	0..7   RESERVATION KEY              REGISTER AND MOVE has from byte 16:
//	8..15  SERVICE ACTION RESERVATION   17      UNREG, APTPL
//	       KEY                          18, 19  RELATIVE TARGET PORT IDENTIFIER
//	20     SPEC_I_PT, ALL_TG_PT, APTPL  20..23  TRANSPORTID LENGTH
//	24..27 with SPEC_I_PT: TRANSPORTID  24..    TransportID
//	       PARAMETER DATA LENGTH
//	28..   TransportIDs
func parseOutList(service byte, p []byte, want int64) (l outList, err error) {
	if len(p) < outListLen || int64(len(p)) != want {
		return l, ParameterListLength
	}
	l.key, l.serviceKey = Key(binary.BigEndian.Uint64(p)), Key(binary.BigEndian.Uint64(p[8:]))
	length, ids := 20, outListLen
	if service == saRegisterMove {
		l.unregister, l.aptpl = p[17]&0x02 != 0, p[17]&0x01 != 0
		l.relative = binary.BigEndian.Uint16(p[18:])
	} else {
		l.specs, l.all, l.aptpl = p[20]&0x08 != 0, p[20]&0x04 != 0, p[20]&0x01 != 0
		length, ids = outListLen, outListLen+4
		switch {
		case l.specs && service != saRegister:
			return outList{}, InvalidFieldInParameters.AtBit(20, 3)
		case !l.specs && len(p) == outListLen:
			return l, nil
		case !l.specs, len(p) < ids:
			return outList{}, ParameterListLength
		}
	}
	if uint64(binary.BigEndian.Uint32(p[length:])) != uint64(len(p)-ids) {
		return outList{}, ParameterListLength
	}
	for rest := p[ids:]; len(rest) > 0; {
		var port string
		if port, rest, err = parseTransportID(rest, len(p)-len(rest)); err != nil {
			return outList{}, err
		}
		l.ports = append(l.ports, port)
	}
	if service == saRegisterMove && len(l.ports) != 1 {
		return outList{}, InvalidFieldInParameters.At(length)
	}
	return l, nil
}
