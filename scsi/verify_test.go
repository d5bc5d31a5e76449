package scsi

import (
	"fmt"
	"testing"

	"github.com/lunarsan/lunar/sbd"
)

// TestVerify compares blocks with Data-Out in each of the ways of BYTCHK. The blocks checked
// are more than fit the buffer that they are compared in.
func TestVerify(t *testing.T) {
	onBothBlockSizes(t, func(t *testing.T, d *disk) {
		n := MaxTransfer / d.block
		d.fill(0, n, 'v')
		for _, op := range []Opcode{opVerify10, opVerify12, opVerify16} {
			d.want(d.run(cdb(op, 0, 0, uint32(n)), nil), "GOOD")
			d.want(d.run(cdb(op, 0x02|flagDPO, 0, uint32(n)), d.data(n, 'v')), "GOOD")
			d.want(d.run(cdb(op, 0x06, 0, uint32(n)), d.data(1, 'v')), "GOOD")
			d.want(d.run(cdb(op, 0x04, 0, 1), nil), "05/24/00 byte 1 bit 2")
			for _, at := range []int{0, 1, d.block - 1, d.block, pieceLen - 1, pieceLen, n*d.block - 1} {
				p := d.data(n, 'v')
				p[at] ^= 'X'
				d.want(d.run(cdb(op, 0x02, 0, uint32(n)), p), fmt.Sprintf("0E/1D/00 information %d", at))
				d.want(d.run(cdb(op, 0, 0, uint32(n)), nil), "GOOD")
				if block := p[:d.block]; at < d.block {
					d.want(d.run(cdb(op, 0x06, 0, uint32(n)), block), fmt.Sprintf("0E/1D/00 information %d", at))
				}
			}
			d.fill(n-1, 1, 'w')
			d.want(d.run(cdb(op, 0x06, 0, uint32(n)), d.data(1, 'v')), "0E/1D/00 information 0")
			d.fill(n-1, 1, 'v')
			d.want(d.run(cdb(op, 0x06, 0, 0), nil), "GOOD")
		}
	})
}

// TestVerifyReads makes sure that VERIFY without a comparison reads the medium all the same.
func TestVerifyReads(t *testing.T) {
	d := newDisk(t, 512, nil)
	d.want(d.run(cdb(opVerify10, 0, 100, 5000), nil), "GOOD")
	if got := d.unit.Metrics().ReadBytes; got != 5000*512 {
		t.Errorf("read %d bytes of the medium, want %d", got, 5000*512)
	}
}

// TestWriteVerify writes to a medium that keeps something else: only a comparison finds out.
func TestWriteVerify(t *testing.T) {
	for _, op := range []Opcode{opWriteVerify10, opWriteVerify12, opWriteVerify16} {
		d := newDisk(t, 512, nil)
		d.want(d.run(cdb(op, 0x02|flagDPO, 10, 4), d.data(4, 'w')), "GOOD")
		d.holds(10, 4, 'w')
		d.want(d.run(cdb(op, 0x04, 10, 1), d.data(1, 'w')), "05/24/00 byte 1 bit 2")
		d.want(d.run(cdb(op, 0x06, 10, 1), d.data(1, 'w')), "05/24/00 byte 1 bit 2")

		d.unit.Detach(sbd.ErrGone)
		if err := d.unit.Attach(deaf{sbd.NewMem(testBlocks * 512)}); err != nil {
			t.Fatal(err)
		}
		d.want(d.run(cdb(op, 0, 10, 4), d.data(4, 'x')), "GOOD")
		d.want(d.run(cdb(op, 0x02, 10, 4), d.data(4, 'x')), "0E/1D/00 information 0")
	}
}

// deaf forgets what is written to it.
type deaf struct{ *sbd.Mem }

func (deaf) WriteAt(p []byte, off int64) (int, error) { return len(p), nil }
