package scsi

import "testing"

func TestWriteAtomic(t *testing.T) {
	onBothBlockSizes(t, func(t *testing.T, d *disk) {
		for _, n := range []int{1, 2, 255, maxAtomicBlocks} {
			d.fill(0, n+1, 'a')
			d.want(d.run(cdb(opWriteAtomic16, flagDPO, 0, uint32(n)), d.data(n, 'b')), "GOOD")
			d.holds(0, n, 'b')
			d.holds(n, 1, 'a')
		}
		d.want(d.run(cdb(opWriteAtomic16, 0, testBlocks-1, maxAtomicBlocks+1), d.data(maxAtomicBlocks+1, 0)), "05/21/00")
		bounded := cdb(opWriteAtomic16, 0, 0, 8)
		bounded[11] = 4
		d.want(d.run(bounded, d.data(8, 'x')), "05/24/00 byte 10")
		d.holds(0, 8, 'b')
	})
}
