package scsi

import "testing"

func TestORWrite(t *testing.T) {
	onBothBlockSizes(t, func(t *testing.T, d *disk) {
		for _, n := range []int{1, 2, 256, MaxTransfer / d.block} {
			for _, lba := range []int{0, testBlocks - n} {
				d.fill(lba, n, 0)
				d.want(d.run(cdb(opOrWrite, 0, uint64(lba), uint32(n)), d.data(n, 0xA5)), "GOOD")
				d.holds(lba, n, 0xA5)
				d.want(d.run(cdb(opOrWrite, flagFUA, uint64(lba), uint32(n)), d.data(n, 0x0F)), "GOOD")
				d.holds(lba, n, 0xAF)
			}
		}
	})
}
