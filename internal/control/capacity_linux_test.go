package control

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/lunarsan/lunar/scsi"
)

// TestPoolFills fills a file system of 8 MiB from one of its two thin units: the warning comes
// first, to every nexus and once, then 07/27/07 for what needs space, while what has its space,
// the other unit's metadata too, and what is no unit can still be written. It passes when space is
// given back.
func TestPoolFills(t *testing.T) {
	dir := t.TempDir()
	if err := unix.Mount("none", dir, "tmpfs", 0, fmt.Sprintf("size=%d", 8<<20)); err != nil {
		t.Skipf("a file system cannot be mounted here: %v", err)
	}
	t.Cleanup(func() { _ = unix.Unmount(dir, unix.MNT_DETACH) })
	c := new(clock)
	r := start(t, func(o *Options) { o.wait, o.Reserve = c.wait, 1<<20 })
	for i, guid := range []string{guidA, guidB} {
		r.createUnit(UnitCreate{Path: filepath.Join(dir, fmt.Sprint(i)), GUID: guid, Size: 64 << 20, Thin: true, WriteCache: i == 0})
	}
	t.Cleanup(r.end) // before the file system goes
	writer, watcher, other := newLocal(t, r, "writer", guidA), newLocal(t, r, "watcher", guidA), newLocal(t, r, "other", guidB)
	if s := other.write(0, 1); s != scsi.NoSense { // its metadata
		t.Fatal(s)
	}
	expect := func(h *local, want scsi.Sense, what string) {
		t.Helper()
		if got := h.ready(); got != want {
			t.Errorf("%s: %v, want %v", what, got, want)
		}
	}
	alarms := func() string { return strings.Join(must(r.Status(t.Context()))(t).Alarms, "\n") }

	if s := writer.write(0, 4); s != scsi.NoSense {
		t.Fatal(s)
	}
	c.tick()
	expect(watcher, scsi.NoSense, "five of eight MiB are taken")
	if a := alarms(); a != "" {
		t.Errorf("alarms %q", a)
	}

	if s := writer.write(4, 2); s != scsi.NoSense {
		t.Fatal(s)
	}
	c.until(t, "the alarm", func() bool { return strings.Contains(alarms(), dir+" is 87% full") })
	for name, h := range map[string]*local{"the one who writes": writer, "another nexus": watcher, "another unit": other} {
		expect(h, scsi.SoftThresholdReached, name+" is warned")
		expect(h, scsi.NoSense, name+" is warned once")
	}

	// Another byte may fill it to the reserve; from then on only what has its space is written.
	if err := os.WriteFile(filepath.Join(dir, "not a unit"), make([]byte, 4096), 0o600); err != nil {
		t.Fatal(err)
	}
	c.until(t, "the pool to count as full", func() bool { return strings.Contains(alarms(), "full but for its reserve") })
	if s := writer.write(6, 1); s != scsi.SpaceAllocationFailed {
		t.Errorf("a write that needs space: %v", s)
	}
	if s := writer.write(0, 6); s != scsi.NoSense {
		t.Errorf("a write that has its space: %v", s)
	}
	if s := other.write(0, 1); s != scsi.NoSense {
		t.Errorf("the other unit's metadata: %v", s)
	}
	if s := other.write(1, 1); s != scsi.SpaceAllocationFailed {
		t.Errorf("the other unit's growth: %v", s)
	}
	if err := os.WriteFile(filepath.Join(dir, "state"), make([]byte, 512<<10), 0o600); err != nil {
		t.Errorf("the reserve is not there for others: %v", err)
	}

	if s := writer.unmap(0, 6); s != scsi.NoSense {
		t.Errorf("UNMAP in a full pool: %v", s)
	}
	c.until(t, "the end of the alarm", func() bool { return alarms() == "" })
	if s := writer.write(6, 1); s != scsi.NoSense {
		t.Errorf("a write when there is space again: %v", s)
	}
	expect(watcher, scsi.NoSense, "the end of the alarm is not told")

	// Over the threshold again: armed again.
	if s := writer.write(7, 4); s != scsi.NoSense {
		t.Fatal(s)
	}
	c.until(t, "the second alarm", func() bool { return alarms() != "" })
	expect(watcher, scsi.SoftThresholdReached, "the second time")
}
