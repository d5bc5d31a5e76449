package control

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// victimLimit is the variable with the most bytes that a file of the victim may have: more is
// EFBIG to it, as a full disk is ENOSPC.
const victimLimit = "CONTROL_TEST_LIMIT"

// limitFiles makes the victim's disk full.
func limitFiles() {
	limit, err := strconv.ParseUint(os.Getenv(victimLimit), 10, 64)
	if err != nil {
		return
	}
	signal.Ignore(unix.SIGXFSZ)
	if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: limit, Max: limit}); err != nil {
		fmt.Println(err)
	}
}

// TestDiskFull: a change that the disk has no room for is refused, the daemon goes on, and
// nothing that was answered is lost.
func TestDiskFull(t *testing.T) {
	dir := shortDir(t)
	d, err := Open(victimOptions(dir))
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(filepath.Join(dir, "state", boltFile))
	if err != nil {
		t.Fatal(err)
	}
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), victimDir+"="+dir, fmt.Sprintf("%s=%d", victimLimit, info.Size()+16<<10))
	said, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = child.Process.Kill() // SIGKILL
		_ = child.Wait()
	})
	if _, err := io.ReadFull(said, make([]byte, len("ready\n"))); err != nil {
		t.Fatal(err)
	}
	c := NewClient(filepath.Join(dir, "s"))
	made := 0
	for ; made < 2000 && err == nil; made++ {
		_, err = c.CreateMemberGroup(t.Context(), HostGroups, MemberGroupCreate{fmt.Sprintf("%0200d", made)})
	}
	wantProblem(t, err, "cannot save the state", "Nothing was changed", "full")
	want := must(c.MemberGroups(t.Context(), HostGroups))(t)
	if len(want) != made-1 || made == 1 {
		t.Errorf("%d groups after the %dth was refused", len(want), made)
	}
	if _, err := c.Status(t.Context()); err != nil {
		t.Errorf("status with a full disk: %v", err)
	}
	if err := child.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = child.Wait() // it was killed
	if d, err = Open(victimOptions(dir)); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, must(d.MemberGroups(t.Context(), HostGroups))(t)); diff != "" {
		t.Errorf("after it was killed (-answered +kept):\n%s", diff)
	}
	if err := d.Close(); err != nil {
		t.Error(err)
	}
}
