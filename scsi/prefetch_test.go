package scsi

import (
	"testing"

	"github.com/lunarsan/lunar/sbd"
)

// TestPrefetch asks for blocks ahead of time: the store is told which, within the limit.
func TestPrefetch(t *testing.T) {
	const blocks = 2 * maxPrefetchBytes / 4096
	d := newDisk(t, 4096, func(c *sbd.Config) { c.Size = 2 * maxPrefetchBytes })
	for _, op := range []Opcode{opPrefetch10, opPrefetch16} {
		for _, immed := range []byte{0, 0x02} {
			d.want(d.run(cdb(op, immed, 1, 100), nil), "CONDITION MET")
			d.want(d.run(cdb(op, immed, 0, maxPrefetchBytes/4096), nil), "CONDITION MET")
			d.want(d.run(cdb(op, immed, 0, maxPrefetchBytes/4096+1), nil), "GOOD") // not all of it
			d.want(d.run(cdb(op, immed, 0, 0), nil), "GOOD")                       // up to the end
			d.want(d.run(cdb(op, immed, blocks-5, 0), nil), "CONDITION MET")
			d.want(d.run(cdb(op, immed, blocks-5, 6), nil), "05/21/00")
		}
	}
	d.store.Add(sbd.Rule{Calls: sbd.CallPrefetch, Off: 7 * 4096, N: 4096, Err: sbd.ErrMedium})
	d.want(d.run(cdb(opPrefetch16, 0, 7, 1), nil), "03/11/00")
}
