//go:build e2e

package peer

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// TestGuestVolumes runs the tests of package zvol with OpenZFS, as an account that may do what
// zfs allow has granted and nothing else.
func TestGuestVolumes(t *testing.T) {
	g, out := guestOf(t, "build-zfs"), t.TempDir()
	build := exec.CommandContext(t.Context(), "go", "test", "-c", "-tags", "e2e", "-o", filepath.Join(out, "volumes.test"), "./zvol")
	build.Env = append(os.Environ(), "CGO_ENABLED=0") // the guest has other libraries
	if text, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	if err := packXFS(filepath.Join(out, "xfs.tar.gz")); err != nil {
		t.Log(err, "- so files are left out")
	}
	results, err := g.Run(t.Context(), out, "volumes.sh", nil, nil)
	report(t, results, err)
}

// TestGuestSend sends from one dataset to another with the program, and kills it.
func TestGuestSend(t *testing.T) {
	g, out := guestOf(t, "build-zfs"), t.TempDir()
	build := exec.CommandContext(t.Context(), "go", "build", "-o", filepath.Join(out, "lunar"), "../../cmd/lunar")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if text, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	results, err := g.Run(t.Context(), out, "send.sh", nil, nil)
	report(t, results, err)
}

// packXFS makes an empty file system: the guest has what mounts it, and not what makes it.
func packXFS(name string) error {
	dir := filepath.Dir(name)
	script := fmt.Sprintf("cd %q && truncate -s 300M xfs && mkfs.xfs -q xfs && tar -cSzf %q xfs", dir, name)
	text, err := exec.Command("sh", "-c", script).CombinedOutput()
	_ = os.Remove(filepath.Join(dir, "xfs"))
	if err != nil {
		_ = os.Remove(name)
		return fmt.Errorf("making an xfs: %w: %s", err, text)
	}
	return nil
}
