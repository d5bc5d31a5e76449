package scsi

// RESERVE and RELEASE of 6 and 10 bytes, as SPC-2 had them: the whole unit, for the nexus
// that asks. VMFS locks with them where it cannot compare and write. A nexus that ends, and a
// reset, drop the reservation.

// reserveOptions are third parties, extents and long identifiers, in byte 1: none is served.
const reserveOptions = 0x1F

// reserve takes the reservation, or keeps it.
func reserve(t *Task) error {
	if t.CDB[1]&reserveOptions != 0 {
		return InvalidFieldInCDB.AtBit(1, 4)
	}
	lu := t.lu()
	lu.mu.Lock()
	defer lu.mu.Unlock()
	switch lu.holder.Load() {
	case nil:
		lu.holder.Store(t.path)
	case t.path:
	default:
		return ReservationConflict
	}
	return nil
}

// release gives the reservation up. It is GOOD for those that do not have it, and does
// nothing then.
func release(t *Task) error {
	if t.CDB[1]&reserveOptions != 0 {
		return InvalidFieldInCDB.AtBit(1, 4)
	}
	lu := t.lu()
	lu.mu.Lock()
	defer lu.mu.Unlock()
	lu.holder.CompareAndSwap(t.path, nil)
	return nil
}
