package scsi

import (
	"encoding/binary"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/lunarsan/lunar/sbd"
)

// unmapOf is the parameter list of an UNMAP of n blocks at lba.
func unmapOf(lba uint64, n uint32) []byte {
	p := make([]byte, 8+unmapDescriptorLen)
	binary.BigEndian.PutUint16(p[0:], uint16(len(p)-2))
	binary.BigEndian.PutUint16(p[2:], unmapDescriptorLen)
	binary.BigEndian.PutUint64(p[8:], lba)
	binary.BigEndian.PutUint32(p[16:], n)
	return p
}

// A flight is a task under way on the first nexus of a disk.
type flight struct {
	*Task
	returned atomic.Bool
}

// back reports whether the task has come back to its port.
func (f *flight) back() bool { return f.returned.Load() }

func (d *disk) submit(tag uint64, c CDB, out []byte) *flight {
	return d.fly(&Task{CDB: c, Tag: tag, Expected: int64(len(out)), Out: out})
}

func (d *disk) fly(t *Task) *flight {
	f := &flight{Task: t}
	t.Done = func(*Task) { f.returned.Store(true) }
	d.nexuses[0].Prepare(t)
	if d.nexuses[0].Submit(t) {
		f.returned.Store(true)
	}
	return f
}

// TestLengthyCommandsKeepTheirLane: a storm of commands that take long, on a store that
// is stuck in them, leaves the workers for the others alone.
func TestLengthyCommandsKeepTheirLane(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDisk(t, 512, func(c *sbd.Config) { c.WriteCache = false })
		release := make(chan struct{})
		var inside atomic.Int32
		d.store.Add(sbd.Rule{Calls: sbd.CallUnmap, Hold: release, Held: func() { inside.Add(1) }})
		unmapCDB := CDB{byte(opUnmap), 8: 24}
		var storm []*flight
		for i := range uint64(2 * bulkWorkers) {
			storm = append(storm, d.submit(i, unmapCDB, unmapOf(1024+8*i, 8)))
		}
		synctest.Wait()
		if n := inside.Load(); n != slowWorkers {
			t.Errorf("%d UNMAPs are inside the store, want %d", n, slowWorkers)
		}
		if w := d.submit(1000, cdb(opWrite10, 0, 0, 1), d.data(1, 'w')); !w.back() {
			synctest.Wait()
			if !w.back() || w.Status != Good {
				t.Errorf("a write, which has to wait for its sync, did not come through")
			}
			w.Release()
		}
		close(release)
		synctest.Wait()
		for i, f := range storm {
			if !f.back() || f.Status != Good {
				t.Errorf("UNMAP %d: back %t, status %v", i, f.back(), f.Status)
			}
			f.Release()
		}
	})
}

// TestLengthyCommandsStop: a command that works in pieces ends between two of them when it is
// aborted, without a result, and the function is answered when the store is left alone.
func TestLengthyCommandsStop(t *testing.T) {
	const blocks = 32 << 20 / 512
	for name, tt := range map[string]struct {
		cdb  CDB
		out  []byte
		call sbd.Call
	}{
		"UNMAP":                   {CDB{byte(opUnmap), 8: 24}, unmapOf(0, blocks), sbd.CallUnmap},
		"WRITE SAME of zeros":     {cdb(opWriteSame16, 0, 0, 16<<20/512), make([]byte, 512), sbd.CallZero},
		"WRITE SAME of a pattern": {cdb(opWriteSame16, 0, 0, 16<<20/512), make([]byte, 511, 512), sbd.CallWrite},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := newDisk(t, 512, func(c *sbd.Config) { c.Size = 64 << 20 })
				if len(tt.out) == 511 {
					tt.out = append(tt.out, 'x')
				}
				release := make(chan struct{})
				d.store.Add(sbd.Rule{Calls: tt.call, Hold: release})
				f := d.submit(7, tt.cdb, tt.out)
				synctest.Wait()
				response, answered := Response(0), false
				d.nexuses[0].Manage(AbortTask, 0, 7, func(r Response) { response, answered = r, true })
				synctest.Wait()
				if answered || f.back() {
					t.Fatal("answered while the store is at work for the task")
				}
				close(release)
				synctest.Wait()
				if !answered || response != FunctionComplete || !f.back() || !f.Aborted() {
					t.Errorf("answered %t with %v; the task is back %t, aborted %t", answered, response, f.back(), f.Aborted())
				}
				if n := d.store.Calls(tt.call); n > 4 { // of a piece
					t.Errorf("%d calls of the store after the abort", n)
				}
				if n := d.unit.Metrics().Errors; n != 0 {
					t.Errorf("%d errors are counted", n)
				}
				f.Release()
			})
		})
	}
}

// TestNeighboursOfALengthyCommand: while a long WRITE SAME is in one piece, writes and compares
// of others, of its own range too, go on.
func TestNeighboursOfALengthyCommand(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDisk(t, 512, func(c *sbd.Config) { c.Size = 64 << 20 })
		release := make(chan struct{})
		d.store.Add(sbd.Rule{Calls: sbd.CallWrite, Off: 8 << 20, N: 1, Times: 1, Hold: release})
		long := d.submit(1, cdb(opWriteSame16, 0, 0, 16<<20/512), d.data(1, 'l'))
		synctest.Wait()
		for _, lba := range []uint64{0, 15 << 20 / 512, 40 << 20 / 512} {
			d.want(d.run(cdb(opWrite10, 0, lba, 1), d.data(1, 'n')), "GOOD")
			d.want(d.run(cdb(opCompareAndWrite, 0, lba, 1), append(d.data(1, 'n'), d.data(1, 'c')...)), "GOOD")
		}
		if long.back() {
			t.Error("the long command is back already")
		}
		close(release)
		synctest.Wait()
		if !long.back() || long.Status != Good {
			t.Errorf("the long command: back %t, status %v", long.back(), long.Status)
		}
		long.Release()
		d.holds(0, 1, 'c')            // its piece was done before
		d.holds(15<<20/512, 1, 'l')   // and this one came after
		d.holds(40<<20/512, 1, 'c')   // this one is none of it
		d.holds(8<<20/512, 2048, 'l') // where it was held up
	})
}
