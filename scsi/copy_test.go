package scsi

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lunarsan/lunar/sbd"
)

// seg is a segment of a test's list: n blocks, from the disk named by the first number to that
// named by the second.
type seg struct {
	from, into int
	src, dst   uint64
	n          uint16
}

// copyCDB is EXTENDED COPY(LID1) of segments, with a list identifier, and its list. Disks are
// named as newDiskCalled names them.
func copyCDB(id byte, segments ...seg) (CDB, []byte) {
	const disks = 4
	p := make([]byte, copyHeaderLen)
	p[0] = id
	binary.BigEndian.PutUint16(p[2:], disks*cscdLen)
	binary.BigEndian.PutUint32(p[8:], uint32(len(segments)*blockSegmentLen))
	for i := range disks {
		d := cscd{0: identificationCSCD, 4: binarySet, 5: ofUnit | typeNAA, 7: 16, 8: 0x60, 23: byte(i)}
		p = append(p, d[:]...)
	}
	for _, s := range segments {
		v := make([]byte, blockSegmentLen)
		v[0], v[3] = blockSegment, blockSegmentLen-4
		v[5], v[7] = byte(s.from), byte(s.into)
		binary.BigEndian.PutUint16(v[10:], s.n)
		binary.BigEndian.PutUint64(v[12:], s.src)
		binary.BigEndian.PutUint64(v[20:], s.dst)
		p = append(p, v...)
	}
	c := CDB{byte(opThirdPartyCopyOut), saExtendedCopyLID1}
	binary.BigEndian.PutUint32(c[10:], uint32(len(p)))
	return c, p
}

// twoDisks are disks 0 and 1, and a nexus of the first that sees both, as LUNs 0 and 1.
func twoDisks(t *testing.T, config func(*sbd.Config)) (a, b *disk, n *Nexus) {
	a, b = newDiskCalled(t, 0, 512, config), newDiskCalled(t, 1, 512, config)
	n = a.nexuses[0]
	n.SetInventory(map[int]*LogicalUnit{0: a.lu, 1: b.lu})
	for lun := range 2 {
		a.runAt(n, lun, CDB{})
	}
	return a, b, n
}

// runAt executes c without data on LUN lun of n, and again while there are unit attentions.
func (d *disk) runAt(n *Nexus, lun int, c CDB) result {
	for {
		done := make(chan struct{})
		t := &Task{CDB: c, LUN: LUNOf(lun), Done: func(*Task) { close(done) }}
		n.Prepare(t)
		if !n.Submit(t) {
			<-done
		}
		r := result{status: t.Status, sense: bytes.Clone(t.Sense.Bytes())}
		again := t.Sense.Sense().Key() == 6
		t.Release()
		if !again {
			return r
		}
	}
}

// paint writes n blocks of v from lba on, beside the device server.
func (d *disk) paint(v byte, lba, n int) {
	d.t.Helper()
	p := bytes.Repeat([]byte{v}, n*d.block)
	if err := d.unit.WriteAt(&sbd.Op{MayBlock: true}, p, int64(lba*d.block), false); err != nil {
		d.t.Fatal(err)
	}
}

// blocks reads n blocks from lba on, beside the device server.
func (d *disk) blocks(lba, n int) []byte {
	d.t.Helper()
	p := make([]byte, n*d.block)
	if err := d.unit.ReadAt(&sbd.Op{MayBlock: true}, p, int64(lba*d.block)); err != nil {
		d.t.Fatal(err)
	}
	return p
}

func TestCopyBetweenUnits(t *testing.T) {
	a, b, _ := twoDisks(t, nil)
	a.paint(1, 0, 8192)
	b.paint(2, 100, 4)
	c, list := copyCDB(1, seg{0, 1, 0, 4096, 8192}, seg{1, 0, 100, 50, 4})
	a.want(a.run(c, list), "GOOD")
	b.holds(4096, 8192, 1)
	a.holds(50, 4, 2)
	a.holds(54, 8000, 1)
	if m := b.unit.Metrics(); m.Copies != 1 || m.CopyMovedBytes != 8192*512 {
		t.Errorf("%v", m)
	}
}

// Blocks of other lengths: the count is in the source's unless DC says otherwise, and has to come
// out even.
func TestCopyBetweenBlockSizes(t *testing.T) {
	a, b := newDiskCalled(t, 0, 512, nil), newDiskCalled(t, 1, 4096, nil)
	n := a.nexuses[0]
	n.SetInventory(map[int]*LogicalUnit{0: a.lu, 1: b.lu})
	a.runAt(n, 0, CDB{})
	a.paint(1, 0, 100)
	run := func(dc bool, count uint16) result {
		c, list := copyCDB(1, seg{0, 1, 0, 2, count})
		if dc {
			list[len(list)-blockSegmentLen+1] = 0x02
		}
		return a.run(c, list)
	}
	a.want(run(false, 16), "GOOD")
	b.holds(2, 2, 1)
	b.holds(4, 1, 0)
	a.want(run(true, 3), "GOOD")
	b.holds(2, 3, 1)
	a.want(run(false, 15), "0A/26/0A byte 8")
}

// A nexus copies nothing from or to a unit that it does not see, whatever it knows of it
// (CVE-2020-28374, CVE-2021-3139): neither one that is not there for it nor one that it has
// ceased to see, with a copy nor with a token.
func TestCopyOfUnseenUnits(t *testing.T) {
	a, secret, n := twoDisks(t, nil)
	secret.paint(9, 0, testBlocks)
	k := populated(t, secret, secret.nexuses[0], 0, tokenRange{0, 8})
	use := func(want string) {
		t.Helper()
		a.wantOn(n, want)(writeToken(1, k, 0, tokenRange{0, 8}))
	}
	use("GOOD")
	a.holds(0, 8, 9)
	a.paint(0, 0, 8)

	n.SetInventory(map[int]*LogicalUnit{0: a.lu})
	a.runAt(n, 0, CDB{})
	for _, s := range []seg{{1, 0, 0, 0, 8}, {0, 1, 0, 0, 8}, {1, 1, 0, 100, 8}, {3, 0, 0, 0, 8}} {
		c, list := copyCDB(1, s)
		if r := a.run(c, list); !strings.HasPrefix(r.String(), "0A/08/04") {
			t.Errorf("%v: %v", s, r)
		}
	}
	use("05/23/04 byte 16")
	a.holds(0, 8, 0)
	secret.holds(0, testBlocks, 9)
}

// A copy may do what the nexus might do itself.
func TestCopyIsAllowedWhatTheNexusIs(t *testing.T) {
	reserve := func(d *disk) {
		d.want(d.runOn(d.nexus(), CDB{byte(opReserve6)}, nil, 0), "GOOD")
	}
	const source, destination = "the source said 02h ", "the destination said 02h "
	for _, c := range []struct {
		name  string
		spoil func(a, b *disk, n *Nexus)
		into  string // what a copy to b says
		from  string // what a copy from b says
	}{
		{"reserved by another", func(_, b *disk, _ *Nexus) { reserve(b) },
			"0A/0D/01 THIRD PARTY DEVICE FAILURE (fixed), in segment 0, the destination said 18h",
			"0A/0D/01 THIRD PARTY DEVICE FAILURE (fixed), in segment 0, the source said 18h"},
		{"write protected", func(_, b *disk, _ *Nexus) { b.unit.SetReadOnly(true) },
			"0A/0D/01 THIRD PARTY DEVICE FAILURE (fixed), in segment 0, " + destination + "07/27/00 WRITE PROTECTED (fixed)", "GOOD"},
		{"offline", func(_, b *disk, _ *Nexus) {
			if err := b.unit.Detach(errors.New("the test says so")); err != nil {
				panic(err)
			}
		},
			"0A/0D/02 COPY TARGET DEVICE NOT REACHABLE (fixed), in segment 0, " + destination + "02/04/03 LOGICAL UNIT NOT READY, MANUAL INTERVENTION REQUIRED (fixed)",
			"0A/0D/02 COPY TARGET DEVICE NOT REACHABLE (fixed), in segment 0, " + source + "02/04/03 LOGICAL UNIT NOT READY, MANUAL INTERVENTION REQUIRED (fixed)"},
		{"full", func(_, b *disk, _ *Nexus) { b.store.Add(sbd.Rule{Calls: sbd.CallWriteAt, Err: sbd.ErrNoSpace}) },
			"0A/0D/01 THIRD PARTY DEVICE FAILURE (fixed), in segment 0, " + destination + "07/27/07 SPACE ALLOCATION FAILED WRITE PROTECT (fixed)", "GOOD"},
		{"unreadable", func(_, b *disk, _ *Nexus) { b.store.Add(sbd.Rule{Calls: sbd.CallReadAt, Err: sbd.ErrMedium}) },
			"GOOD", "0A/0D/01 THIRD PARTY DEVICE FAILURE (fixed), in segment 0, " + source + "03/11/00 UNRECOVERED READ ERROR (fixed)"},
	} {
		t.Run(c.name, func(t *testing.T) {
			a, b, n := twoDisks(t, nil)
			a.paint(1, 0, 8)
			b.paint(2, 0, 8)
			c.spoil(a, b, n)
			for _, run := range []struct {
				want string
				seg  seg
			}{{c.into, seg{0, 1, 0, 100, 8}}, {c.from, seg{1, 0, 0, 200, 8}}} {
				cdb, list := copyCDB(5, run.seg)
				r := a.run(cdb, list)
				got := &strings.Builder{}
				if r.status == CheckCondition {
					describeSense(got, r.sense)
				} else {
					got.WriteString(r.String())
				}
				if got.String() != run.want {
					t.Errorf("%v: %v, want %v", run.seg, got, run.want)
				}
				details := a.runOn(n, CDB{byte(opThirdPartyCopyIn), saFailureDetailsLID1, 5, 13: 255}, nil, 255)
				if r.status == CheckCondition && (len(details.in) < 61 || !bytes.Equal(details.in[60:], r.sense) || details.in[56] != byte(CheckCondition)) {
					t.Errorf("failure details % x", details.in)
				}
				again := a.runOn(n, CDB{byte(opThirdPartyCopyIn), saFailureDetailsLID1, 5, 13: 255}, nil, 255)
				if r.status == CheckCondition && again.String() != "05/24/00 byte 2" {
					t.Errorf("failure details, once more: %v", again)
				}
			}
		})
	}
}

// happenings are what callbacks tell, in their order.
type happenings struct {
	mu   sync.Mutex
	list []string
}

func (h *happenings) add(what string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.list = append(h.list, what)
}

func (h *happenings) all() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.list)
}

// What was copied before the segment that fails is durable, and counted.
func TestCopyEndsInTheMiddle(t *testing.T) {
	a, b, n := twoDisks(t, func(c *sbd.Config) { c.WriteCache = false })
	a.paint(1, 0, 64)
	b.store.Add(sbd.Rule{Calls: sbd.CallWriteAt, Off: 1000 * 512, N: 512, Err: sbd.ErrMedium})
	syncs := b.store.Calls(sbd.CallSync)
	c, list := copyCDB(3, seg{0, 1, 0, 0, 8}, seg{0, 1, 0, 100, 8}, seg{0, 1, 0, 996, 8}, seg{0, 1, 0, 300, 8})
	if r := a.run(c, list); r.String() != "0A/0D/01" || r.sense[11] != 2 {
		t.Errorf("%v, % x", r, r.sense)
	}
	b.holds(100, 8, 1)
	b.holds(300, 8, 0)
	if n := b.store.Calls(sbd.CallSync) - syncs; n != 1 {
		t.Errorf("%d syncs, want 1", n)
	}
	status := a.runOn(n, CDB{byte(opThirdPartyCopyIn), saCopyStatusLID1, 3, 13: 12}, nil, 12)
	if want := []byte{0, 0, 0, 8, copyFailed, 0, 2, 0, 0, 0, 0x20, 0}; !bytes.Equal(status.in, want) {
		t.Errorf("status % x, want % x", status.in, want)
	}
}

// TestCopyIsAborted stops copies in their middle, by whoever may: the function is answered when
// no more is written, and nothing is written afterwards.
func TestCopyIsAborted(t *testing.T) {
	for _, c := range []struct {
		name    string
		abort   func(a, b *disk, n *Nexus, done func(Response))
		aborted bool // the copy has no result
	}{
		{"ABORT TASK", func(_, _ *disk, n *Nexus, done func(Response)) { n.Manage(AbortTask, 0, 77, done) }, true},
		{"LOGICAL UNIT RESET", func(_, _ *disk, n *Nexus, done func(Response)) { n.Manage(LogicalUnitReset, 0, 0, done) }, true},
		{"LOGICAL UNIT RESET of the destination", func(_, b *disk, _ *Nexus, done func(Response)) {
			b.nexuses[0].Manage(LogicalUnitReset, 0, 0, done)
		}, false},
		{"CLEAR TASK SET of the destination", func(_, b *disk, _ *Nexus, done func(Response)) {
			b.nexuses[0].Manage(ClearTaskSet, 0, 0, done)
		}, false},
		{"the end of the session", func(_, _ *disk, n *Nexus, done func(Response)) { n.Close(func() { done(FunctionComplete) }) }, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a, b, n := twoDisks(t, nil)
				a.paint(1, 0, testBlocks)
				release := make(chan struct{})
				b.store.Add(sbd.Rule{Calls: sbd.CallWriteAt, Hold: release})
				var happened happenings
				cdb, list := copyCDB(1, seg{0, 1, 0, 0, testBlocks})
				task := &Task{CDB: cdb, Tag: 77, Expected: int64(len(list)), Out: list, Done: func(*Task) { happened.add("copy") }}
				n.Prepare(task)
				if n.Submit(task) {
					t.Fatal("it ended at once")
				}
				synctest.Wait() // its workers are inside writes
				if s := a.runOn(n, CDB{byte(opThirdPartyCopyIn), saCopyStatusLID1, 1, 13: 12}, nil, 12); s.in[4] != 0 {
					t.Errorf("status % x, want in progress", s.in)
				}
				if r := a.run(cdb, list); r.String() != "05/26/00 byte 0" {
					t.Errorf("another with the same list identifier: %v", r)
				}
				c.abort(a, b, n, func(r Response) {
					if r != FunctionComplete {
						t.Errorf("response %v", r)
					}
					happened.add("function")
				})
				synctest.Wait()
				if events := happened.all(); len(events) != 0 {
					t.Errorf("%v while a piece is written", events)
				}
				close(release)
				synctest.Wait()
				events := happened.all()
				if fmt.Sprint(events) != "[copy function]" && fmt.Sprint(events) != "[function copy]" || c.aborted && events[0] != "copy" {
					t.Errorf("%v, want both", events)
				}
				if task.Aborted() != c.aborted || !c.aborted && task.Sense.Sense() != ThirdPartyDeviceFailure {
					t.Errorf("aborted %t, %v", task.Aborted(), task.Sense.Sense())
				}
				task.Release()
				before := b.blocks(0, testBlocks)
				time.Sleep(time.Hour)
				if after := b.blocks(0, testBlocks); !bytes.Equal(before, after) {
					t.Error("something was written after the function was answered")
				}
			})
		})
	}
}

// A copy that goes on for too long is given up.
func TestCopyHasALimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b, _ := twoDisks(t, nil)
		a.paint(1, 0, testBlocks)
		slow := &slowWrites{Store: b.store, each: 8 * time.Second}
		if err := b.unit.Detach(errors.New("a slower store")); err != nil {
			t.Fatal(err)
		}
		if err := b.unit.Attach(slow); err != nil {
			t.Fatal(err)
		}
		c, list := copyCDB(1, seg{0, 1, 0, 0, testBlocks}, seg{0, 1, 0, 0, testBlocks}, seg{0, 1, 0, 0, testBlocks}, seg{0, 1, 0, 0, testBlocks})
		began := time.Now()
		if r := a.run(c, list); r.String() != "0A/55/03" || r.sense[11] != 2 {
			t.Errorf("%v in segment %d", r, r.sense[11])
		}
		if took := time.Since(began); took < longestCopy || took > longestCopy+10*time.Second {
			t.Errorf("took %v", took)
		}
	})
}

type slowWrites struct {
	sbd.Store
	each time.Duration
}

func (s *slowWrites) WriteAt(p []byte, off int64) (int, error) {
	time.Sleep(s.each)
	return s.Store.WriteAt(p, off)
}

// A reservation of the destination by another nexus ends the copy: RESERVE is answered when it
// writes no more.
func TestReserveWaitsForCopies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b, n := twoDisks(t, nil)
		other := b.nexus()
		a.paint(1, 0, testBlocks)
		release := make(chan struct{})
		b.store.Add(sbd.Rule{Calls: sbd.CallWriteAt, Hold: release})
		var happened happenings
		cdb, list := copyCDB(1, seg{0, 1, 0, 0, testBlocks})
		task := &Task{CDB: cdb, Expected: int64(len(list)), Out: list, Done: func(*Task) { happened.add("copy") }}
		n.Prepare(task)
		if n.Submit(task) {
			t.Fatal("it ended at once")
		}
		synctest.Wait()
		reserve := &Task{CDB: CDB{byte(opReserve6)}, Done: func(*Task) { happened.add("reserve") }}
		other.Prepare(reserve)
		if other.Submit(reserve) {
			t.Fatal("RESERVE did not wait")
		}
		synctest.Wait()
		if events := happened.all(); len(events) != 0 {
			t.Errorf("%v while a piece is written", events)
		}
		close(release)
		synctest.Wait()
		if events := happened.all(); len(events) != 2 || reserve.Status != Good || task.Sense.Sense() != ThirdPartyDeviceFailure {
			t.Errorf("%v: RESERVE %v, copy %v", events, reserve.Status, task.Sense.Sense())
		}
		if p := b.blocks(0, testBlocks); bytes.Count(p, []byte{1}) == len(p) {
			t.Error("the copy came to its end")
		}
	})
}

// A unit that the nexus ceases to see is copied to no further.
func TestCopyLosesSight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b, n := twoDisks(t, nil)
		a.paint(1, 0, testBlocks)
		release := make(chan struct{})
		b.store.Add(sbd.Rule{Calls: sbd.CallWriteAt, Hold: release})
		cdb, list := copyCDB(1, seg{0, 1, 0, 0, testBlocks})
		task := &Task{CDB: cdb, Expected: int64(len(list)), Out: list, Done: func(*Task) {}}
		n.Prepare(task)
		if n.Submit(task) {
			t.Fatal("it ended at once")
		}
		synctest.Wait()
		n.SetInventory(map[int]*LogicalUnit{0: a.lu})
		close(release)
		synctest.Wait()
		if task.Sense.Sense() != ThirdPartyDeviceFailure {
			t.Errorf("%v %v", task.Status, task.Sense.Sense())
		}
		b.holds(testBlocks/2, testBlocks/2, 0)
	})
}
