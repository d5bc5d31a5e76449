package scsi

import (
	"fmt"
	"testing"

	"github.com/lunarsan/lunar/sbd"
)

// TestCompareAndWrite compares at both ends of the unit, in every length.
func TestCompareAndWrite(t *testing.T) {
	onBothBlockSizes(t, func(t *testing.T, d *disk) {
		for n := 1; n <= maxCompareBlocks; n += 1 + n/2 {
			for _, lba := range []int{0, testBlocks - n} {
				d.fill(lba, n, 'A')
				data := append(d.data(n, 'A'), d.data(n, 'B')...)
				d.want(d.run(cdb(opCompareAndWrite, 0, uint64(lba), uint32(n)), data), "GOOD")
				d.holds(lba, n, 'B')
				d.want(d.run(cdb(opCompareAndWrite, 0, uint64(lba), uint32(n)), data), "0E/1D/00 information 0")
				d.holds(lba, n, 'B')
			}
		}
		if n := d.unit.Metrics().Errors; n != 0 {
			t.Errorf("a miscompare counts as a failure of the unit: %d", n)
		}
	})
}

// TestMiscompareOffset walks the first difference through the compare half of two blocks.
func TestMiscompareOffset(t *testing.T) {
	d := newDisk(t, 512, nil)
	d.fill(5, 2, 'B')
	for i := range 1024 {
		data := append(d.data(2, 'B'), d.data(2, 'C')...)
		data[i] = 'Z'
		d.want(d.run(cdb(opCompareAndWrite, flagFUA, 5, 2), data), fmt.Sprintf("0E/1D/00 information %d", i))
	}
	d.holds(5, 2, 'B')
}

// TestCompareAndWriteLength sends more and less Data-Out than the CDB has blocks for.
func TestCompareAndWriteLength(t *testing.T) {
	d := newDisk(t, 512, nil)
	for _, n := range []int{0, 1, 2, 3, 5, 6, 8} {
		d.want(d.run(cdb(opCompareAndWrite, 0, 0, 2), d.data(n, 0)), "05/24/00 byte 13")
	}
	// 256 blocks do not fit the CDB: their length field says 0.
	d.want(d.run(cdb(opCompareAndWrite, 0, 0, 256&0xFF), d.data(512, 0)), "05/24/00 byte 13")
	if n := d.store.Calls(sbd.CallWrite); n != 0 {
		t.Errorf("wrote %d times", n)
	}
}
