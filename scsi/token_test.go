package scsi

import (
	"bytes"
	"encoding/binary"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lunarsan/lunar/sbd"
)

// A tokenRange is n blocks at lba.
type tokenRange struct {
	lba uint64
	n   uint32
}

func tokenList(header int, ranges []tokenRange) []byte {
	p := make([]byte, header, header+len(ranges)*tokenRangeLen)
	for _, r := range ranges {
		p = binary.BigEndian.AppendUint64(p, r.lba)
		p = binary.BigEndian.AppendUint32(p, r.n)
		p = append(p, 0, 0, 0, 0)
	}
	binary.BigEndian.PutUint16(p[0:], uint16(len(p)-2))
	binary.BigEndian.PutUint16(p[header-2:], uint16(len(ranges)*tokenRangeLen))
	return p
}

func tokenCDB(service byte, id uint32, n int) CDB {
	c := CDB{byte(opThirdPartyCopyOut), service}
	binary.BigEndian.PutUint32(c[6:], id)
	binary.BigEndian.PutUint32(c[10:], uint32(n))
	return c
}

// populate is POPULATE TOKEN: what runOn takes.
func populate(id uint32, seconds uint32, ranges ...tokenRange) (CDB, []byte, int64) {
	p := tokenList(populateHeaderLen, ranges)
	binary.BigEndian.PutUint32(p[4:], seconds)
	return tokenCDB(saPopulateToken, id, len(p)), p, int64(len(p))
}

// writeToken is WRITE USING TOKEN k, from block skip of what it stands for on.
func writeToken(id uint32, k []byte, skip uint64, ranges ...tokenRange) (CDB, []byte, int64) {
	p := tokenList(writeHeaderLen, ranges)
	binary.BigEndian.PutUint64(p[8:], skip)
	copy(p[writeTokenAt:], k)
	return tokenCDB(saWriteUsingToken, id, len(p)), p, int64(len(p))
}

// information is RECEIVE ROD TOKEN INFORMATION.
func information(d *disk, n *Nexus, id uint32) result {
	c := CDB{byte(opThirdPartyCopyIn), saTokenInformation, 12: 4}
	binary.BigEndian.PutUint32(c[2:], id)
	return d.runOn(n, c, nil, 1024)
}

// populated makes a token of ranges and fetches it.
func populated(t *testing.T, d *disk, n *Nexus, seconds uint32, ranges ...tokenRange) []byte {
	t.Helper()
	d.wantOn(n, "GOOD")(populate(7, seconds, ranges...))
	r := information(d, n, 7)
	if len(r.in) != 32+4+2+tokenLen || r.in[4] != saPopulateToken || r.in[5] != copyDone {
		t.Fatalf("RECEIVE ROD TOKEN INFORMATION: %v, % x", r, r.in)
	}
	return r.in[38:]
}

func (d *disk) wantOn(n *Nexus, want string) func(CDB, []byte, int64) {
	return func(c CDB, out []byte, expected int64) {
		d.t.Helper()
		if got := d.runOn(n, c, out, expected).String(); got != want {
			d.t.Errorf("%s: %s, want %s", c.Name(), got, want)
		}
	}
}

// Ranges that are apart on one side and other ones on the other side, with an offset.
func TestTokenCopies(t *testing.T) {
	a, b, n := twoDisks(t, func(c *sbd.Config) { c.WriteCache = false })
	for i := range 20 {
		a.paint(byte(i+1), i, 1)
	}
	k := populated(t, a, n, 0, tokenRange{0, 5}, tokenRange{10, 0}, tokenRange{10, 6})
	if be := binary.BigEndian; be.Uint32(k) != rodVulnerable || be.Uint16(k[6:]) != 0x1F8 || be.Uint64(k[56:]) != 11*512 || be.Uint32(k[96:]) != 512 {
		t.Errorf("token % x", k[:128])
	}
	syncs := b.store.Calls(sbd.CallSync)
	c, out, expected := writeToken(9, k, 3, tokenRange{100, 1}, tokenRange{200, 0}, tokenRange{300, 7})
	task := &Task{CDB: c, LUN: LUNOf(1), Expected: expected, Out: out}
	done := make(chan struct{})
	task.Done = func(*Task) { close(done) }
	n.Prepare(task)
	if !n.Submit(task) {
		<-done
	}
	if task.Status != Good {
		t.Fatalf("%v %v", task.Status, task.Sense.Sense())
	}
	task.Release()
	b.holds(100, 1, 4)
	for i, v := range []byte{5, 11, 12, 13, 14, 15, 16} {
		b.holds(300+i, 1, v)
	}
	b.holds(101, 199, 0)
	if n := b.store.Calls(sbd.CallSync) - syncs; n != 1 {
		t.Errorf("%d syncs, want 1", n)
	}
}

func TestZeroToken(t *testing.T) {
	for _, thin := range []bool{true, false} {
		d := newDisk(t, 512, func(c *sbd.Config) { c.Thin = thin })
		d.paint(1, 0, testBlocks)
		zero := make([]byte, tokenLen)
		binary.BigEndian.PutUint32(zero, rodZero)
		binary.BigEndian.PutUint16(zero[6:], tokenLen-8)
		d.wantOn(d.nexuses[0], "GOOD")(writeToken(1, zero, 0, tokenRange{0, 1024}, tokenRange{2048, 1}))
		d.holds(0, 1024, 0)
		d.holds(1024, 1024, 1)
		d.holds(2048, 1, 0)
		has, _, err := d.unit.Mapped(&sbd.Op{MayBlock: true}, 0)
		if has == thin || err != nil {
			t.Errorf("thin %t: mapped %t, %v", thin, has, err)
		}
		r := information(d, d.nexuses[0], 1)
		if r.in[4] != saWriteUsingToken || r.in[5] != copyDone || binary.BigEndian.Uint64(r.in[16:]) != 1025 || len(r.in) != 36 {
			t.Errorf("% x", r.in)
		}
		if again := information(d, d.nexuses[0], 1); again.String() != "05/24/00 byte 2" {
			t.Errorf("once more: %v", again)
		}
	}
}

// A token never stands for anything but what was there when it was made.
func TestTokenEndsWithItsData(t *testing.T) {
	same := bytes.Repeat([]byte{1}, 512)
	for name, c := range map[string]struct {
		do   func(d *disk)
		want string
	}{
		"nothing":            {func(d *disk) {}, "GOOD"},
		"reading it":         {func(d *disk) { d.run(cdb(opRead10, 0, 10, 4), nil) }, "GOOD"},
		"writing beside it":  {func(d *disk) { d.paint(3, 8, 2); d.paint(3, 14, 2) }, "GOOD"},
		"writing it":         {func(d *disk) { d.want(d.run(cdb(opWrite10, 0, 13, 1), same), "GOOD") }, "05/23/06"},
		"COMPARE AND WRITE":  {func(d *disk) { d.want(d.run(cdb(opCompareAndWrite, 0, 10, 1), append(same, same...)), "GOOD") }, "05/23/06"},
		"UNMAP":              {func(d *disk) { d.want(d.run(cdb(opWriteSame16, 0x09, 0, 100), nil), "GOOD") }, "05/23/06"},
		"EXTENDED COPY onto": {func(d *disk) { c, l := copyCDB(1, seg{0, 0, 50, 12, 1}); d.want(d.run(c, l), "GOOD") }, "05/23/06"},
		"EXTENDED COPY from": {func(d *disk) { c, l := copyCDB(1, seg{0, 0, 10, 50, 4}); d.want(d.run(c, l), "GOOD") }, "GOOD"},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDisk(t, 512, nil)
			d.paint(1, 0, 100)
			k := populated(t, d, d.nexuses[0], 0, tokenRange{10, 4})
			c.do(d)
			d.wantOn(d.nexuses[0], c.want)(writeToken(2, k, 0, tokenRange{1000, 4}))
			if c.want == "GOOD" {
				d.holds(1000, 4, 1)
				return
			}
			d.holds(1000, 4, 0)
			d.wantOn(d.nexuses[0], "05/23/04")(writeToken(3, k, 0, tokenRange{1000, 4}))
		})
	}
}

// A change while the token is written from ends the write.
func TestTokenChangesMeanwhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, _, n := twoDisks(t, nil)
		a.paint(1, 0, 8192)
		k := populated(t, a, n, 0, tokenRange{0, 8192})
		release := make(chan struct{})
		a.store.Add(sbd.Rule{Calls: sbd.CallReadAt, Times: 4, Hold: release})
		c, out, expected := writeToken(2, k, 0, tokenRange{0, 8192})
		task := &Task{CDB: c, LUN: LUNOf(1), Expected: expected, Out: out, Done: func(*Task) {}}
		n.Prepare(task)
		if n.Submit(task) {
			t.Fatal("it ended at once")
		}
		synctest.Wait()
		a.paint(2, 8191, 1)
		close(release)
		synctest.Wait()
		if task.Sense.Sense() != TokenRevoked {
			t.Errorf("%v %v", task.Status, task.Sense.Sense())
		}
		task.Release()
	})
}

func TestTokenExpires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDisk(t, 512, nil)
		n := d.nexuses[0]
		d.paint(1, 0, 4)
		k := populated(t, d, n, 10, tokenRange{0, 4})
		for range 3 { // each use begins its time anew
			time.Sleep(9 * time.Second)
			d.wantOn(n, "GOOD")(writeToken(1, k, 0, tokenRange{100, 4}))
		}
		time.Sleep(11 * time.Second)
		d.wantOn(n, "05/23/04")(writeToken(1, k, 0, tokenRange{100, 4}))

		k = populated(t, d, n, 0, tokenRange{0, 4})
		time.Sleep(usualTokenTimeout - time.Second)
		c, out, expected := writeToken(1, k, 0, tokenRange{100, 4})
		out[2] = 0x02 // DEL_TKN
		d.wantOn(n, "GOOD")(c, out, expected)
		d.wantOn(n, "05/23/04")(writeToken(1, k, 0, tokenRange{100, 4}))
	})
}

// Tokens are bounded: the one that was not used for longest makes room.
func TestTokensAreBounded(t *testing.T) {
	d := newDisk(t, 512, nil)
	n := d.nexuses[0]
	d.paint(1, 0, 4)
	tokens := map[string]bool{}
	first := populated(t, d, n, 0, tokenRange{0, 4})
	second := populated(t, d, n, 0, tokenRange{0, 4})
	for range maxTokens - 2 {
		tokens[string(populated(t, d, n, 0, tokenRange{0, 4}))] = true
	}
	d.wantOn(n, "GOOD")(writeToken(1, first, 0, tokenRange{100, 4}))
	populated(t, d, n, 0, tokenRange{0, 4})
	d.wantOn(n, "05/23/04")(writeToken(1, second, 0, tokenRange{100, 4}))
	d.wantOn(n, "GOOD")(writeToken(1, first, 0, tokenRange{100, 4}))
	if len(tokens) != maxTokens-2 {
		t.Error("tokens are alike")
	}
	first[500]++
	d.wantOn(n, "05/23/04")(writeToken(1, first, 0, tokenRange{100, 4}))
}

func TestTokenParameters(t *testing.T) {
	d := newDisk(t, 512, nil)
	n := d.nexuses[0]
	d.paint(1, 0, 8)
	k := populated(t, d, n, 0, tokenRange{0, 8})
	many := make([]tokenRange, maxTokenRanges+1)
	for i := range many {
		many[i] = tokenRange{uint64(i), 1}
	}
	changed := func(c CDB, p []byte, expected int64) func(at int, b ...byte) (CDB, []byte, int64) {
		return func(at int, b ...byte) (CDB, []byte, int64) {
			copy(p[at:], b)
			return c, p, expected
		}
	}
	d.wantOn(n, "05/26/00 byte 14")(populate(1, 0))
	d.wantOn(n, "05/26/08 byte 14")(populate(1, 0, many...))
	d.wantOn(n, "GOOD")(populate(1, 0, many[1:]...))
	d.wantOn(n, "05/21/00")(populate(1, 0, tokenRange{testBlocks - 1, 2}))
	d.wantOn(n, "05/26/00 byte 32")(populate(1, 0, tokenRange{0, 4}, tokenRange{3, 4}))
	d.wantOn(n, "05/26/00 byte 4")(populate(1, 601, tokenRange{0, 4}))
	d.wantOn(n, "05/26/00 byte 0")(changed(populate(1, 0, tokenRange{0, 4}))(1, 29))
	d.wantOn(n, "05/26/00 byte 8")(changed(populate(1, 0, tokenRange{0, 4}))(2, 2, 0, 0, 0, 0, 0, 0, 1, 0, 0))
	d.wantOn(n, "GOOD")(changed(populate(1, 0, tokenRange{0, 4}))(2, 3, 0, 0, 0, 0, 0, 0, 0x80, 0, 0))
	d.wantOn(n, "05/1A/00")(tokenCDB(saPopulateToken, 1, 15), make([]byte, 15), 15)
	d.wantOn(n, "05/24/00 byte 10")(tokenCDB(saPopulateToken, 1, maxTokenListLength+1), nil, 0)
	c, p, _ := populate(1, 0, tokenRange{0, 4})
	c[13] = 20
	d.wantOn(n, "05/1A/00")(c, p[:20], 20)

	d.wantOn(n, "05/26/00 byte 534")(writeToken(2, k, 0))
	d.wantOn(n, "05/26/00 byte 8")(writeToken(2, k, 9, tokenRange{100, 1}))
	d.wantOn(n, "05/26/00 byte 8")(writeToken(2, k, 1<<63, tokenRange{100, 1}))
	d.wantOn(n, "05/26/00 byte 8")(writeToken(2, k, 1, tokenRange{100, 8}))
	d.wantOn(n, "05/26/00 byte 536")(writeToken(2, k, 0, tokenRange{7, 1}))
	d.wantOn(n, "05/23/01 byte 16")(changed(writeToken(2, k, 0, tokenRange{100, 1}))(16, 0, 1, 0, 0))
	d.wantOn(n, "05/23/04 byte 16")(changed(writeToken(2, k, 0, tokenRange{100, 1}))(16+16+8, 0x61))
	d.wantOn(n, "GOOD")(writeToken(2, k, 7, tokenRange{100, 1}))
	d.unit.SetReadOnly(true)
	d.wantOn(n, "07/27/00")(writeToken(2, k, 7, tokenRange{100, 1}))
}
