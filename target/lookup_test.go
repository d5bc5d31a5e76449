package target

import (
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/lunarsan/lunar/internal/buffer"
	"github.com/lunarsan/lunar/sbd"
	"github.com/lunarsan/lunar/scsi"
)

// lookup returns what finds the unit of one LUN as a command does, so many times, in a device with
// so many views. The initiator sees a tenth of them, at LUNs from 0 on, and asks for the last.
func lookup(t testing.TB, views int) func(times int) {
	d := newDevice(t)
	must(t, d.AddTarget(Target{Name: disks}))
	must(t, d.AddGroup(OfHosts, "h0"))
	must(t, d.ChangeMembers(OfHosts, "h0", []string{host}, nil))
	pool := buffer.NewPool(1 << 20)
	seen := max(views/10, 1)
	for lun := range seen {
		lu := scsi.NewLogicalUnit(sbd.NewUnit(sbd.Identity{BlockSize: 512}, sbd.Config{}), pool)
		for entry := range min(views, 10) {
			group := fmt.Sprint("h", entry)
			if lun == 0 && entry > 0 {
				must(t, d.AddGroup(OfHosts, group))
			}
			must(t, d.ChangeViews(nil, []View{{Unit: lu, Entry: entry, HostGroup: group, LUN: lun}}))
		}
	}
	n, err := d.Connect(host, isid, disks, 1)
	must(t, err)
	if len(n.seen) != seen {
		t.Fatalf("the initiator sees %d units, want %d", len(n.seen), seen)
	}
	task := scsi.Task{LUN: scsi.LUNOf(seen - 1)} // TEST UNIT READY
	return func(times int) {
		for range times {
			n.Prepare(&task)
			n.Abandon(&task)
		}
	}
}

// TestLookup: to find a unit takes as long with 10,000 views as with 100, and no memory. The times
// are the shortest of many short runs side by side, and a list in place of the index would take
// a hundred times as long.
func TestLookup(t *testing.T) {
	const times = 2000
	few, many := lookup(t, 100), lookup(t, 10_000)
	shortest := [2]time.Duration{math.MaxInt64, math.MaxInt64}
	for range 50 {
		for i, look := range [...]func(int){few, many} {
			begun := time.Now()
			look(times)
			shortest[i] = min(shortest[i], time.Since(begun))
		}
	}
	t.Logf("with 100 views %v, with 10,000 %v", shortest[0]/times, shortest[1]/times)
	if shortest[1] > 2*shortest[0] {
		t.Errorf("with 10,000 views it takes %v, with 100 %v", shortest[1]/times, shortest[0]/times)
	}
	if n := testing.AllocsPerRun(100, func() { many(1) }); n != 0 {
		t.Errorf("a look-up allocates %v times", n)
	}
}

func BenchmarkLookup(b *testing.B) {
	for _, views := range []int{1, 100, 10_000} {
		b.Run(fmt.Sprintf("views=%d", views), func(b *testing.B) {
			look := lookup(b, views)
			b.ReportAllocs()
			b.ResetTimer()
			look(b.N)
		})
	}
}
