package bench

import (
	"errors"
	"io"
	"testing"
	"time"

	"github.com/lunarsan/lunar/internal/peer"
)

// TestRun measures lunar alone with our own initiator, which needs nothing installed.
func TestRun(t *testing.T) {
	root, err := peer.Checkout()
	if err != nil {
		t.Fatal(err)
	}
	c := Default(root)
	c.Folder, c.Size, c.Rounds, c.Only = t.TempDir(), 64<<20, 1, []string{"-"}
	c.Set = Set{Loads: []Load{
		made(InProcess, Mixed, 64<<10, 8).sessions(2).digests(BothDigests),
		made(InProcess, Read, 4<<10, 4).units(3),
	}}
	report := run(t, c)
	for i := range report.Rows {
		row := &report.Rows[i]
		s := row.Samples[0][0]
		t.Logf("%s: %+v", row.Load, s)
		if s.IOPS == 0 || s.Mean <= 0 || s.P50 == 0 || s.P50 > s.P99 || s.P99 > s.P999 || s.Mean > 10*time.Second {
			t.Errorf("%s: %+v", row.Load, s)
		}
	}
}

// TestRunConditions measures lunar under each kind of condition, for as short as can be.
func TestRunConditions(t *testing.T) {
	root, err := peer.Checkout()
	if err != nil {
		t.Fatal(err)
	}
	c := Default(root)
	c.Folder, c.Disk, c.Size, c.Rounds, c.Only = t.TempDir(), t.TempDir(), 64<<20, 1, []string{"-"}
	if inMemory(c.Disk) || errors.Is(forget(""), errors.ErrUnsupported) {
		t.Skip("no disk here, or no way to have a cold file")
	}
	calm := made(InProcess, Read, 4<<10, 1).on(Scratch)
	c.Set = Set{Loads: []Load{
		made(InProcess, Read, 4<<10, 4).on(Cold),
		made(InProcess, Write, 4<<10, 4).on(Durable),
		calm.with(Unmaps, Beside),
		calm.with(WriteSames, Apart),
		calm.with(Copies, Beside),
		made(InProcess, CompareAndWrite, 512, 1).on(Scratch).with(LargeWrites, Beside),
		calm.with(Stall, Beside),
		made(InProcess, Ping, 0, 1).on(Scratch).with(SmallReads, Inside),
		made(InProcess, Ping, 0, 1).on(Scratch).with(LargeReads, Beside),
		thousand().sessions(20),
	}}
	report := run(t, c)
	for i := range report.Rows {
		row := &report.Rows[i]
		s := row.Samples[0][0]
		t.Logf("%s: %+v", row.Load, s)
		if row.Load.Pattern == Idle {
			if s.Session <= 0 || s.Peak <= 0 || s.IOPS != 0 {
				t.Errorf("%s: %+v", row.Load, s)
			}
			continue
		}
		if s.IOPS == 0 || s.P50 == 0 || s.P50 > s.P99 || s.P99 > s.Max || (s.CPU != 0) != (row.Load.Storm == Calm) {
			t.Errorf("%s: %+v", row.Load, s)
		}
	}
	if len(report.Notes) > 0 {
		t.Errorf("notes: %q", report.Notes)
	}
}

func run(t *testing.T, c Config) *Report {
	t.Helper()
	report, err := Run(t.Context(), c, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	return report
}
