package scsi

import (
	"bytes"
	"errors"
	"testing"

	"github.com/lunarsan/lunar/sbd"
)

// TestReadWrite moves data through every READ and WRITE and looks at the store itself.
func TestReadWrite(t *testing.T) {
	onBothBlockSizes(t, func(t *testing.T, d *disk) {
		for i, op := range []struct{ write, read Opcode }{
			{opWrite6, opRead6}, {opWrite10, opRead10}, {opWrite12, opRead12}, {opWrite16, opRead16},
		} {
			for _, flags := range []byte{0, flagDPO, flagFUA, flagDPO | flagFUA} {
				if op.write == opWrite6 && flags != 0 {
					continue
				}
				b := byte(16*i) + flags + 1
				d.fill(99, 5, 0xEE)
				d.want(d.run(cdb(op.write, flags, 100, 3), d.data(3, b)), "GOOD")
				d.holds(99, 1, 0xEE)
				d.holds(100, 3, b)
				d.holds(103, 1, 0xEE)
				r := d.run(cdb(op.read, flags, 100, 3), nil)
				if d.want(r, "GOOD"); !bytes.Equal(r.in, d.data(3, b)) {
					t.Errorf("%v did not read what %v wrote", op.read, op.write)
				}
			}
		}
	})
}

// TestSixByteLength writes and reads the 256 blocks that a TRANSFER LENGTH of 0 means in a
// 6-byte CDB.
func TestSixByteLength(t *testing.T) {
	onBothBlockSizes(t, func(t *testing.T, d *disk) {
		d.fill(256, 1, 0xEE)
		d.want(d.run(cdb(opWrite6, 0, 0, 0), d.data(256, 0xA6)), "GOOD")
		d.holds(0, 256, 0xA6)
		d.holds(256, 1, 0xEE)
		if r := d.run(cdb(opRead6, 0, 0, 0), nil); !bytes.Equal(r.in, d.data(256, 0xA6)) {
			t.Errorf("read %d bytes, %v", len(r.in), r)
		}
		d.want(d.run(cdb(opRead6, 0, testBlocks-255, 0), nil), "05/21/00")
	})
}

// TestResiduals sends commands whose CDB and expected data transfer length disagree (RFC 7143
// §11.4.5). As much is moved as both allow, in whole blocks on the way in.
func TestResiduals(t *testing.T) {
	onBothBlockSizes(t, func(t *testing.T, d *disk) {
		block := int64(d.block)
		tests := []struct {
			name     string
			blocks   uint32
			expected int64
			residual int64
			write    string // answer to WRITE and its like
			wrote    int    // blocks
		}{
			{"nothing expected", 1, 0, block, "GOOD", 0},
			{"two blocks expected of one", 1, 2 * block, -block, "GOOD", 1},
			{"one block expected of two", 2, block, block, "GOOD", 1},
			{"10000 bytes expected of one block", 1, 10000, block - 10000, "GOOD", 1},
			{"200 bytes expected of one block", 1, 200, block - 200, "05/0E/03", 0},
			{"one block and a half expected of three", 3, block + block/2, 3*block - (block + block/2), "05/0E/03", 0},
			{"just so", 2, 2 * block, 0, "GOOD", 2},
		}
		for _, tt := range tests {
			t.Run(tt.name, func(t *testing.T) {
				d := d.in(t)
				for _, op := range []Opcode{opRead10, opRead12, opRead16} {
					d.fill(0, 4, 'r')
					r := d.runOn(d.nexuses[0], cdb(op, 0, 0, tt.blocks), nil, tt.expected)
					d.want(r, "GOOD")
					if want := min(tt.expected, int64(tt.blocks)*block); int64(len(r.in)) != want ||
						!bytes.Equal(r.in, d.data(4, 'r')[:want]) {
						t.Errorf("%v sent %d bytes, want %d", op, len(r.in), want)
					}
					if r.residual != tt.residual {
						t.Errorf("%v left a residual of %d bytes, want %d", op, r.residual, tt.residual)
					}
				}
				for _, c := range []CDB{
					cdb(opWrite10, 0, 0, tt.blocks), cdb(opWrite12, 0, 0, tt.blocks), cdb(opWrite16, 0, 0, tt.blocks),
					cdb(opWriteVerify10, 0x02, 0, tt.blocks), cdb(opWriteVerify12, 0, 0, tt.blocks),
					cdb(opWriteVerify16, 0x02, 0, tt.blocks), cdb(opOrWrite, 0, 0, tt.blocks),
				} {
					d.fill(0, 4, 'a')
					r := d.runOn(d.nexuses[0], c, d.data(20, 'c'), tt.expected)
					d.want(r, tt.write)
					d.holds(0, tt.wrote, 'c') // 'a' OR 'c' is 'c'
					d.holds(tt.wrote, 4-tt.wrote, 'a')
					if r.residual != tt.residual {
						t.Errorf("%s left a residual of %d bytes, want %d", c.Name(), r.residual, tt.residual)
					}
				}
				for _, b := range []struct {
					cdb     CDB
					takes   int64
					refusal string
				}{
					{cdb(opCompareAndWrite, 0, 0, tt.blocks), 2 * int64(tt.blocks) * block, "05/24/00 byte 13"},
					{cdb(opWriteAtomic16, 0, 0, tt.blocks), int64(tt.blocks) * block, "05/0E/03"},
				} {
					if tt.expected == b.takes {
						continue
					}
					d.fill(0, 4, 'a')
					d.want(d.runOn(d.nexuses[0], b.cdb, d.data(20, 'a'), tt.expected), b.refusal)
					d.holds(0, 4, 'a')
				}
			})
		}
	})
}

// TestDurability counts the syncs that a command costs, with a write cache and without.
func TestDurability(t *testing.T) {
	block := make([]byte, 512)
	tests := []struct {
		name          string
		cdb           CDB
		out           []byte
		cached, plain int // syncs with WCE=1 and WCE=0
	}{
		{"READ", cdb(opRead10, 0, 0, 1), nil, 0, 0},
		{"READ with FUA", cdb(opRead10, flagFUA, 0, 1), nil, 1, 0},
		{"WRITE", cdb(opWrite10, 0, 0, 1), block, 0, 1},
		{"WRITE of nothing", cdb(opWrite10, flagFUA, 0, 0), nil, 0, 0},
		{"WRITE with FUA", cdb(opWrite10, flagFUA, 0, 1), block, 1, 1},
		{"WRITE with DPO", cdb(opWrite16, flagDPO, 0, 1), block, 0, 1},
		{"WRITE AND VERIFY", cdb(opWriteVerify10, 0x02, 0, 1), block, 1, 1},
		{"VERIFY", cdb(opVerify10, 0, 0, 1), nil, 0, 0},
		{"SYNCHRONIZE CACHE", cdb(opSynchronizeCache10, 0, 0, 0), nil, 1, 1},
		{"SYNCHRONIZE CACHE of a block", cdb(opSynchronizeCache16, 0, 5, 1), nil, 1, 1},
		{"COMPARE AND WRITE", cdb(opCompareAndWrite, 0, 0, 1), make([]byte, 1024), 0, 1},
		{"COMPARE AND WRITE with FUA", cdb(opCompareAndWrite, flagFUA, 0, 1), make([]byte, 1024), 1, 1},
		{"ORWRITE", cdb(opOrWrite, 0, 0, 1), block, 0, 1},
		{"ORWRITE with FUA", cdb(opOrWrite, flagFUA, 0, 1), block, 1, 1},
		{"WRITE ATOMIC", cdb(opWriteAtomic16, 0, 0, 1), block, 0, 1},
		{"WRITE ATOMIC with FUA", cdb(opWriteAtomic16, flagFUA, 0, 1), block, 1, 1},
		{"WRITE SAME of zeros", cdb(opWriteSame10, 0, 0, 9), block, 0, 1},
		{"WRITE SAME of a pattern", cdb(opWriteSame16, 0, 0, 5000), bytes.Repeat([]byte{7}, 512), 0, 1},
		{"UNMAP of one range in three descriptors", cdb(opUnmap, 0, 0, 56),
			unmapParameters(blockRange{0, 8}, blockRange{8, 8}, blockRange{16, 8}), 0, 1},
		{"UNMAP of nothing", cdb(opUnmap, 0, 0, 24), unmapParameters(blockRange{0, 0}), 0, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for _, cache := range []bool{true, false} {
				d := newDisk(t, 512, func(c *sbd.Config) { c.WriteCache = cache })
				d.want(d.run(tt.cdb, tt.out), "GOOD")
				want := tt.plain
				if cache {
					want = tt.cached
				}
				if n := d.store.Calls(sbd.CallSync); n != want {
					t.Errorf("%d syncs with WriteCache %v, want %d", n, cache, want)
				}
			}
		})
	}
}

// TestMediumErrors fails blocks of the medium: the sense says which was the first that could
// not be read, and nothing outside the command's blocks changes.
func TestMediumErrors(t *testing.T) {
	const bad = 107
	t.Run("read", func(t *testing.T) {
		d := newDisk(t, 512, nil)
		d.store.Add(sbd.Rule{Calls: sbd.CallRead, Off: bad * 512, N: 512, Err: sbd.ErrMedium})
		for _, c := range []CDB{
			cdb(opRead10, 0, 100, 16), cdb(opRead16, 0, bad, 1), cdb(opVerify10, 0, 100, 16),
			cdb(opVerify16, 0, 0, 4000),
		} {
			d.want(d.run(c, nil), "03/11/00 information 107")
		}
		d.want(d.run(cdb(opVerify12, 0x02, 100, 16), d.data(16, 0)), "03/11/00 information 107")
		d.want(d.run(cdb(opOrWrite, 0, 100, 16), d.data(16, 0)), "03/11/00 information 107")
		d.want(d.run(cdb(opCompareAndWrite, 0, 100, 16), d.data(32, 0)), "03/11/00 information 107")
		d.want(d.run(cdb(opRead10, 0, 100, 7), nil), "GOOD")
		d.want(d.run(cdb(opRead10, 0, bad+1, 7), nil), "GOOD")
	})
	t.Run("read, once", func(t *testing.T) {
		d := newDisk(t, 512, nil)
		d.fill(100, 16, 'r')
		d.store.Add(sbd.Rule{Calls: sbd.CallReadAt, Short: 700, Times: 1, Err: sbd.ErrMedium})
		d.store.Add(sbd.Rule{Calls: sbd.CallTryReadAt, Err: sbd.ErrWouldBlock})
		if r := d.run(cdb(opRead10, 0, 100, 16), nil); !bytes.Equal(r.in, d.data(16, 'r')) {
			t.Errorf("%v, not the data that a second try reads", r)
		}
	})
	t.Run("gone", func(t *testing.T) {
		d := newDisk(t, 512, nil)
		d.store.Add(sbd.Rule{Calls: sbd.CallRead | sbd.CallPrefetch | sbd.CallMapped, Err: sbd.ErrGone})
		for _, c := range []CDB{
			cdb(opRead10, 0, 0, 16), cdb(opVerify10, 0, 0, 16), cdb(opPrefetch10, 0, 0, 16),
			cdb(opServiceActionIn16, saGetLBAStatus, 0, 24),
		} {
			d.want(d.run(c, nil), "02/04/03")
		}
		d.unit.Detach(sbd.ErrGone)
		for _, b := range blockCommands {
			d.want(d.send(b, 0, 1), "02/04/03")
		}
	})
	t.Run("write", func(t *testing.T) {
		for _, fail := range []struct {
			err  error
			want string
		}{
			{sbd.ErrMedium, "03/0C/00 information 100"},
			{sbd.ErrNoSpace, "07/27/07"},
			{sbd.ErrReadOnly, "07/27/00"},
			{sbd.ErrGone, "02/04/03"},
			{errors.New("what nobody foresaw"), "04/44/00"},
		} {
			for _, c := range []struct {
				cdb CDB
				out int
			}{
				{cdb(opWrite10, 0, 100, 16), 16}, {cdb(opWrite10, flagFUA, 100, 16), 16},
				{cdb(opWriteVerify10, 0, 100, 16), 16}, {cdb(opOrWrite, 0, 100, 16), 16},
				{cdb(opCompareAndWrite, 0, 100, 8), 16}, {cdb(opWriteAtomic16, 0, 100, 16), 16},
				{cdb(opWriteSame10, 0, 100, 16), 1},
			} {
				d := newDisk(t, 512, nil)
				d.fill(90, 40, 'o')
				d.store.Add(sbd.Rule{Calls: sbd.CallWrite, Short: 700, Err: fail.err})
				d.want(d.run(c.cdb, d.data(c.out, 'o')), fail.want)
				d.store.Heal()
				d.holds(90, 40, 'o')
			}
		}
	})
}

// inline executes c over and over, as a port does, on a store that never makes it wait.
func inline(t testing.TB, c CDB, out []byte) (run func()) {
	d := newDisk(t, 512, nil)
	d.fill(0, testBlocks, 0)
	n := d.nexuses[0]
	task := new(Task)
	return func() {
		task.CDB, task.Expected = c, 4096
		n.Prepare(task)
		task.Out, task.OutBorrowed = out, true
		if !n.Submit(task) || task.Status != Good {
			t.Fatalf("status %v, or it waited", task.Status)
		}
		task.Release()
	}
}

// TestInlineAllocations holds the path of READ and WRITE that run to completion to no
// allocation.
func TestInlineAllocations(t *testing.T) {
	if race {
		t.Skip("under the race detector the pool forgets, at random, what it was given back")
	}
	for _, tt := range []struct {
		cdb CDB
		out []byte
	}{
		{cdb(opRead10, 0, 8, 8), nil},
		{cdb(opRead16, flagDPO, 8, 8), nil},
		{cdb(opWrite10, 0, 8, 8), make([]byte, 4096)},
		{cdb(opWrite16, flagDPO, 8, 8), make([]byte, 4096)},
	} {
		if n := testing.AllocsPerRun(1000, inline(t, tt.cdb, tt.out)); n != 0 {
			t.Errorf("%s allocates %v times", tt.cdb.Name(), n)
		}
	}
}

func BenchmarkRead4K(b *testing.B) {
	run := inline(b, cdb(opRead10, 0, 8, 8), nil)
	b.ReportAllocs()
	for b.Loop() {
		run()
	}
}

func BenchmarkWrite4K(b *testing.B) {
	run := inline(b, cdb(opWrite10, 0, 8, 8), make([]byte, 4096))
	b.ReportAllocs()
	for b.Loop() {
		run()
	}
}
