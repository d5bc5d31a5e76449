package scsi

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lunarsan/lunar/sbd"
)

// remembered gives a disk one more nexus, whose initiator's history is h's.
func remembered(d *disk, h *Histories) *Nexus {
	n := NewNexus(Names{Initiator: "iqn.2026-01.test:remembered", InitiatorPort: "iqn.2026-01.test:remembered,i,0x1"}, d.pool)
	n.History = h.Open(n.Initiator)
	n.SetInventory(map[int]*LogicalUnit{0: d.lu})
	d.nexuses = append(d.nexuses, n)
	return n
}

// lines writes what an account says, one thing a line, without times.
func lines(a Account) (out []string) {
	for _, u := range a.Units {
		for p := range Primitives {
			if g, f := u.Good[p].Count, u.Failed[p].Count; g+f > 0 {
				out = append(out, fmt.Sprintf("%v %d good, %d failed %v", p, g, f, u.Sense[p]))
			}
		}
		for i, t := range u.Trouble {
			if t.Count > 0 {
				out = append(out, fmt.Sprintf("trouble %d: %d", i, t.Count))
			}
		}
	}
	for _, e := range a.Events {
		out = append(out, fmt.Sprintf("%dx %q %v %v", e.Count, e.Request, e.Status, e.Sense))
	}
	for _, m := range a.Managed {
		out = append(out, fmt.Sprintf("%dx %v: %v", m.Count, m.Function, m.Response))
	}
	slices.Sort(out)
	return out
}

func TestHistory(t *testing.T) {
	tests := []struct {
		name string
		play func(*disk, *Nexus)
		want []string
	}{
		{"what goes well leaves no trace", func(d *disk, n *Nexus) {
			d.want(d.runOn(n, cdb(opRead10, 0, 0, 4), nil, 4*512), "GOOD")
			d.want(d.runOn(n, CDB{byte(opInquiry), 1, 0x83, 0, 255}, nil, 255), "GOOD")
		}, nil},
		{"primitives", func(d *disk, n *Nexus) {
			d.want(d.runOn(n, cdb(opCompareAndWrite, 0, 0, 0), nil, 0), "GOOD")
			same := append(make([]byte, 512), d.data(1, 1)...)
			compare := CDB{byte(opCompareAndWrite), 13: 1}
			d.want(d.runOn(n, compare, same, 1024), "GOOD")
			d.want(d.runOn(n, compare, same, 1024), "0E/1D/00 information 0")
			d.want(d.runOn(n, cdb(opWriteSame16, 0, 0, 8), make([]byte, 512), 512), "GOOD")
			d.want(d.runOn(n, cdb(opWriteSame16, 0, testBlocks, 8), make([]byte, 512), 512), "05/21/00")
		}, []string{
			`1x "COMPARE AND WRITE" status 02h 0E/1D/00 MISCOMPARE DURING VERIFY OPERATION`,
			`1x "WRITE SAME(16)" status 02h 05/21/00 LOGICAL BLOCK ADDRESS OUT OF RANGE`,
			"ATS 2 good, 0 failed 00/00/00 NO ADDITIONAL SENSE INFORMATION",
			"WRITE SAME 1 good, 1 failed 05/21/00 LOGICAL BLOCK ADDRESS OUT OF RANGE",
			"trouble 0: 1",
		}},
		{"token commands are not copies", func(d *disk, n *Nexus) {
			d.runOn(n, CDB{0x83, 0x1F}, nil, 0)
		}, []string{"ODX 0 good, 1 failed"}},
		{"refusals", func(d *disk, n *Nexus) {
			for range 3 {
				d.want(d.runOn(n, CDB{0x85}, nil, 0), "05/20/00")
			}
			d.want(d.runOn(n, CDB{byte(opInquiry), 1, 0xC0, 0, 255}, nil, 255), "05/24/00 byte 2")
			d.want(d.runOn(n, CDB{byte(opModeSense6), 0, 0x20, 0, 255}, nil, 255), "05/24/00 byte 2 bit 5")
			d.want(d.runOn(n, CDB{byte(opServiceActionIn16), 0x1E}, nil, 0), "05/24/00 byte 1 bit 4")
			d.want(d.runOn(n, CDB{0xC7}, nil, 0), "05/20/00")
		}, []string{
			`1x "INQUIRY, VPD page C0h" status 02h 05/24/00 INVALID FIELD IN CDB`,
			`1x "MODE SENSE(6), page 20h" status 02h 05/24/00 INVALID FIELD IN CDB`,
			`1x "SERVICE ACTION IN(16), service action 1Eh" status 02h 05/24/00 INVALID FIELD IN CDB`,
			`1x "opcode C7h" status 02h 05/20/00 INVALID COMMAND OPERATION CODE`,
			`3x "ATA PASS-THROUGH(16)" status 02h 05/20/00 INVALID COMMAND OPERATION CODE`,
		}},
		{"unit attentions, whatever was asked", func(d *disk, n *Nexus) {
			for _, c := range []CDB{{}, cdb(opRead10, 0, 0, 1)} {
				d.lu.CapacityChanged()
				d.want(d.runOn(n, c, nil, 512), "06/2A/09")
			}
		}, []string{`2x "" status 02h 06/2A/09 CAPACITY DATA HAS CHANGED`}},
		{"conflicts", func(d *disk, n *Nexus) {
			d.want(d.run(CDB{byte(opReserve6)}, nil), "GOOD")
			d.want(d.runOn(n, CDB{}, nil, 0), "status 18h")
		}, []string{
			`1x "TEST UNIT READY" status 18h 00/00/00 NO ADDITIONAL SENSE INFORMATION`,
			"trouble 1: 1",
		}},
		{"a unit without a store", func(d *disk, n *Nexus) {
			d.unit.Detach(sbd.ErrOffline)
			d.want(d.runOn(n, CDB{}, nil, 0), "02/04/03")
		}, []string{"trouble 3: 1", `1x "TEST UNIT READY" status 02h 02/04/03 `}},
		{"what the port finds", func(d *disk, n *Nexus) {
			task := &Task{CDB: cdb(opWrite10, 0, 0, 1), Expected: 512}
			n.Prepare(task)
			n.Abandon(task)
			task.Fail(ProtocolServiceCRCError)
		}, []string{`1x "WRITE(10)" status 02h 0B/47/05 PROTOCOL SERVICE CRC ERROR`}},
		{"a LUN without a unit", func(d *disk, n *Nexus) {
			task := &Task{LUN: LUNOf(9)}
			n.Prepare(task)
			n.Submit(task)
		}, []string{`1x "TEST UNIT READY" status 02h 05/25/00 LOGICAL UNIT NOT SUPPORTED`}},
		{"task management", func(d *disk, n *Nexus) {
			n.Managed(AbortTask, 0, TaskNotThere, time.Second)
			n.Managed(AbortTask, 0, TaskNotThere, time.Minute)
			n.Managed(LogicalUnitReset, 0, FunctionComplete, 0)
		}, []string{"1x LOGICAL UNIT RESET: complete", "2x ABORT TASK: no such task"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := newDisk(t, 512, nil)
			var h Histories
			n := remembered(d, &h)
			d.want(d.runOn(n, CDB{}, nil, 0), "06/29/00")
			tt.play(d, n)
			got := lines(h.Accounts()[0])
			i := slices.IndexFunc(got, func(s string) bool { return strings.Contains(s, "06/29/00") })
			if i < 0 {
				t.Fatalf("POWER ON is missing in %q", got)
			}
			got = slices.Delete(got, i, i+1)
			for i, want := range tt.want {
				if !slices.ContainsFunc(got, func(s string) bool { return strings.HasPrefix(s, want) }) {
					t.Errorf("%d: %q is missing", i, want)
				}
			}
			if tt.name != "token commands are not copies" && len(got) != len(tt.want) {
				t.Errorf("got %s", strings.Join(got, "\n"))
			}
		})
	}
}

// TestHistoryPlaces wants the last time's place, and the unit's counts whoever asked.
func TestHistoryPlaces(t *testing.T) {
	d := newDisk(t, 512, nil)
	var h Histories
	n := remembered(d, &h)
	d.runOn(n, CDB{}, nil, 0)
	d.runOn(n, cdb(opUnmap, 0, 0, 0), nil, 0)
	d.runOn(d.nexuses[0], cdb(opUnmap, 0, 0, 0), nil, 0)
	n.Managed(AbortTask, 0, FunctionComplete, time.Minute)
	a := h.Accounts()[0]
	guid := d.unit.Identity().GUID
	if e, m := a.Events[0], a.Managed[0]; e.Unit != guid || e.LUN != 0 || time.Since(e.Last) > time.Minute ||
		m.Unit != guid || m.Longest != time.Minute || time.Since(m.Last) > time.Minute {
		t.Errorf("event %+v, function %+v", e, m)
	}
	if u := a.Units[guid]; u.Good[Reclaim].Count != 1 || time.Since(u.Good[Reclaim].Last) > time.Minute {
		t.Errorf("UNMAP %+v", u.Good[Reclaim])
	}
	if m := d.lu.PrimitiveMetrics()[Reclaim]; m != (PrimitiveMetrics{Reclaim, 2, 0}) {
		t.Errorf("the unit counts %+v", m)
	}
	if diff := cmp.Diff([]FunctionMetrics{{AbortTask, FunctionComplete, 1}}, h.FunctionMetrics()); diff != "" {
		t.Error(diff)
	}
}

// TestHistoryBounds wants neither initiators nor units nor strange commands to take memory
// without end, and the initiator that left first to be forgotten first.
func TestHistoryBounds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var h Histories
		for i := range maxHistories {
			one := h.Open(fmt.Sprint(i))
			if i == 7 || i == 9 {
				one.Close()
				time.Sleep(time.Second)
			}
		}
		one := h.Open("one more")
		other := h.Open("another")
		if one == nil || other == nil || h.byName["7"] != nil || h.byName["9"] != nil || h.byName["8"] == nil {
			t.Error("those that left are not those that were forgotten")
		}
		if h.Open("too many") != nil {
			t.Error("an initiator that is here was forgotten")
		}
		other.with(sbd.GUID{1})
		other.Close()
		if h.Open("in its place") == nil || h.dealings.Load() != 0 {
			t.Errorf("%d dealings are counted of a forgotten initiator", h.dealings.Load())
		}

		h.dealings.Store(maxDealings - 1)
		last, again, beyond := one.with(sbd.GUID{1}), one.with(sbd.GUID{1}), one.with(sbd.GUID{2})
		if last == nil || again != last || beyond != nil || h.dealings.Load() != maxDealings {
			t.Error("dealings have another bound")
		}
		n := NewNexus(Names{}, nil)
		for op := range 256 {
			for sa := range 32 {
				one.add(&Task{nexus: n, CDB: CDB{byte(op), byte(sa)}, Status: Busy}, time.Now())
			}
		}
		if a := one.account(); len(a.Events) != maxEvents || a.Untraced == 0 {
			t.Errorf("%d events, %d untraced", len(a.Events), a.Untraced)
		}
	})
}

// TestNoHistory wants nobody to stumble over a history that is not kept.
func TestNoHistory(t *testing.T) {
	d := newDisk(t, 512, nil)
	n := d.nexuses[0]
	n.Managed(AbortTask, 0, FunctionComplete, 0)
	d.want(d.run(CDB{0xC7}, nil), "05/20/00")
	d.want(d.run(cdb(opUnmap, 0, 0, 0), nil), "GOOD")
	n.History.Close()
}

func TestSlowCommands(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlay(t, 1<<20)
		const all = keptLast + keptSlowest + 5
		for i := range all {
			p.deliver(p.prepare([]string{"a", fmt.Sprint(i), "read"}))
			synctest.Wait()
			switch {
			case i < keptSlowest+2: // the slowest come first
				time.Sleep(time.Minute + time.Duration(i))
			case i == all-1:
				time.Sleep(DefaultSlow - 1)
			default:
				time.Sleep(DefaultSlow)
			}
			p.store.finish(i)
			synctest.Wait()
		}
		count, kept := p.lu.SlowCommands()
		if count != all-1 || len(kept) != keptLast+keptSlowest {
			t.Fatalf("%d counted, %d kept; want %d and %d", count, len(kept), all-1, keptLast+keptSlowest)
		}
		if !slices.IsSortedFunc(kept, func(a, b SlowCommand) int { return b.Ended.Compare(a.Ended) }) {
			t.Error("not the latest first")
		}
		oldest := kept[len(kept)-1]
		if want := (SlowCommand{CDB: oldest.CDB, Initiator: "a", Ended: oldest.Ended, Took: time.Minute + 2}); oldest != want || oldest.CDB.Opcode() != opRead10 {
			t.Errorf("of the slowest %+v is kept, want %+v", oldest, want)
		}
		p.end()
	})
}

// TestSlowAborted wants a command that was aborted while it waited to be known as slow.
func TestSlowAborted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlay(t, 1<<20)
		for i := range bulkWorkers {
			p.deliver(p.prepare([]string{"a", fmt.Sprint(i), "read"}))
		}
		p.deliver(p.prepare([]string{"b", "100", "read"}))
		p.prepare([]string{"b", "101", "write"}) // whose data do not come: the port's affair
		synctest.Wait()
		time.Sleep(time.Second)
		p.manage("b", "abort-task-set", 0)
		if count, kept := p.lu.SlowCommands(); count != 1 || !kept[0].Aborted || kept[0].Took != time.Second || kept[0].Initiator != "b" {
			t.Errorf("%d slow commands: %+v", count, kept)
		}
		p.deliver(101)
		for _, block := range p.store.running() {
			p.store.finish(block)
		}
		synctest.Wait()
		p.end()
	})
}
