package scsi

import (
	"testing"
	"time"

	"github.com/lunarsan/lunar/internal/buffer"
	"github.com/lunarsan/lunar/sbd"
)

// seedCDBs adds a CDB of each command to the seeds of f by add.
func seedCDBs(add func(c []byte)) {
	for i := range commands {
		rows := []command{commands[i]}
		if s := commands[i].services; s != nil {
			rows = s[:]
		}
		for _, row := range rows {
			if row.run != nil {
				add(row.usage) // all bits that it reads
				c := cdb(Opcode(row.usage[0]), row.usage[1]&0x1F, 1, 1)
				if row.services == nil && commands[i].services == nil {
					c[1] = 0
				}
				add(c[:len(row.usage)])
			}
		}
	}
}

// FuzzCDB sends any command with any data and wants an answer that holds together, and all
// memory back.
func FuzzCDB(f *testing.F) {
	seedCDBs(func(c []byte) {
		f.Add(c, uint64(0), byte(Simple), int64(512), []byte("a block of data, more or less"))
		f.Add(c, uint64(LUNOf(1)), byte(Ordered), int64(0), []byte(nil))
		f.Add(c, uint64(LUNOf(9)), byte(HeadOfQueue), int64(1)<<32-1, []byte(nil))
	})
	pool := buffer.NewPool(8 << 20)
	nexus := NewNexus(Names{Initiator: "iqn.2026-01.test:a"}, pool)
	units := map[int]*LogicalUnit{}
	for lun, cfg := range []sbd.Config{{Thin: true, WriteCache: true}, {ReadOnly: true}} {
		u := sbd.NewUnit(testIdentity, cfg)
		if err := u.Attach(sbd.NewMem(1 << 20)); err != nil {
			f.Fatal(err)
		}
		units[lun] = NewLogicalUnit(u, pool)
		units[lun].Panicked = func(cause any, stack []byte) { panic(cause) }
	}
	nexus.SetInventory(units)

	f.Fuzz(func(t *testing.T, c []byte, lun uint64, attr byte, expected int64, out []byte) {
		done := make(chan struct{})
		task := &Task{LUN: LUN(lun), Attr: Attribute(attr % 4), Expected: expected & (1<<32 - 1)}
		task.Done = func(*Task) { close(done) }
		copy(task.CDB[:], c)
		nexus.Prepare(task)
		if task.OutLen() < 0 || task.OutLen() > MaxTransfer {
			t.Fatalf("%s asks for %d bytes", task.CDB.Name(), task.OutLen())
		}
		task.Out = make([]byte, min(task.OutLen(), task.Expected))
		copy(task.Out, out)
		task.OutBorrowed = len(out)%2 == 0
		if !nexus.Submit(task) {
			select {
			case <-done:
			case <-time.After(time.Minute):
				t.Fatalf("%s does not end", task.CDB.Name())
			}
		}
		checkResult(t, task)
		task.Release()
		if n := pool.Outstanding(); n != 0 {
			t.Fatalf("%s: %d buffers were not given back", task.CDB.Name(), n)
		}
	})
}

// checkResult fails the test if t's result does not hold together.
func checkResult(t *testing.T, task *Task) {
	sense := task.Sense.Bytes()
	switch task.Status {
	case Good, ConditionMet, ReservationConflict:
		if len(sense) != 0 {
			t.Errorf("status %v with sense data % x", task.Status, sense)
		}
	case CheckCondition:
		if len(sense) < 8 || len(task.In) != 0 || task.InLen != 0 {
			t.Errorf("CHECK CONDITION with sense data % x and %d bytes of data", sense, task.InLen)
		}
		if key := sense[1]&0x0F | sense[2]&0x0F; sense[0]&0x7F == 0x70 && key == 0 {
			t.Errorf("no sense key in % x", sense)
		}
	default:
		t.Errorf("status %v", task.Status)
	}
	if int64(len(task.In)) > task.Expected || int64(len(task.In)) > task.InLen || task.InLen > MaxTransfer {
		t.Errorf("%d of %d bytes where %d are expected", len(task.In), task.InLen, task.Expected)
	}
	if task.Aborted() {
		t.Error("aborted by nobody")
	}
}

// FuzzModeParameters reads any mode parameter list, and wants what it accepts to be what
// MODE SENSE then says.
func FuzzModeParameters(f *testing.F) {
	control := []byte{0x0A, 0x0A, 0x04, 0x10, 0x08, 0x40, 0, 0, 0xFF, 0xFF, 0, 0}
	caching := append([]byte{0x08, 0x12, 0x04}, make([]byte, 17)...)
	f.Add(append([]byte{0, 0, 0, 0}, control...), false)
	f.Add(append([]byte{0, 0, 0, 0}, caching...), false)
	f.Add(append([]byte{0, 0, 0, 8, 0, 0, 8, 0, 0, 0, 2, 0}, control...), false)
	f.Add(append(append([]byte{0, 0, 0, 0, 0, 0, 0, 0}, caching...), control...), true)
	f.Add(append([]byte{0, 0, 0, 0, 1, 0, 0, 16, 0, 0, 0, 0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 2, 0}, control...), true)
	f.Add([]byte{0, 0, 0, 0, 0x5C, 0x0A}, false)
	pool := buffer.NewPool(1 << 20)
	u := sbd.NewUnit(testIdentity, sbd.Config{})
	if err := u.Attach(sbd.NewMem(1 << 20)); err != nil {
		f.Fatal(err)
	}
	lu := NewLogicalUnit(u, pool)

	f.Fuzz(func(t *testing.T, list []byte, long bool) {
		header := 4
		if long {
			header = 8
		}
		task := &Task{path: &path{unit: lu}, Out: list, outLen: int64(len(list)), mayBlock: true}
		task.op.MayBlock = true
		changes, err := task.parseModes(list, header)
		if (err != nil) && changes != nil {
			t.Fatalf("%v, and %d changes", err, len(changes))
		}
		if err != nil {
			return
		}
		for _, c := range changes {
			if err := c.page.apply(task, c.values); err != nil {
				t.Fatal(err)
			}
			if got := c.page.values(lu, pageCurrent); string(got) != string(c.values) {
				t.Fatalf("set % x, now % x", c.values, got)
			}
		}
	})
}
