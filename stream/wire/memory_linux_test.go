//go:build !race

package wire

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"testing"
)

// mostMemory is what either side may take with four streams at once (KiB); 256 MiB were promised.
const mostMemory = 192 << 10

// TestPeerMemory has four streams go at once between two processes of 16 processors, each by a link of
// its own.
func TestPeerMemory(t *testing.T) {
	folder := t.TempDir()
	sink, source := exec.Command(os.Args[0]), exec.Command(os.Args[0])
	sink.Env = append(os.Environ(), "GOMAXPROCS=16")
	address, end := startSink(t, sink, folder, "")
	source.Env = append(sink.Environ(), standIn+"=source", sourceStreams+"=4 1 50331648 zstd-3", sinkAddress+"="+address)
	source.Stderr = os.Stderr
	sent, err := source.Output()
	if err != nil {
		t.Fatal(err)
	}
	received, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", sink.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	end()
	for what, status := range map[string][]byte{"sender": sent, "receiver": received} {
		_, peak, _ := bytes.Cut(status, []byte("VmHWM:")) // what the kernel counts for a parent has that of its own beginning in it
		var n int
		if _, err := fmt.Sscan(string(peak), &n); err != nil || n > mostMemory {
			t.Errorf("the %s has taken %d KiB, %v", what, n, err)
		} else {
			t.Logf("the %s has taken %d MiB", what, n>>10)
		}
	}
}
