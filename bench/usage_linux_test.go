package bench

import (
	"os"
	"testing"
	"time"
)

func TestStatTime(t *testing.T) {
	for stat, want := range map[string]time.Duration{
		"7 (tgtd) S 1 7 7 0 -1 4194304 500 0 0 0 150 50 3 4 20 0 1 0\n": 2 * time.Second,
		"7 (a) b (c) S 1 7 7 0 -1 4194304 500 0 0 0 1 2 3 4 20 0 1 0\n": 30 * time.Millisecond,
		"7 (cut) S 1": 0,
		"":            0,
	} {
		if got := statTime([]byte(stat)); got != want {
			t.Errorf("%q: %v, want %v", stat, got, want)
		}
	}
}

func TestSchedTime(t *testing.T) {
	for text, want := range map[string]time.Duration{"123456789 55 9\n": 123456789, "0 0 0\n": 0, "": 0} {
		if got := schedTime([]byte(text)); got != want {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
}

func TestStatusMemory(t *testing.T) {
	for status, want := range map[string][2]int64{
		"Name:\ttgtd\nVmPeak:\t  9000 kB\nVmHWM:\t    4352 kB\nVmRSS:\t 4000 kB\n": {4352 << 10, 4000 << 10},
		"VmHWM:\n": {},
		"":         {},
	} {
		if got := [2]int64{statusMemory([]byte(status), "VmHWM:"), statusMemory([]byte(status), "VmRSS:")}; got != want {
			t.Errorf("%q: %v, want %v", status, got, want)
		}
	}
}

// Our own process uses memory, and processors once it works.
func TestUsage(t *testing.T) {
	pid := os.Getpid()
	if peak(pid) == 0 {
		t.Error("no memory")
	}
	before := processorTime(pid)
	for deadline := time.Now().Add(10 * time.Second); processorTime(pid) == before; {
		if time.Now().After(deadline) {
			t.Fatal("no processor time in ten seconds of work")
		}
	}
}
