package control

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// startFull starts a daemon that may not make any file longer, and returns what it says first.
func startFull(t *testing.T, dir string, limit int64) string {
	t.Helper()
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), victimDir+"="+dir, fmt.Sprintf("%s=%d", victimLimit, limit))
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = child.Process.Kill() // SIGKILL; it may be dead already
		_ = child.Wait()
	})
	said := make([]byte, 1024)
	n, err := out.Read(said)
	if err != nil && err != io.EOF {
		t.Fatal(err)
	}
	return string(said[:n])
}

// TestStartOnFullDisk: a daemon whose disk takes no byte more comes up with what it has; one that
// has nothing yet says what is wrong, and leaves nothing behind that is in the way later.
func TestStartOnFullDisk(t *testing.T) {
	dir := shortDir(t)
	if said := startFull(t, dir, 0); !strings.Contains(said, "cannot make the state") || !strings.Contains(said, "too large") {
		t.Errorf("without a state: %q", said)
	}
	if _, err := os.Stat(filepath.Join(dir, "state", boltFile)); !os.IsNotExist(err) {
		t.Errorf("a state that could not be made is there: %v", err)
	}
	d, err := Open(victimOptions(dir))
	if err != nil {
		t.Fatal(err)
	}
	must(d.CreateUnit(t.Context(), UnitCreate{Path: filepath.Join(dir, "a"), Size: 1 << 20, GUID: guidA}))(t)
	must(d.CreateTarget(t.Context(), TargetCreate{Name: iqnA}))(t)
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	if said := startFull(t, dir, 0); said != "ready\n" {
		t.Fatalf("with a state: %q", said)
	}
	r := &rig{t: t, Client: NewClient(filepath.Join(dir, "s"))}
	ready(t, r.host(1), 0)
	if s := must(r.Status(t.Context()))(t); len(s.Units) != 1 || s.Units[0].State != UnitOnline || s.Sessions != 1 {
		t.Errorf("status %+v", s)
	}
}
