package control

import (
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/lunarsan/lunar/scsi"
)

// A local is an initiator without a network: it sees one unit as LUN 0.
type local struct {
	t     *testing.T
	nexus *scsi.Nexus
}

func (r *rig) local(name, guid string) *local {
	r.t.Helper()
	h := &local{r.t, scsi.NewNexus(scsi.Names{Initiator: name}, r.d.pool)}
	h.nexus.SetInventory(map[int]*scsi.LogicalUnit{0: r.d.units[mustGUID(r.t, guid)].lu})
	r.t.Cleanup(func() {
		drained := make(chan struct{})
		h.nexus.Close(func() { close(drained) })
		<-drained
	})
	h.do(scsi.CDB{}, nil) // takes the unit attention
	return h
}

// do executes c and returns its sense data; none: it is GOOD.
func (h *local) do(c scsi.CDB, out []byte) scsi.Sense {
	done := make(chan struct{})
	t := &scsi.Task{CDB: c, Expected: int64(len(out)), Out: out, Done: func(*scsi.Task) { close(done) }}
	h.nexus.Prepare(t)
	if !h.nexus.Submit(t) {
		<-done
	}
	s := t.Sense.Sense()
	t.Release()
	return s
}

// write writes n MiB of something at mib, by WRITE(10) of 1 MiB each, and returns how the first
// that failed did.
func (h *local) write(mib, n int) scsi.Sense {
	data := make([]byte, 1<<20)
	data[0] = 1
	for i := range n {
		c := scsi.CDB{0: 0x2A, 7: 0x08}
		binary.BigEndian.PutUint32(c[2:], uint32(mib+i)*2048)
		if s := h.do(c, data); s != scsi.NoSense {
			return s
		}
	}
	return scsi.NoSense
}

// unmap gives n MiB at mib back.
func (h *local) unmap(mib, n int) scsi.Sense {
	p := make([]byte, 24)
	binary.BigEndian.PutUint16(p[2:], 16)
	binary.BigEndian.PutUint64(p[8:], uint64(mib)*2048)
	binary.BigEndian.PutUint32(p[16:], uint32(n)*2048)
	return h.do(scsi.CDB{0: 0x42, 8: 24}, p)
}

func (h *local) ready() scsi.Sense { return h.do(scsi.CDB{}, nil) }

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
	writer, watcher, other := r.local("writer", guidA), r.local("watcher", guidA), r.local("other", guidB)
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
