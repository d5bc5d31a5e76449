package job

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lunarsan/lunar/stream/retain"
)

// TestNeeds has jobs of one volume with rules, schedules and destinations of their own, which are
// down now and then, prune each other's snapshots: one takes what another sends, one prunes by hand,
// one sends replicas on. In the end each destination has every snapshot that was taken since its
// first, and none was ever sent again from the beginning.
func TestNeeds(t *testing.T) {
	for seed := range uint64(12) {
		synctest.Test(t, func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, 9))
			r := newRig(t)
			r.add("", "tank/vm1")
			every := func() []string { return []string{fmt.Sprintf("%d */%d * * *", random.IntN(60), 1+random.IntN(7))} }
			tight := func() retain.Rule { return retain.Rule{Last: 1 + random.IntN(3)} }
			own := Job{Name: "own", Volumes: []Volume{{Source: "tank/vm1"}}, Schedules: every(), Keep: tight(), Prefix: "x"}
			sends := func(name, peer, root string) Job {
				j := own
				j.Name, j.Peer, j.Root, j.Existing, j.Schedules, j.Keep = name, peer, root, true, every(), tight()
				j.Retry = Retry{Times: -1}
				return j
			}
			near, far := sends("near", "", "near"), sends("far", "site", "far")
			near.KeepThere = tight()
			far.Volumes = []Volume{{Source: "lu:tank/vm1"}}
			on := sends("on", "moon", "on")
			on.Volumes = []Volume{{Source: "near/vm1"}}
			// The first runs are well, as what they begin with is not known before.
			taken, runner := []string{}, r.start(own)
			pass(8 * time.Hour)
			for _, j := range []Job{near, far, on} {
				if err := runner.Set(t.Context(), j); err != nil {
					t.Fatal(err)
				}
				if _, err := runner.Run(t.Context(), j.Name, Ask{}); err != nil {
					t.Fatal(err)
				}
				pass(time.Minute)
			}
			first := map[string]string{}
			for _, j := range []Job{far, on} {
				first[j.Name] = r.names(j.Peer, j.Root+"/vm1", "x")[0]
			}
			seen := func() {
				for _, name := range r.names("", "tank/vm1", "x") {
					if !slices.Contains(taken, name) {
						taken = append(taken, name)
					}
				}
			}
			for range 200 {
				for _, peer := range []string{"site", "moon"} {
					switch random.IntN(12) {
					case 0:
						r.setDown(peer, errors.New("down"))
					case 1, 2, 3:
						r.setDown(peer, nil)
					}
				}
				for range 4 {
					pass(15 * time.Minute)
					seen()
				}
				if random.IntN(8) == 0 {
					_, _ = runner.Prune(t.Context(), []string{"own", "near", "far", "on"}[random.IntN(4)], false) // what is down is told
				}
			}
			for _, peer := range []string{"site", "moon"} {
				r.setDown(peer, nil)
			}
			for _, j := range []Job{near, far, on} {
				if _, err := runner.Run(t.Context(), j.Name, Ask{NoTake: true}); err != nil {
					t.Fatal(err)
				}
				pass(time.Second)
				seen()
			}
			for _, j := range []Job{far, on} {
				want := taken[slices.Index(taken, first[j.Name]):]
				r.has(j.Peer, j.Root+"/vm1", "x", want)
			}
			for _, says := range r.failed() {
				if !strings.HasSuffix(says, ": down") {
					t.Error(says)
				}
			}
			if t.Failed() {
				t.Fatalf("seed %d", seed)
			}
		})
	}
}
