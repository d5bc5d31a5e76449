//go:build peers && linux

package sites

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// mostAgain is how much may be sent again after either side was killed, as a part of all.
const mostAgain = 0.05

// TestPeerKilled kills either site at random points of a run of a second or two, and has the other,
// or the next, go on: at no moment is a half snapshot to be seen, in the end all is there, and
// little was sent again.
func TestPeerKilled(t *testing.T) {
	r := newRig(t, 320)
	r.limit = "4G"
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
		r.begun(before)
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
	most := again[len(again)-1]
	t.Logf("one run takes %v and %d bytes; sent again: half of the times up to %.1f%%, at most %.1f%%", took, all, 100*again[len(again)/2], 100*most)
	if most > mostAgain {
		t.Errorf("that is too much: %.3f", again)
	}
}

// TestPeerKilledLate kills either site in a longer run. However long it is, no more is sent again
// than was under way.
func TestPeerKilledLate(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes a minute")
	}
	const mib, size = 1 << 20, 160
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
		const all = size * mib * (6*8 + 8 + 6) / (6 * 8) // and what is around it
		again := r.link.carried.Load() - before - all
		t.Logf("%s was killed: %.1f MiB were sent again", kills, float64(again)/mib)
		if float64(again) > mostAgain*all {
			t.Errorf("that is too much")
		}
	}
}

// begun waits until a sender has begun.
func (r *rig) begun(before int64) {
	for end := time.Now().Add(20 * time.Second); r.link.carried.Load() == before; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			r.t.Fatal("nothing is sent")
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
