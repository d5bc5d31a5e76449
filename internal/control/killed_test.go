package control

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lunarsan/lunar/scsi"
)

// victimDir is the variable that makes the test binary a daemon with its state in a folder.
const victimDir = "CONTROL_TEST_VICTIM"

// victimOptions are of that daemon.
func victimOptions(dir string) Options {
	return Options{
		StateDir: filepath.Join(dir, "state"), Socket: filepath.Join(dir, "s"),
		Listen: []netip.AddrPort{netip.MustParseAddrPort("127.0.0.1:0")},
		Memory: 16 << 20, Version: "test", Log: slog.New(slog.DiscardHandler),
	}
}

// victim serves until it is killed.
func victim(dir string) int {
	limitFiles()
	opts := victimOptions(dir)
	opts.Ready = func() { fmt.Println("ready") }
	d, err := Open(opts)
	if err == nil {
		err = d.Run(context.Background())
	}
	fmt.Println(err)
	return 1
}

// TestReservationsKilled: a daemon that is killed right after it has answered has saved what it
// was to keep.
func TestReservationsKilled(t *testing.T) {
	dir := shortDir(t)
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), victimDir+"="+dir)
	said, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	killed := func() {
		_ = child.Process.Kill() // SIGKILL; it may be dead already
		_ = child.Wait()
	}
	t.Cleanup(killed)
	if _, err := io.ReadFull(said, make([]byte, len("ready\n"))); err != nil {
		t.Fatal(err)
	}
	r := &rig{t: t, Client: NewClient(filepath.Join(dir, "s"))}
	must(r.CreateUnit(t.Context(), UnitCreate{Path: filepath.Join(dir, "a"), Size: 1 << 20, GUID: guidA}))(t)
	must(r.CreateTarget(t.Context(), TargetCreate{Name: iqnA}))(t)
	a := r.host(1)
	ready(t, a, 0)
	wantGood(t, persistentOut(t, a, outRegister, 0, 0xA1, aptpl))
	before := must(r.Unit(t.Context(), guidA))(t)
	wantGood(t, persistentOut(t, a, outReserve, 0xA1, 0, 0))
	killed()

	d, err := Open(victimOptions(dir))
	if err != nil {
		t.Fatal(err)
	}
	after := must(d.Unit(t.Context(), guidA))(t)
	want := before.Reservations
	want.Type, want.Holder = scsi.WriteExclusiveRegistrantsOnly.String(), hostPort(1)
	if diff := cmp.Diff(want, after.Reservations); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if err := d.Close(); err != nil {
		t.Error(err)
	}
}
