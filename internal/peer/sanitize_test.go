//go:build peers

package peer

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// sanitize runs libiscsi's suite of SANITIZE, which ends all data on a unit: each test on a unit that
// is small, but for Reset, which looks for an operation that is under way for some seconds. A test
// that says that CRYPTOGRAPHIC ERASE is not there, and has tried the rest, has passed.
func (r *testRange) sanitize(ctx context.Context, tests []string) ([]Result, error) {
	const noCrypto = "[SKIPPED] SANITIZE CRYPTO_ERASE is not implemented"
	var all []Result
	for _, test := range tests {
		unit := smallUnit
		if test == "Reset" {
			unit = largeUnit
		}
		results, err := RunSuite(ctx, "SCSI.Sanitize."+test, []string{test}, URL(r, unit), "--allow-sanitize")
		if err != nil {
			return nil, err
		}
		result := results[0]
		result.Test = "SCSI.Sanitize." + test
		if result.Verdict == Skip && test != "CryptoErase" && strings.Count(result.Detail, "[SKIPPED]") == strings.Count(result.Detail, noCrypto) {
			result.Verdict = Pass
		}
		all = append(all, result)
	}
	return all, nil
}

// written returns how much can be written durably in d into folder, in bytes: whole MiB, between
// 256 MiB and 16 GiB. It goes by the quickest of some pieces: others who use the disk now may not
// later.
func written(t *testing.T, folder string, d time.Duration) int64 {
	t.Helper()
	f, err := os.Create(filepath.Join(folder, "trial"))
	if err != nil {
		t.Fatal(err)
	}
	defer os.Remove(f.Name())
	defer f.Close()
	const piece = 16 << 20
	n, quickest := int64(0), time.Hour
	for p := make([]byte, piece); n < 8*piece; n += piece {
		begun := time.Now()
		if _, err := f.WriteAt(p, n); err != nil {
			t.Fatal(err)
		}
		if err := f.Sync(); err != nil {
			t.Fatal(err)
		}
		quickest = min(quickest, time.Since(begun))
	}
	n = int64(piece / quickest.Seconds() * d.Seconds())
	return min(max(n>>20, 256), 16<<10) << 20
}
