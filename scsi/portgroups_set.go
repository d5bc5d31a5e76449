package scsi

import (
	"encoding/binary"
	"slices"

	"github.com/lunarsan/lunar/sbd"
)

// setPortGroupsLengths bounds the parameter list, which is kept in memory.
func setPortGroupsLengths(t *Task) (out, in int64, err error) {
	n := t.CDB.length()
	if n > maxPortGroupsList {
		return 0, 0, InvalidFieldInCDB.At(t.CDB.lengthAt())
	}
	return int64(n), 0, nil
}

// setPortGroups is SET TARGET PORT GROUPS (SPC-5). The parameter list is four reserved bytes and
// descriptors: state, reserved, target port group (2). All of the changes are made and saved
// before the command is answered, or none.
func setPortGroups(t *Task) error {
	list, err := t.exactOut()
	if err != nil || len(list) == 0 {
		return err
	}
	const header, descriptor = 4, 4
	if len(list) < header || len(list)%descriptor != 0 {
		return ParameterListLength
	}
	groups := t.nexus.access.Load().Groups
	var wanted []StateChange
	for at := header; at < len(list); at += descriptor {
		c := StateChange{binary.BigEndian.Uint16(list[at+2:]), AccessState(list[at] & 0xF)}
		i := slices.IndexFunc(groups, func(g PortGroup) bool { return g.Number == c.Group })
		switch {
		case c.State > Unavailable:
			return InvalidFieldInParameters.AtBit(at, 3)
		case i < 0 || !groups[i].Explicit:
			return InvalidFieldInParameters.At(at + 2)
		}
		wanted = append(wanted, c)
	}
	if len(wanted) == 0 {
		return nil
	}
	if !t.mayBlock {
		return sbd.ErrWouldBlock
	}
	if err := t.nexus.ChangeStates(t, wanted); err != nil {
		return (&Fault{Sense: SetPortGroupsFailed}).Because(err)
	}
	return nil
}
