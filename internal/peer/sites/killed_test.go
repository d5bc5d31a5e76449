//go:build peers && linux

package sites

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// TestPeerKilled kills either site at random points, and has the other, or the next, go on: at no
// moment is a half snapshot to be seen, and in the end all is there.
func TestPeerKilled(t *testing.T) {
	r := newRig(t, 24)
	r.limit = "30M"
	receiver := r.receiver()
	begun := time.Now()
	r.sent(r.sender())
	took, all := time.Since(begun), r.link.carried.Load()
	if n := r.whole(); n != len(r.sums) {
		t.Fatalf("%d snapshots arrived", n)
	}
	var again []float64
	for i := range 20 {
		r.newRoot()
		receiver.kill()
		receiver = r.receiver()
		before := r.link.carried.Load()
		s := r.sender()
		time.Sleep(time.Duration(rand.Int64N(int64(took)))) // the point where it is killed
		seen := 0
		if i%2 == 0 {
			s.kill()
			seen = r.whole()
			s = r.sender()
		} else {
			receiver.kill()
			seen = r.whole()
			receiver = r.receiver()
		}
		r.sent(s)
		if n := r.whole(); n != len(r.sums) || seen > n {
			t.Fatalf("%d snapshots arrived, %d were there", n, seen)
		}
		again = append(again, float64(r.link.carried.Load()-before)/float64(all)-1)
	}
	slices.Sort(again)
	t.Logf("one run takes %v and %d bytes; sent again: half of the times up to %.1f%%, at most %.1f%%", took, all, 100*again[len(again)/2], 100*again[len(again)-1])
}

// TestPeerKilledLate kills either site in a longer run. What is sent again is what was not durable
// at the receiver: two seconds' work, and what was under way, however long the run is.
func TestPeerKilledLate(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes a minute")
	}
	const rate, mib, size = 10_000_000, 1 << 20, 160
	r := newRig(t, size)
	r.limit = "10M"
	receiver := r.receiver()
	for _, kills := range []string{"the sender", "the receiver"} {
		r.newRoot()
		before := r.link.carried.Load()
		s := r.sender()
		time.Sleep(5*time.Second + time.Duration(rand.Int64N(int64(8*time.Second))))
		if kills == "the sender" {
			s.kill()
			s = r.sender()
		} else {
			receiver.kill()
			receiver = r.receiver()
		}
		r.sent(s)
		if n := r.whole(); n != len(r.sums) {
			t.Errorf("%d snapshots arrived", n)
		}
		again := r.link.carried.Load() - before - size*mib*(6*8+8+6)/(6*8)
		t.Logf("%s was killed: %.1f MiB were sent again, %.1f s at that rate", kills, float64(again)/mib, float64(again)/rate)
		if again > 3*rate+16*mib {
			t.Errorf("that is more than was not durable")
		}
	}
}

// TestPeerCut cuts the link 50 times while a volume is sent: the processes stay, and little is sent
// again.
func TestPeerCut(t *testing.T) {
	r := newRig(t, 96)
	r.limit = "80M"
	r.receiver()
	r.sent(r.sender())
	all := r.link.carried.Load()
	r.newRoot()
	for range 50 {
		r.link.at = append(r.link.at, all+rand.Int64N(all*9/10))
	}
	slices.Sort(r.link.at)
	r.sent(r.sender())
	if n := r.whole(); n != len(r.sums) {
		t.Errorf("%d snapshots arrived", n)
	}
	if len(r.link.at) > 0 {
		t.Errorf("%d cuts were not made", len(r.link.at))
	}
	again := float64(r.link.carried.Load()-all)/float64(all) - 1
	t.Logf("%d bytes without cuts, %.1f%% more with 50", all, 100*again)
	if again > 0.05 {
		t.Errorf("%.1f%% were sent again", 100*again)
	}
}
