package scsi

import (
	"testing"
	"testing/synctest"

	"github.com/lunarsan/lunar/sbd"
)

const flagImmed = 0x02

// TestSynchronizeCacheImmed answers before the sync has ended, and syncs all the same: once
// for all who came while it ran.
func TestSynchronizeCacheImmed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDisk(t, 512, nil)
		slow := make(chan struct{})
		d.store.Add(sbd.Rule{Calls: sbd.CallSync, Hold: slow})
		for _, op := range []Opcode{opSynchronizeCache10, opSynchronizeCache16} {
			for range 3 {
				d.want(d.run(cdb(op, flagImmed, 0, 0), nil), "GOOD")
				synctest.Wait()
			}
		}
		d.want(d.run(cdb(opSynchronizeCache10, flagImmed, testBlocks, 1), nil), "05/21/00")
		if n := d.store.Calls(sbd.CallSync); n != 1 {
			t.Errorf("%d syncs under way, want 1", n)
		}
		close(slow)
		synctest.Wait()
		if n := d.store.Calls(sbd.CallSync); n != 2 {
			t.Errorf("%d syncs in all, want 2", n)
		}
	})
}

// TestSyncFailure remembers a sync that failed, also one that nobody waited for: the unit can
// be read and not written until an operator has looked.
func TestSyncFailure(t *testing.T) {
	for _, immed := range []byte{0, flagImmed} {
		synctest.Test(t, func(t *testing.T) {
			d := newDisk(t, 512, nil)
			d.want(d.run(cdb(opWrite10, 0, 0, 1), d.data(1, 'w')), "GOOD")
			d.store.Add(sbd.Rule{Calls: sbd.CallSync, Times: 1, Err: sbd.ErrMedium})
			want := "03/0C/00"
			if immed != 0 {
				want = "GOOD"
			}
			d.want(d.run(cdb(opSynchronizeCache10, immed, 0, 0), nil), want)
			synctest.Wait()
			for _, c := range []CDB{
				cdb(opSynchronizeCache10, 0, 0, 0), cdb(opSynchronizeCache16, flagImmed, 0, 0),
			} {
				d.want(d.run(c, nil), "03/0C/00")
			}
			d.want(d.run(cdb(opWrite10, 0, 0, 1), d.data(1, 'x')), "03/0C/00")
			d.want(d.run(cdb(opRead10, 0, 0, 1), nil), "GOOD")
			d.unit.ClearFault()
			d.want(d.run(cdb(opSynchronizeCache10, 0, 0, 0), nil), "GOOD")
			d.want(d.run(cdb(opWrite10, flagFUA, 0, 1), d.data(1, 'x')), "GOOD")
		})
	}
}
