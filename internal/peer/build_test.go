//go:build peers || e2e

package peer

import (
	"os"
	"path/filepath"
	"sync"
	"testing"
)

// binary builds the daemon of this checkout, once, into a folder that TestMain removes.
var binary = sync.OnceValues(func() (string, error) {
	root, err := Checkout()
	if err != nil {
		return "", err
	}
	return Build(root, binaryDir)
})

var binaryDir string

func TestMain(m *testing.M) {
	status := 1
	if dir, err := os.MkdirTemp("", "lunar-peers-"); err != nil {
		os.Stderr.WriteString(err.Error() + "\n")
	} else {
		binaryDir = dir
		status = m.Run()
		_ = os.RemoveAll(dir)
	}
	os.Exit(status)
}

func build(t *testing.T) string {
	t.Helper()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// need skips a test, visibly, where programs are missing.
func need(t *testing.T, programs ...string) {
	t.Helper()
	if err := Find(programs...); err != nil {
		t.Skip(err)
	}
}

// What both sides prove themselves with.
const (
	secret       = "initiator-secret-1"
	targetUser   = "lunar"
	targetSecret = "target-secret-0002"
)

func secretFile(t *testing.T, secret string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(name, []byte(secret), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}
