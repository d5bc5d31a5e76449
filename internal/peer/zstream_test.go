//go:build peers

package peer

import (
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// TestPeerZstream holds the speed of stream verify to that of zstream dump, which checks the
// checksums and nothing else, on the same stream in the same run. Both take their best of some
// runs in turn; the bound leaves room for a machine that others use.
func TestPeerZstream(t *testing.T) {
	need(t, "zstream")
	lunar, dir := build(t), t.TempDir()
	image := filepath.Join(dir, "image")
	randomImage(t, image, min(*imageSize, 512<<20))
	for _, block := range []string{"16K", "128K"} {
		t.Run(block, func(t *testing.T) {
			stream := filepath.Join(dir, block+".zs")
			took(t, lunar, "stream", "generate", "--from", image, "--chain", stream+".lunar", "--block-size", block, "-o", stream)
			ours, theirs := time.Hour, time.Hour
			for range 5 {
				theirs = min(theirs, took(t, "zstream", "dump", stream))
				ours = min(ours, took(t, lunar, "stream", "verify", stream))
			}
			ratio := theirs.Seconds() / ours.Seconds()
			t.Logf("stream verify has %.2f times the speed of zstream dump", ratio)
			if ratio < 0.5 {
				t.Errorf("stream verify takes %v, zstream dump %v", ours, theirs)
			}
		})
	}
}

// took runs a program that has to succeed, and returns how long it took.
func took(t *testing.T, name string, args ...string) time.Duration {
	t.Helper()
	begun := time.Now()
	if out, err := exec.CommandContext(t.Context(), name, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", name, err, out[:min(len(out), 2000)])
	}
	return time.Since(begun)
}
