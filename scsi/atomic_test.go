package scsi

import (
	"bytes"
	"encoding/binary"
	"sync"
	"testing"
)

// TestAtomicCommands lets two initiators at the same blocks at once. COMPARE AND WRITE counts
// in one block, so that a lost update would show; ORWRITE collects bits in another; WRITE
// ATOMIC fills sixteen with one byte, and no VERIFY or WRITE ATOMIC may meet a mixture.
func TestAtomicCommands(t *testing.T) {
	const rounds = 64
	d := newDisk(t, 512, nil)
	d.nexus()
	var all sync.WaitGroup
	for i, n := range d.nexuses {
		run := func(c CDB, out []byte) result {
			expected := int64(len(out))
			if out == nil {
				expected = MaxTransfer
			}
			return d.runOn(n, c, out, expected)
		}
		all.Go(func() { // count
			for range rounds {
				for {
					was := run(cdb(opRead10, 0, 0, 1), nil).in
					next := bytes.Clone(was)
					binary.BigEndian.PutUint64(next, binary.BigEndian.Uint64(was)+1)
					if run(cdb(opCompareAndWrite, 0, 0, 1), append(bytes.Clone(was), next...)).status == Good {
						break
					}
				}
			}
		})
		all.Go(func() { // collect: every bit from exactly one of the two
			for bit := range 512 * 8 {
				if bit%2 != i {
					continue
				}
				p := make([]byte, 512)
				p[bit/8] = 1 << (bit % 8)
				d.want(run(cdb(opOrWrite, 0, 1, 1), p), "GOOD")
			}
		})
		all.Go(func() { // write all or nothing
			for j := range rounds {
				d.want(run(cdb(opWriteAtomic16, 0, 16, 16), d.data(16, byte(2*j+i))), "GOOD")
			}
		})
		all.Go(func() { // see all or nothing
			for range rounds {
				p := run(cdb(opRead16, 0, 16, 16), nil).in
				if want := d.data(16, p[0]); !bytes.Equal(p, want) {
					t.Errorf("a read met the middle of a WRITE ATOMIC")
				}
				same := append(bytes.Clone(p), d.data(16, p[0])...)
				if r := run(cdb(opCompareAndWrite, 0, 16, 16), same); r.status != Good && r.String() != "0E/1D/00 information 0" {
					t.Errorf("COMPARE AND WRITE met the middle of a WRITE ATOMIC: %v", r)
				}
			}
		})
		all.Go(func() { // others' blocks, at all times
			for j := range rounds {
				lba := uint64(100 + i)
				d.want(run(cdb(opWrite10, 0, lba, 1), d.data(1, byte(j))), "GOOD")
				if r := run(cdb(opRead10, 0, lba, 1), nil); !bytes.Equal(r.in, d.data(1, byte(j))) {
					t.Error("a block that nobody else writes has changed")
				}
			}
		})
	}
	all.Wait()
	count := d.run(cdb(opRead10, 0, 0, 1), nil).in
	if got, want := binary.BigEndian.Uint64(count), uint64(2*rounds); got != want {
		t.Errorf("counted %d, want %d", got, want)
	}
	d.holds(1, 1, 0xFF)
}
