//go:build peers

package peer

import (
	"flag"
	"fmt"
	"net"
	"path/filepath"
	"regexp"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/lunarsan/lunar/target/iscsi/initiator"
)

var loginTime = flag.Duration("logins", 10*time.Second, "how long 200 initiators log in at once, again and again")

// TestPeerLogins has 200 initiators of one host log in at once, again and again; half of them
// log out, half just go. None is refused, and the daemon has as many files and goroutines after
// the second half as after the first, and about as much in its heap.
func TestPeerLogins(t *testing.T) {
	dir := t.TempDir()
	lunar, err := StartLunar(t.Context(), dir, build(t), "", Unit{Path: filepath.Join(dir, "unit"), Size: 1 << 20, Thin: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := lunar.Stop(); err != nil {
			t.Error(err)
		}
	})
	logins := logIn(t, lunar, *loginTime/2)
	first := settled(t, lunar)
	logins += logIn(t, lunar, *loginTime/2)
	second := settled(t, lunar)
	t.Logf("%d logins, %.0f a second; after the first half %v, after the second %v",
		logins, float64(logins)/loginTime.Seconds(), first, second)
	const fewRequests = 4 // of the API, which are about to end
	if second.files > first.files+fewRequests || second.goroutines > first.goroutines+fewRequests || second.heap > first.heap+4<<20 {
		t.Error("something stays of logins")
	}
}

// logIn returns how many logins succeeded; the test has failed if one did not.
func logIn(t *testing.T, lunar *Lunar, d time.Duration) int64 {
	t.Helper()
	var logins atomic.Int64
	end := time.Now().Add(d)
	var all sync.WaitGroup
	for i := range 200 {
		all.Go(func() {
			for time.Now().Before(end) && !t.Failed() {
				nc, err := net.Dial("tcp", lunar.Portal())
				if err != nil {
					t.Error(err)
					return
				}
				c, err := initiator.Dial(nc, initiator.Options{Name: "iqn.2026-11.org.example:many", Target: iqn, ISID: [6]byte{0x80, 5: byte(i)}})
				if err != nil {
					t.Error(err)
					return
				}
				if i%2 == 0 {
					if err := c.Logout(); err != nil {
						t.Error(err)
					}
				}
				c.Close()
				logins.Add(1)
			}
		})
	}
	all.Wait()
	return logins.Load()
}

// holdings are what a daemon has of the system.
type holdings struct {
	files, goroutines int64
	heap, resident    int64 // bytes
}

func (h holdings) String() string {
	return fmt.Sprintf("%d files, %d goroutines, %d KiB of heap, %d MiB resident", h.files, h.goroutines, h.heap>>10, h.resident>>20)
}

// settled returns what the daemon has once its last connection is gone.
func settled(t *testing.T, lunar *Lunar) holdings {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		for range 3 { // collections of garbage: what is in a sync.Pool survives one
			if _, err := lunar.Get(t.Context(), "/debug/pprof/heap?gc=1"); err != nil {
				t.Fatal(err)
			}
		}
		metrics, err := lunar.Get(t.Context(), "/metrics")
		if err != nil {
			t.Fatal(err)
		}
		value := func(name string) int64 {
			m := regexp.MustCompile(`(?m)^` + name + ` (\S+)$`).FindSubmatch(metrics)
			if m == nil {
				t.Fatalf("no metric %s", name)
			}
			n, err := strconv.ParseFloat(string(m[1]), 64)
			if err != nil {
				t.Fatal(err)
			}
			return int64(n)
		}
		if value("lunar_iscsi_connections") == 0 {
			return holdings{value("process_open_fds"), value("go_goroutines"), value("go_memstats_heap_alloc_bytes"), value("process_resident_memory_bytes")}
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d connections are left", value("lunar_iscsi_connections"))
		}
	}
}
