package scsi

import (
	"encoding/binary"
	"maps"
	"slices"
)

// reportLUNs is REPORT LUNS (SPC-5). It answers on every LUN, whether or not it is mapped:
// initiators that know no other LUN ask LUN 0.
func reportLUNs(t *Task) error {
	seen := t.nexus.luns.Load()
	numbers := slices.Sorted(maps.Keys(seen.paths))
	switch t.CDB[2] {
	case 0x00, 0x02: // addressed by this LUN's methods; all
	case 0x01, 0x10, 0x11, 0x12: // well known units, administrative and subsidiary units
		numbers = nil
	default:
		return InvalidFieldInCDB.At(2)
	}
	p := make([]byte, 8, 8+8*len(numbers)) // LUN LIST LENGTH, reserved
	binary.BigEndian.PutUint32(p, uint32(8*len(numbers)))
	for _, number := range numbers {
		p = binary.BigEndian.AppendUint64(p, uint64(LUNOf(number)))
	}
	for _, path := range seen.paths {
		path.clear(ReportedLUNsHasChanged)
	}
	return t.reply(p)
}
