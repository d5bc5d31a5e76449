package scsi

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"testing"

	"github.com/lunarsan/lunar/sbd"
)

// TestWriteSame writes zeros and patterns in the ways there are and looks at which call of
// the store it comes to.
func TestWriteSame(t *testing.T) {
	const written, zeroed, unmapped, nothing = sbd.CallWrite, sbd.CallZero, sbd.CallUnmap, 0
	tests := []struct {
		name    string
		op      Opcode
		flags   byte
		pattern byte
		thick   bool
		want    string
		call    sbd.Call
	}{
		{name: "zeros", op: opWriteSame10, want: "GOOD", call: zeroed},
		{name: "zeros", op: opWriteSame16, want: "GOOD", call: zeroed},
		{name: "zeros on a thick unit", op: opWriteSame16, thick: true, want: "GOOD", call: zeroed},
		{name: "a pattern", op: opWriteSame10, pattern: 7, want: "GOOD", call: written},
		{name: "a pattern", op: opWriteSame16, pattern: 7, want: "GOOD", call: written},
		{name: "UNMAP", op: opWriteSame10, flags: 0x08, want: "GOOD", call: unmapped},
		{name: "UNMAP", op: opWriteSame16, flags: 0x08, want: "GOOD", call: unmapped},
		{name: "UNMAP of a pattern", op: opWriteSame16, flags: 0x08, pattern: 7, want: "GOOD", call: written},
		{name: "UNMAP on a thick unit", op: opWriteSame16, flags: 0x08, thick: true, want: "05/24/00 byte 1 bit 3", call: nothing},
		{name: "ANCHOR", op: opWriteSame10, flags: 0x10, want: "05/24/00 byte 1 bit 4", call: nothing},
		{name: "ANCHOR and UNMAP", op: opWriteSame16, flags: 0x18, want: "05/24/00 byte 1 bit 4", call: nothing},
		{name: "NDOB", op: opWriteSame16, flags: 0x01, want: "GOOD", call: zeroed},
		{name: "NDOB and UNMAP", op: opWriteSame16, flags: 0x09, want: "GOOD", call: unmapped},
		{name: "PBDATA", op: opWriteSame10, flags: 0x04, want: "05/24/00 byte 1 bit 2", call: nothing},
		{name: "LBDATA", op: opWriteSame10, flags: 0x02, want: "05/24/00 byte 1 bit 2", call: nothing},
	}
	for _, tt := range tests {
		for _, size := range []int{512, 4096} {
			c := cdb(tt.op, tt.flags, 3, 5000)
			t.Run(c.Name()+" "+tt.name, func(t *testing.T) {
				d := newDisk(t, size, func(c *sbd.Config) { c.Thin = !tt.thick })
				d.fill(0, 5010, 'o')
				wrote := d.store.Calls(sbd.CallWrite)
				out := d.data(1, tt.pattern)
				if c.noData() {
					out = nil
				}
				d.want(d.run(c, out), tt.want)
				pattern := tt.pattern
				if tt.call == nothing {
					pattern = 'o'
				}
				for _, call := range []sbd.Call{written, zeroed, unmapped} {
					n := d.store.Calls(call)
					if call == written {
						n -= wrote
					}
					if (n > 0) != (call == tt.call) {
						t.Errorf("%d calls of %#x", n, call)
					}
				}
				d.holds(0, 3, 'o')
				d.holds(3, 5000, pattern)
				d.holds(5003, 7, 'o')
			})
		}
	}
}

// TestWriteSamePattern writes a block that is not the same byte throughout.
func TestWriteSamePattern(t *testing.T) {
	d := newDisk(t, 512, nil)
	block := make([]byte, 512)
	for i := range block {
		block[i] = byte(i * 7 / 3)
	}
	d.want(d.run(cdb(opWriteSame16, 0, 1, 4097), block), "GOOD")
	r := d.run(cdb(opRead16, 0, 1, 4097), nil)
	if !bytes.Equal(r.in, bytes.Repeat(block, 4097)) {
		t.Error("the blocks differ from the pattern")
	}
	if n := d.store.Calls(sbd.CallWrite); n != 3 {
		t.Errorf("wrote %d times, want pieces of %d bytes", n, pieceLen)
	}
}

// TestWriteSameLength sends other Data-Out than one block.
func TestWriteSameLength(t *testing.T) {
	d := newDisk(t, 512, nil)
	for _, op := range []Opcode{opWriteSame10, opWriteSame16} {
		for _, n := range []int{0, 1, 256, 511, 513, 1024} {
			d.want(d.run(cdb(op, 0, 0, 1), make([]byte, n)), "05/0E/03")
		}
	}
	if n := d.store.Calls(sbd.CallWrite | sbd.CallZero | sbd.CallUnmap); n != 0 {
		t.Errorf("the store was changed %d times", n)
	}
}

// TestWriteSameMost gives back as much at once as Block Limits allows, and one block more.
func TestWriteSameMost(t *testing.T) {
	for size, most := range map[int]int{512: 31 << 20, 4096: 255 << 20} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			d := newDisk(t, size, func(c *sbd.Config) { c.Size = 256 << 20 })
			d.fill(0, 1, 'o')
			blocks := most / size
			if r := d.runOn(d.nexuses[0], CDB{0x12, 1, 0xB0, 0, 64}, nil, 64); binary.BigEndian.Uint64(r.in[36:]) != uint64(blocks) {
				t.Errorf("Block Limits says % x, want %d blocks", r.in[36:44], blocks)
			}
			d.fill(blocks-1, 2, 'o')
			d.want(d.run(cdb(opWriteSame16, 0x08, 0, uint32(blocks+1)), d.data(1, 0)), "05/24/00 byte 10")
			d.holds(0, 1, 'o')
			d.want(d.run(cdb(opWriteSame16, 0x08, 0, uint32(blocks)), d.data(1, 0)), "GOOD")
			d.holds(0, 1, 0)
			d.holds(blocks-1, 1, 0)
			d.holds(blocks, 1, 'o')
		})
	}
}
