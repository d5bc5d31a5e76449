package bench

import (
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
		{InProcess, Mixed, 64 << 10, 8, 2, 0, true},
		{InProcess, Read, 4 << 10, 4, 1, 3, false},
	}}
	report, err := Run(t.Context(), c, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	for i := range report.Rows {
		row := &report.Rows[i]
		s := row.Samples[0][0]
		t.Logf("%s: %+v", row.Load, s)
		if s.IOPS == 0 || s.Mean <= 0 || s.P50 == 0 || s.P50 > s.P99 || s.P99 > s.P999 || s.Mean > 10*time.Second {
			t.Errorf("%s: %+v", row.Load, s)
		}
	}
}
