package scsi

import (
	"fmt"
	"testing"

	"github.com/lunarsan/lunar/internal/buffer"
	"github.com/lunarsan/lunar/sbd"
)

// A blockCommand is what the rules that hold for all commands on blocks need to know of one.
type blockCommand struct {
	op      Opcode
	flags   byte             // byte 1
	out     func(n int) int  // blocks of Data-Out for n blocks; nil: none
	most    func(bs int) int // the most blocks that it takes
	maxLBA  uint64           // the largest LBA in its CDB
	good    string           // what it answers to one block of zeros
	zero    string           // and to none
	noCheck bool             // it has no protection field
}

func same(n int) int { return n }

var (
	transferLimit = func(bs int) int { return MaxTransfer / bs }
	noLimit       = func(int) int { return 0 }
)

// blockCommands is every command that addresses blocks in its CDB, in each of its lengths.
var blockCommands = []blockCommand{
	{op: opRead6, maxLBA: 0x1FFFFF, good: "GOOD", most: noLimit, noCheck: true},
	{op: opRead10, maxLBA: 0xFFFFFFFF, good: "GOOD", zero: "GOOD", most: transferLimit},
	{op: opRead12, maxLBA: 0xFFFFFFFF, good: "GOOD", zero: "GOOD", most: transferLimit},
	{op: opRead16, maxLBA: 1<<64 - 1, good: "GOOD", zero: "GOOD", most: transferLimit},
	{op: opWrite6, out: same, maxLBA: 0x1FFFFF, good: "GOOD", most: noLimit, noCheck: true},
	{op: opWrite10, out: same, maxLBA: 0xFFFFFFFF, good: "GOOD", zero: "GOOD", most: transferLimit},
	{op: opWrite12, out: same, maxLBA: 0xFFFFFFFF, good: "GOOD", zero: "GOOD", most: transferLimit},
	{op: opWrite16, out: same, maxLBA: 1<<64 - 1, good: "GOOD", zero: "GOOD", most: transferLimit},
	{op: opWriteVerify10, out: same, maxLBA: 0xFFFFFFFF, good: "GOOD", zero: "GOOD", most: transferLimit},
	{op: opWriteVerify12, flags: 0x02, out: same, maxLBA: 0xFFFFFFFF, good: "GOOD", zero: "GOOD", most: transferLimit},
	{op: opWriteVerify16, flags: 0x02, out: same, maxLBA: 1<<64 - 1, good: "GOOD", zero: "GOOD", most: transferLimit},
	{op: opVerify10, maxLBA: 0xFFFFFFFF, good: "GOOD", zero: "GOOD", most: transferLimit},
	{op: opVerify12, flags: 0x02, out: same, maxLBA: 0xFFFFFFFF, good: "GOOD", zero: "GOOD", most: transferLimit},
	{op: opVerify16, flags: 0x02, out: same, maxLBA: 1<<64 - 1, good: "GOOD", zero: "GOOD", most: transferLimit},
	{op: opPrefetch10, maxLBA: 0xFFFFFFFF, good: "CONDITION MET", zero: "CONDITION MET", most: noLimit, noCheck: true},
	{op: opPrefetch16, maxLBA: 1<<64 - 1, good: "CONDITION MET", zero: "CONDITION MET", most: noLimit, noCheck: true},
	{op: opSynchronizeCache10, maxLBA: 0xFFFFFFFF, good: "GOOD", zero: "GOOD", most: noLimit, noCheck: true},
	{op: opSynchronizeCache16, maxLBA: 1<<64 - 1, good: "GOOD", zero: "GOOD", most: noLimit, noCheck: true},
	{op: opWriteSame10, out: func(int) int { return 1 }, maxLBA: 0xFFFFFFFF, good: "GOOD", zero: "05/24/00 byte 7",
		most: noLimit},
	{op: opWriteSame16, out: func(int) int { return 1 }, maxLBA: 1<<64 - 1, good: "GOOD", zero: "05/24/00 byte 10",
		most: noLimit},
	{op: opCompareAndWrite, out: func(n int) int { return 2 * n }, maxLBA: 1<<64 - 1, good: "GOOD", zero: "GOOD", most: noLimit},
	{op: opOrWrite, out: same, maxLBA: 1<<64 - 1, good: "GOOD", zero: "GOOD", most: transferLimit},
	{op: opWriteAtomic16, out: same, maxLBA: 1<<64 - 1, good: "GOOD", zero: "GOOD",
		most: func(int) int { return maxAtomicBlocks }},
}

// send runs b with n blocks of zeros at lba.
func (d *disk) send(b blockCommand, lba uint64, n int) result {
	d.t.Helper()
	var out []byte
	if b.out != nil {
		out = d.data(b.out(n), 0)
	}
	return d.run(cdb(b.op, b.flags, lba, uint32(n)), out)
}

// TestBlockCommands holds every command on blocks to the rules they share: addresses, lengths
// and protection, on blocks of both sizes.
func TestBlockCommands(t *testing.T) {
	onBothBlockSizes(t, func(t *testing.T, d *disk) {
		for _, b := range blockCommands {
			c := cdb(b.op, 0, 0, 0)
			t.Run(c.Name(), func(t *testing.T) {
				d := d.in(t)
				const outOfRange = "05/21/00"
				expect := func(lba uint64, n int, want string) {
					t.Helper()
					if lba > b.maxLBA {
						return
					}
					if r := d.send(b, lba, n); r.String() != want {
						t.Errorf("%d blocks at %#x: %v, want %s", n, lba, r, want)
					}
				}
				for _, n := range []int{1, 2, 8, 255} {
					expect(0, n, b.good)
					expect(uint64(testBlocks-n), n, b.good)
					expect(uint64(testBlocks-n+1), n, outOfRange)
					expect(testBlocks, n, outOfRange)
					expect(testBlocks+1, n, outOfRange)
					expect(b.maxLBA, n, outOfRange)
					expect(1<<63, n, outOfRange)
					expect(-uint64(n), n, outOfRange)
					expect(1<<55, n, outOfRange) // × 512 is 0 in 64 bits
					expect(1<<52, n, outOfRange) // × 4096 is
				}
				if b.zero != "" {
					expect(0, 0, b.zero)
					for _, lba := range []uint64{testBlocks + 1, b.maxLBA, 1 << 63} {
						expect(lba, 0, outOfRange)
					}
				}
				if most := b.most(d.block); most > 0 && most <= testBlocks {
					expect(0, most, b.good)
					if r := d.send(b, 0, most+1); r.String() != fmt.Sprintf("05/24/00 byte %d", lengthByte(&c)) {
						t.Errorf("%d blocks: %v, want it refused", most+1, r)
					}
				}
				for flags := byte(1); flags < 8 && !b.noCheck; flags++ {
					b := b
					b.flags |= flags << 5
					if r := d.send(b, 0, 1); r.String() != "05/24/00 byte 1 bit 7" {
						t.Errorf("protection %d: %v, want it refused", flags, r)
					}
				}
			})
		}
	})
}

// in is d for a subtest.
func (d *disk) in(t testing.TB) *disk {
	sub := *d
	sub.t = t
	return &sub
}

// lengthByte returns where the length of the command in c begins.
func lengthByte(c *CDB) int {
	switch c.Opcode() {
	case opCompareAndWrite:
		return 13
	case opWriteAtomic16:
		return 12
	}
	return c.lengthAt()
}

// TestReadOnly sends every command that writes to a unit that must not be written to.
func TestReadOnly(t *testing.T) {
	d := newDisk(t, 512, func(c *sbd.Config) { c.ReadOnly = true })
	for _, b := range blockCommands {
		c := cdb(b.op, 0, 0, 0)
		t.Run(c.Name(), func(t *testing.T) {
			d := d.in(t)
			want := b.good
			if row, _ := commands.row(&c); row.flags&writes != 0 {
				want = "07/27/00"
			}
			d.want(d.send(b, 0, 1), want)
			if b.zero != "" && want != b.good {
				d.want(d.send(b, 0, 0), want)
			}
		})
	}
	t.Run("UNMAP", func(t *testing.T) {
		d := d.in(t)
		list := unmapParameters(blockRange{0, 1})
		d.want(d.run(cdb(opUnmap, 0, 0, uint32(len(list))), list), "07/27/00")
	})
	if n := d.store.Calls(sbd.CallWrite | sbd.CallUnmap | sbd.CallZero); n != 0 {
		t.Errorf("the store was written to %d times", n)
	}
}

// TestRunsAgain runs every command on a store that never answers without waiting, so that
// each runs twice.
func TestRunsAgain(t *testing.T) {
	for _, b := range blockCommands {
		c := cdb(b.op, 0, 0, 0)
		t.Run(c.Name(), func(t *testing.T) {
			d := newDisk(t, 512, nil)
			d.store.Add(sbd.Rule{Calls: sbd.CallTryReadAt | sbd.CallTryWriteAt, Err: sbd.ErrWouldBlock})
			d.want(d.send(b, 8, 1), b.good)
		})
	}
}

// TestShortOfMemory runs what needs a buffer of its own while none is to be had: it runs on a
// worker, and never waits for memory.
func TestShortOfMemory(t *testing.T) {
	d := newDisk(t, 512, nil)
	for d.pool.InUse() < d.pool.Budget() {
		defer d.pool.Overdraw(buffer.MaxLen).Put()
	}
	d.want(d.run(cdb(opVerify10, 0, 0, 4000), nil), "GOOD")
	d.want(d.run(cdb(opWriteVerify10, 0x02, 0, 16), d.data(16, 'w')), "GOOD")
	d.want(d.run(cdb(opCompareAndWrite, 0, 0, 16), append(d.data(16, 'w'), d.data(16, 'x')...)), "GOOD")
	d.want(d.run(cdb(opOrWrite, 0, 0, 16), d.data(16, 0xFF)), "GOOD")
	d.want(d.run(cdb(opWriteSame10, 0, 16, 16), d.data(1, 's')), "GOOD")
	d.holds(0, 16, 0xFF)
	d.holds(16, 16, 's')
	if got, want := d.lbaStatus(0, 24), "0+128 mapped"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}
