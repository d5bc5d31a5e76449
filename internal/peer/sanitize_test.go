//go:build peers

package peer

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestPeerSanitize runs libiscsi's suite of SANITIZE, which ends all data on a unit: each test on a
// unit that is small, but for Reset, which looks for an operation that is under way for some
// seconds. CRYPTOGRAPHIC ERASE is not there.
func TestPeerSanitize(t *testing.T) {
	need(t, "iscsi-test-cu")
	const suite = "SCSI.Sanitize"
	_, tests, err := Suites(t.Context())
	if err != nil || !slices.Contains(tests[suite], "Reset") {
		t.Fatalf("the tests are %v, %v", tests[suite], err)
	}
	for _, block := range []int{512, 4096} {
		dir := t.TempDir()
		lunar, err := StartLunar(t.Context(), dir, build(t), "",
			Unit{Path: filepath.Join(dir, "small"), Size: 64 << 20, BlockSize: block, Thin: true},
			Unit{Path: filepath.Join(dir, "large"), Size: written(t, dir, 4*time.Second), BlockSize: block, Thin: true})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = lunar.Stop() })
		for _, test := range tests[suite] {
			lun := 0
			if test == "Reset" {
				if lun = 1; block != 512 {
					continue // the same again, and it takes its time
				}
			}
			results, err := RunSuite(t.Context(), suite+"."+test, []string{test}, URL(lunar, lun), "--allow-sanitize")
			if err != nil {
				t.Fatal(err)
			}
			r := results[0]
			skipped := strings.Count(r.Detail, "[SKIPPED]") - strings.Count(r.Detail, "[SKIPPED] SANITIZE CRYPTO_ERASE is not implemented")
			if r.Verdict == Fail || r.Verdict == Crash || skipped > 0 || r.Verdict == Skip && !strings.Contains(r.Detail, "CRYPTO_ERASE") {
				t.Errorf("blocks of %d bytes: %s: %s\n%s\n%s", block, test, r.Verdict, r.Detail, tail(lunar.Log(), 10))
			}
		}
	}
}

// written returns how much can be written durably in d into folder, in bytes: whole MiB, between
// 256 MiB and 16 GiB.
func written(t *testing.T, folder string, d time.Duration) int64 {
	t.Helper()
	f, err := os.Create(filepath.Join(folder, "trial"))
	if err != nil {
		t.Fatal(err)
	}
	defer os.Remove(f.Name())
	defer f.Close()
	const piece = 16 << 20
	begun, n := time.Now(), int64(0)
	for p := make([]byte, piece); n < 8*piece; n += piece {
		if _, err := f.WriteAt(p, n); err != nil {
			t.Fatal(err)
		}
		if err := f.Sync(); err != nil {
			t.Fatal(err)
		}
	}
	n = int64(float64(n) / time.Since(begun).Seconds() * d.Seconds())
	return min(max(n>>20, 256), 16<<10) << 20
}
