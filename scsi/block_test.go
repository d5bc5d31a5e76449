package scsi

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"testing"

	"github.com/lunarsan/lunar/internal/buffer"
	"github.com/lunarsan/lunar/sbd"
)

// A disk is a unit of testBlocks blocks in memory behind its device server, and nexuses that
// see it as LUN 0. Its end asserts that no buffer is outstanding.
type disk struct {
	t       testing.TB
	block   int
	store   *sbd.Faulty
	unit    *sbd.Unit
	lu      *LogicalUnit
	pool    *buffer.Pool
	nexuses []*Nexus
}

// testBlocks is the capacity of a disk: of 512-byte blocks, as many as one command may move.
const testBlocks = 16384

// newDisk makes a thin disk; config may change what else it is.
func newDisk(t testing.TB, blockSize int, config func(*sbd.Config)) *disk {
	t.Helper()
	return newDiskCalled(t, 0, blockSize, config)
}

// newDiskCalled is newDisk with a GUID of its own, which ends with name.
func newDiskCalled(t testing.TB, name byte, blockSize int, config func(*sbd.Config)) *disk {
	t.Helper()
	cfg := sbd.Config{Size: int64(testBlocks * blockSize), Thin: true, WriteCache: true}
	if config != nil {
		config(&cfg)
	}
	id := sbd.Identity{GUID: sbd.GUID{0: 0x60, 15: name}, Version: 7, BlockSize: blockSize}
	d := &disk{
		t: t, block: blockSize,
		store: sbd.NewFaulty(sbd.NewMem(cfg.Size)),
		unit:  sbd.NewUnit(id, cfg),
		pool:  buffer.NewPool(16 << 20),
	}
	if err := d.unit.Attach(d.store); err != nil {
		t.Fatal(err)
	}
	d.lu = NewLogicalUnit(d.unit, d.pool)
	d.nexus()
	t.Cleanup(func() {
		for _, n := range d.nexuses {
			drained := make(chan struct{})
			n.Close(func() { close(drained) })
			<-drained
		}
		d.lu.Close()
		if n := d.pool.Outstanding(); n != 0 {
			t.Errorf("%d buffers were not given back", n)
		}
	})
	return d
}

// nexus adds one more initiator.
func (d *disk) nexus() *Nexus {
	name := fmt.Sprintf("iqn.2026-01.test:%d", len(d.nexuses))
	n := NewNexus(Names{Initiator: name, InitiatorPort: name + ",i,0x1"}, d.pool)
	n.SetInventory(map[int]*LogicalUnit{0: d.lu})
	d.nexuses = append(d.nexuses, n)
	d.runOn(n, CDB{}, nil, 0) // takes the POWER ON unit attention, if there is one
	return n
}

// A result is what an initiator sees of a command.
type result struct {
	status   Status
	sense    []byte
	in       []byte
	residual int64 // bytes that the CDB asked for beyond the Expected ones; negative: fewer
}

// run executes c on the first nexus. The initiator expects to send all of out, or to receive
// whatever comes.
func (d *disk) run(c CDB, out []byte) result {
	d.t.Helper()
	expected := int64(len(out))
	if row, _ := commands.row(&c); out == nil && row != nil && row.flags&writes == 0 {
		expected = MaxTransfer
	}
	return d.runOn(d.nexuses[0], c, out, expected)
}

// runOn executes c on n with an expected data transfer length of its own.
func (d *disk) runOn(n *Nexus, c CDB, out []byte, expected int64) result {
	d.t.Helper()
	done := make(chan struct{})
	t := &Task{CDB: c, Expected: expected, Done: func(*Task) { close(done) }}
	n.Prepare(t)
	t.Out = out[:min(t.OutLen(), expected, int64(len(out)))]
	if !n.Submit(t) {
		<-done
	}
	r := result{
		status: t.Status, sense: bytes.Clone(t.Sense.Bytes()), in: bytes.Clone(t.In),
		residual: t.OutLen() + t.InLen - expected,
	}
	t.Release()
	return r
}

// String is "GOOD", "05/24/00 byte 7", "0E/1D/00 information 12", or the status.
func (r result) String() string {
	if r.status != CheckCondition {
		switch r.status {
		case Good:
			return "GOOD"
		case ConditionMet:
			return "CONDITION MET"
		}
		return r.status.Error()
	}
	p := r.sense
	s := fmt.Sprintf("%02X/%02X/%02X", p[2], p[12], p[13])
	if p[0]&0x80 != 0 {
		s += fmt.Sprintf(" information %d", binary.BigEndian.Uint32(p[3:]))
	}
	if p[15]&0x80 != 0 {
		s += fmt.Sprintf(" byte %d", binary.BigEndian.Uint16(p[16:]))
	}
	if p[15]&0x08 != 0 {
		s += fmt.Sprintf(" bit %d", p[15]&7)
	}
	return s
}

// want fails the test if r is not as wanted.
func (d *disk) want(r result, want string) {
	d.t.Helper()
	if r.String() != want {
		d.t.Errorf("answered %v, want %s", r, want)
	}
}

// fill writes n blocks of b at lba, behind the device server's back.
func (d *disk) fill(lba, n int, b byte) {
	d.t.Helper()
	d.put(lba, d.data(n, b))
}

func (d *disk) put(lba int, p []byte) {
	d.t.Helper()
	if _, err := d.store.WriteAt(p, int64(lba*d.block)); err != nil {
		d.t.Fatal(err)
	}
}

// data returns n blocks of b.
func (d *disk) data(n int, b byte) []byte { return bytes.Repeat([]byte{b}, n*d.block) }

// holds fails the test if the n blocks at lba are not all b.
func (d *disk) holds(lba, n int, b byte) {
	d.t.Helper()
	p := make([]byte, n*d.block)
	if _, err := d.store.ReadAt(p, int64(lba*d.block)); err != nil {
		d.t.Fatal(err)
	}
	if i := mismatch(p, d.data(n, b)); i >= 0 {
		d.t.Errorf("block %d holds %#02x at byte %d, want %#02x", lba+i/d.block, p[i], i%d.block, b)
	}
}

// cdb builds a CDB whose fields are where the opcode's group has them.
func cdb(op Opcode, flags byte, lba uint64, blocks uint32) (c CDB) {
	c[0] = byte(op)
	switch c.size() {
	case 6:
		binary.BigEndian.PutUint32(c[0:], uint32(op)<<24|uint32(lba))
		c[4] = byte(blocks)
		return c
	case 10:
		binary.BigEndian.PutUint32(c[2:], uint32(lba))
		binary.BigEndian.PutUint16(c[7:], uint16(blocks))
	case 12:
		binary.BigEndian.PutUint32(c[2:], uint32(lba))
		binary.BigEndian.PutUint32(c[6:], blocks)
	case 16:
		binary.BigEndian.PutUint64(c[2:], lba)
		binary.BigEndian.PutUint32(c[10:], blocks)
	}
	switch op {
	case opCompareAndWrite:
		binary.BigEndian.PutUint32(c[10:], 0)
		c[13] = byte(blocks)
	case opWriteAtomic16:
		binary.BigEndian.PutUint32(c[10:], blocks&0xFFFF)
	}
	c[1] = flags
	return c
}

// Bits of byte 1.
const (
	flagDPO = 0x10
	flagFUA = 0x08
)

// onBothBlockSizes runs f on a thin disk of 512-byte blocks and on one of 4096-byte blocks.
func onBothBlockSizes(t *testing.T, f func(t *testing.T, d *disk)) {
	for _, size := range []int{512, 4096} {
		t.Run(fmt.Sprint(size), func(t *testing.T) { f(t, newDisk(t, size, nil)) })
	}
}
