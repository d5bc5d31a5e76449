package scsi

import (
	"bytes"
	"encoding/binary"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lunarsan/lunar/sbd"
)

// overwriteOf is SANITIZE OVERWRITE with one pass of a byte, and its parameter list.
func overwriteOf(flags, pattern byte) (CDB, []byte) {
	return CDB{byte(opSanitize), flags | saOverwrite, 8: 5}, []byte{1, 0, 0, 1, pattern}
}

// TestSanitizePattern: the pattern begins anew with every block, to the last one.
func TestSanitizePattern(t *testing.T) {
	onBothBlockSizes(t, func(t *testing.T, d *disk) {
		p := []byte{1, 0, 0, 7, 'p', 'a', 't', 't', 'e', 'r', 'n'}
		d.want(d.run(CDB{byte(opSanitize), saOverwrite, 8: byte(len(p))}, p), "GOOD")
		block := bytes.Repeat(p[4:], d.block)[:d.block]
		for _, lba := range []uint64{0, 1, testBlocks / 3, testBlocks - 1} {
			if r := d.run(cdb(opRead16, 0, lba, 1), nil); !bytes.Equal(r.in, block) {
				t.Errorf("block %d begins % x and ends % x", lba, r.in[:8], r.in[d.block-8:])
			}
		}
	})
}

// TestSanitizeErase: what has space is overwritten before it is given back.
func TestSanitizeErase(t *testing.T) {
	d := newDisk(t, 512, nil)
	d.fill(100, 3, 'x')
	wrote := d.store.Calls(sbd.CallWrite)
	d.want(d.run(CDB{byte(opSanitize), saBlockErase}, nil), "GOOD")
	if n := d.store.Calls(sbd.CallWrite) - wrote; n != 1 {
		t.Errorf("%d writes, want one: of what had space", n)
	}
	if got, want := d.lbaStatus(0, 4096), "0+16384 deallocated"; got != want {
		t.Errorf("afterwards %s, want %s", got, want)
	}
	thick := newDisk(t, 512, func(c *sbd.Config) { c.Thin = false })
	thick.want(thick.run(CDB{byte(opSanitize), saBlockErase}, nil), "05/24/00")
}

// TestSanitizeInProgress: while the unit is sanitized, only what does not need the medium is
// executed; neither an abort nor the loss of the nexus that asked ends it.
func TestSanitizeInProgress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDisk(t, 512, func(c *sbd.Config) { c.Size = 64 << 20 })
		saved := []*Sanitize{}
		d.lu.SaveSanitize = func(s *Sanitize) error { saved = append(saved, s); return nil }
		other := d.nexus()
		release := make(chan struct{})
		d.store.Add(sbd.Rule{Calls: sbd.CallWrite, Off: 32 << 20, N: 1, Hold: release})
		c, list := overwriteOf(0, 's')
		f := d.submit(1, c, list)
		synctest.Wait()
		time.Sleep(time.Minute)
		synctest.Wait()
		if f.back() || len(saved) != 1 || saved[0].Failed {
			t.Fatalf("back %t, saved %+v", f.back(), saved)
		}
		for name, c := range map[string]CDB{
			"TEST UNIT READY": {}, "READ": cdb(opRead10, 0, 0, 1), "WRITE": cdb(opWrite10, 0, 0, 1),
			"START STOP UNIT": {0x1B, 4: 1}, "LOG SENSE": {0x4D, 2: 0x4C, 8: 255}, "RESERVE": {0x16}, "SANITIZE": {0x48, saBlockErase},
			"EXIT FAILURE MODE": {0x48, saExitFailureMode}, "MODE SENSE of thresholds": {0x1A, 2: 0x1C, 3: 2, 4: 255}, "MODE SELECT": {0x15},
		} {
			r := d.runOn(other, c, d.data(1, 0), 512)
			if got := r.String(); got[:8] != "02/04/1B" {
				t.Errorf("%s answered %s", name, got)
			}
			if done := binary.BigEndian.Uint16(r.sense[16:]); r.sense[15] != 0x80 || done != 0x7FFF {
				t.Errorf("%s: progress % x, want half of it", name, r.sense[15:18])
			}
		}
		for name, c := range map[string]CDB{
			"INQUIRY": {0x12, 4: 36}, "REPORT LUNS": {0xA0, 9: 16}, "READ CAPACITY(10)": cdb(opReadCapacity10, 0, 0, 0),
			"READ CAPACITY(16)": {0x9E, saReadCapacity16, 13: 32}, "REPORT SUPPORTED OPERATION CODES": {0xA3, saReportOpcodes, 9: 255},
			"MODE SENSE of Caching": {0x1A, 2: 8, 4: 255}, "MODE SENSE of Control": {0x5A, 2: 0x0A, 8: 255},
		} {
			if r := d.runOn(other, c, nil, 512); r.status != Good {
				t.Errorf("%s answered %v", name, r)
			}
		}
		sense := d.runOn(other, CDB{0x03, 4: 252}, nil, 252).in
		if len(sense) != 18 || sense[2] != 2 || sense[12] != 4 || sense[13] != 0x1B || sense[15] != 0x80 {
			t.Errorf("REQUEST SENSE says % x", sense)
		}

		aborted := false
		d.nexuses[0].Manage(AbortTask, 0, 1, func(r Response) { aborted = r == FunctionComplete })
		d.nexuses[0].Manage(LogicalUnitReset, 0, 0, func(Response) {})
		close(release)
		time.Sleep(time.Hour)
		synctest.Wait()
		if !f.back() || !f.Aborted() || !aborted {
			t.Errorf("the command is back %t, aborted %t, and the function answered %t", f.back(), f.Aborted(), aborted)
		}
		f.Release()
		d.runOn(other, CDB{}, nil, 0) // the reset
		d.want(d.runOn(other, CDB{}, nil, 0), "GOOD")
		d.holds(0, 64<<20/512, 's')
		if len(saved) != 2 || saved[1] != nil {
			t.Errorf("saved %+v, want the operation and its end", saved)
		}
	})
}

// TestSanitizeWaitsForWrites: a write that was on its way when the operation began does not land
// after it, and one that waited is refused.
func TestSanitizeWaitsForWrites(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDisk(t, 512, func(c *sbd.Config) { c.WriteCache = false })
		release := make(chan struct{})
		d.store.Add(sbd.Rule{Calls: sbd.CallWriteAt, Times: 1, Hold: release})
		running := d.submit(1, cdb(opWrite10, 0, 0, 1), d.data(1, 'w'))
		synctest.Wait()
		c, list := overwriteOf(sanitizeIMMED, 's')
		sanitize := d.submit(3, c, list)
		synctest.Wait()
		later := d.fly(&Task{CDB: cdb(opWrite10, 0, 1, 1), Tag: 2, Attr: Ordered, Expected: 512, Out: d.data(1, 'w')})
		synctest.Wait()
		if sanitize.back() || running.back() || later.back() {
			t.Fatal("something is back before the write")
		}
		close(release)
		time.Sleep(time.Hour)
		synctest.Wait()
		if running.Status != Good || sanitize.Status != Good || later.Status != CheckCondition {
			t.Errorf("the write ended with %v, SANITIZE with %v, the later write with %v", running.Status, sanitize.Status, later.Status)
		}
		d.holds(0, testBlocks, 's')
		for _, f := range []*flight{running, sanitize, later} {
			f.Release()
		}
	})
}

// TestSanitizeFails: after a failure nothing but SANITIZE is executed, until one succeeds or EXIT
// FAILURE MODE, where AUSE allowed it.
func TestSanitizeFails(t *testing.T) {
	for _, ause := range []byte{0, sanitizeAUSE} {
		d := newDisk(t, 512, nil)
		var saved *Sanitize
		d.lu.SaveSanitize = func(s *Sanitize) error { saved = s; return nil }
		d.store.Add(sbd.Rule{Calls: sbd.CallWrite, Times: 1, Err: sbd.ErrMedium})
		c, list := overwriteOf(ause, 's')
		d.want(d.run(c, list), "03/31/03")
		d.want(d.run(CDB{}, nil), "03/31/03")
		d.want(d.run(cdb(opRead10, 0, 0, 1), nil), "03/31/03")
		if saved == nil || !saved.Failed || saved.Exitable != (ause != 0) {
			t.Errorf("saved %+v", saved)
		}
		exit := CDB{byte(opSanitize), saExitFailureMode}
		if ause == 0 {
			d.want(d.run(exit, nil), "05/24/00 byte 1 bit 4")
			forgiving, list := overwriteOf(sanitizeAUSE, 's')
			d.want(d.run(forgiving, list), "05/24/00 byte 1 bit 5")
			d.want(d.run(CDB{}, nil), "03/31/03")
			d.want(d.run(c, list), "GOOD")
			d.holds(0, testBlocks, 's')
		} else {
			d.want(d.run(exit, nil), "GOOD")
			d.want(d.run(exit, nil), "GOOD")
		}
		d.want(d.run(CDB{}, nil), "GOOD")
		if saved != nil {
			t.Errorf("in the end, saved is %+v", saved)
		}
	}
}

// TestSanitizeResumes: an operation that the end of the daemon, or the store going offline, has
// cut goes on when it is resumed, and the unit is not ready until then. A failure stays one.
func TestSanitizeResumes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDisk(t, 512, nil)
		d.lu.RestoreSanitize(Sanitize{Pattern: []byte{'r'}, Passes: 1, Exitable: true})
		d.want(d.run(CDB{}, nil), "02/04/1B byte 0") // progress
		if err := d.unit.Detach(errors.New("for the test")); err != nil {
			t.Fatal(err)
		}
		d.lu.ResumeSanitize()
		synctest.Wait()
		if _, done, is := d.lu.Sanitizing(); !is || done != 0 {
			t.Errorf("offline: sanitizing %t, %v done", is, done)
		}
		if err := d.unit.Attach(d.store); err != nil {
			t.Fatal(err)
		}
		d.want(d.run(CDB{}, nil), "02/04/1B byte 0") // progress
		d.lu.ResumeSanitize()
		d.lu.ResumeSanitize()
		time.Sleep(time.Hour)
		synctest.Wait()
		d.want(d.run(CDB{}, nil), "GOOD")
		d.holds(0, testBlocks, 'r')

		d.lu.RestoreSanitize(Sanitize{Failed: true, Exitable: true})
		d.lu.ResumeSanitize()
		time.Sleep(time.Hour)
		synctest.Wait()
		d.want(d.run(CDB{}, nil), "03/31/03")
		if s, _, is := d.lu.Sanitizing(); !is || !s.Failed {
			t.Errorf("sanitizing %t, %+v", is, s)
		}
		d.want(d.run(CDB{byte(opSanitize), saExitFailureMode}, nil), "GOOD")
	})
}

// TestSanitizeUnsaved: what cannot be saved does not begin, since a restart would forget it.
func TestSanitizeUnsaved(t *testing.T) {
	d := newDisk(t, 512, nil)
	d.lu.SaveSanitize = func(*Sanitize) error { return errors.New("for the test") }
	c, list := overwriteOf(0, 's')
	d.want(d.run(c, list), "04/44/00")
	d.want(d.run(CDB{}, nil), "GOOD")
	d.holds(0, testBlocks, 0)
}
