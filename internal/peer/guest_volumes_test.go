//go:build e2e

package peer

import (
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
	results, err := g.Run(t.Context(), out, "volumes.sh", nil, nil)
	report(t, results, err)
}

// TestGuestSend sends from one dataset to another with the program, and kills it.
func TestGuestSend(t *testing.T) {
	g, out := guestOf(t, "build-zfs"), t.TempDir()
	buildForGuest(t, out)
	results, err := g.Run(t.Context(), out, "send.sh", nil, nil)
	report(t, results, err)
}

// TestGuestRecovery has two daemons with zvols: their jobs, DR tests, failovers and failbacks, and
// what is left when either is killed.
func TestGuestRecovery(t *testing.T) {
	g, out := guestOf(t, "build-zfs"), t.TempDir()
	buildForGuest(t, out)
	results, err := g.Run(t.Context(), out, "recovery.sh", nil, nil)
	report(t, results, err)
}

// buildForGuest builds the program, which has no libraries in common with the guest.
func buildForGuest(t *testing.T, out string) {
	t.Helper()
	build := exec.CommandContext(t.Context(), "go", "build", "-o", filepath.Join(out, "lunar"), "../../cmd/lunar")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if text, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
}
