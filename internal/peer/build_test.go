//go:build peers || e2e

package peer

import (
	"os"
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
