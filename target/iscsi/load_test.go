package iscsi_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/lunarsan/lunar/sbd"
	"github.com/lunarsan/lunar/scsi"
	"github.com/lunarsan/lunar/target/iscsi"
	"github.com/lunarsan/lunar/target/iscsi/initiator"
)

// counts is a Load without its times.
type counts struct {
	Traffic   iscsi.Traffic
	Latencies uint64
}

func countsOf(l iscsi.Load) counts { return counts{l.Traffic, l.Latency.Count()} }

// TestLoads reads and writes for a while, slowly, and rests: the lifetime keeps all of it, and the
// last seconds only what was in them.
func TestLoads(t *testing.T) {
	inBubble(t, setup{blocks: true, wce: true}, func(t *testing.T, r *rig) {
		c := r.login(initiator.Options{})
		id := r.server.Sessions()[0].ID
		greeting := r.server.Loads()[id].Total // what the login of this rig asks
		for i := range 4 {
			hold := make(chan struct{})
			r.store.Add(sbd.Rule{Calls: sbd.CallWriteAt, Times: 1, Hold: hold})
			time.AfterFunc(time.Second/2, func() { close(hold) })
			if err := c.Do(&initiator.Command{CDB: write10(i, 1), Out: pattern(512, 1)}); err != nil {
				t.Fatal(err)
			}
		}
		readBack(t, c, 0, pattern(512, 1))

		l := r.server.Loads()[id]
		want := counts{iscsi.Traffic{Commands: 5, Reads: 1, Writes: 4, ReadBytes: 512, WriteBytes: 2048}, 5}
		want.Traffic.Commands += greeting.Commands
		want.Latencies += greeting.Latency.Count()
		if got := countsOf(l.Total); got != want || l.Total.Took != 2*time.Second || l.Idle != 0 {
			t.Errorf("in all %+v in %v, idle %v, want %+v in 2s", got, l.Total.Took, l.Idle, want)
		}
		if got := countsOf(l.Recent); got != want || l.Recent.Over != l.Total.Over || l.Recent.Took != 2*time.Second {
			t.Errorf("of late %+v over %v, want %+v over %v", got, l.Recent.Over, want, l.Total.Over)
		}
		if p := l.Recent.Latency.Quantile(0.5); scsi.LatencyBucket(p) != scsi.LatencyBucket(time.Second/2) {
			t.Errorf("half of it took %v", p)
		}

		time.Sleep(11 * time.Second)
		c.Ping(nil) // is not a command
		l = r.server.Loads()[id]
		if got := countsOf(l.Total); got != want {
			t.Errorf("later it is %+v in all, want %+v", got, want)
		}
		if got := countsOf(l.Recent); got != (counts{}) || l.Recent.Over < 5*time.Second || l.Recent.Over > 10*time.Second {
			t.Errorf("of late %+v over %v", got, l.Recent.Over)
		}
		if l.Idle < 10*time.Second || l.Idle > 12*time.Second {
			t.Errorf("idle for %v", l.Idle)
		}
	})
}

// TestInitiators: what an initiator has done stays with its name when its sessions go.
func TestInitiators(t *testing.T) {
	transports(t, setup{}, func(t *testing.T, r *rig) {
		const other = "iqn.2026-01.org.example:other"
		for round := range int64(3) {
			a, b := r.login(initiator.Options{}), r.login(initiator.Options{Name: other})
			roundTrip(t, a, 0, pattern(4096, 1))
			both := r.server.Initiators()
			if len(both) != 2 || both[0].Initiator != rigInitiator || both[1].Initiator != other {
				t.Fatalf("the initiators are %+v", both)
			}
			if i := both[0]; i.Sessions != 1 || i.ReadBytes != 4096*(round+1) || i.WriteBytes != 4096*(round+1) || int64(i.Latency.Count()) != i.Commands {
				t.Errorf("round %d: %d sessions, %+v, %d latencies", round, i.Sessions, i.Traffic, i.Latency.Count())
			}
			if i := both[1]; i.Sessions != 1 || i.ReadBytes != 0 {
				t.Errorf("round %d: the other has %d sessions, %+v", round, i.Sessions, i.Traffic)
			}
			r.logout(a)
			r.logout(b)
			eventually(t, "the sessions' end", func() bool { return len(r.server.Sessions()) == 0 })
		}
		if i := r.server.Initiators()[0]; i.Sessions != 0 || i.ReadBytes != 3*4096 {
			t.Errorf("in the end there are %d sessions, %+v", i.Sessions, i.Traffic)
		}
	})
}

// TestManyInitiators: the number of names that are told apart has a bound, what they do counts.
func TestManyInitiators(t *testing.T) {
	r := newRig(t, setup{pipe: true})
	const many = 300
	for i := range many {
		c := r.login(initiator.Options{Name: fmt.Sprintf("iqn.2026-01.org.example:host%d", i)})
		readBack(t, c, 0, make([]byte, 512))
		r.logout(c)
		eventually(t, "the session's end", func() bool { return len(r.server.Sessions()) == 0 })
	}
	all := r.server.Initiators()
	var bytes int64
	for _, i := range all {
		bytes += i.ReadBytes
	}
	if len(all) != 257 || bytes != many*512 || all[0].Initiator != "" || all[0].ReadBytes != (many-256)*512 {
		t.Errorf("%d initiators read %d bytes, %q of them %d", len(all), bytes, all[0].Initiator, all[0].ReadBytes)
	}
}
