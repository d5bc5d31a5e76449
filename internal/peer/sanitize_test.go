//go:build peers

package peer

import (
	"context"
	"strings"
)

// sanitize runs libiscsi's suite of SANITIZE, which ends all data on a unit: each test on a unit that
// is small, but for Reset, which looks for an operation that is under way for some seconds. A test
// that says that CRYPTOGRAPHIC ERASE is not there, and has tried the rest, has passed.
func (r *testRange) sanitize(ctx context.Context, tests []string) ([]Result, error) {
	const noCrypto = "[SKIPPED] SANITIZE CRYPTO_ERASE is not implemented"
	var all []Result
	for _, test := range tests {
		var result Result
		var err error
		if test == "Reset" {
			result, err = r.sanitizeReset(ctx)
		} else {
			result, err = r.sanitizeUnit(ctx, test, smallUnit)
		}
		if err != nil {
			return nil, err
		}
		if result.Verdict == Skip && test != "CryptoErase" && strings.Count(result.Detail, "[SKIPPED]") == strings.Count(result.Detail, noCrypto) {
			result.Verdict = Pass
		}
		all = append(all, result)
	}
	return all, nil
}

func (r *testRange) sanitizeUnit(ctx context.Context, test string, unit int) (Result, error) {
	results, err := RunSuite(ctx, "SCSI.Sanitize."+test, []string{test}, URL(r, unit), "--allow-sanitize")
	if err != nil {
		return Result{}, err
	}
	results[0].Test = "SCSI.Sanitize." + test
	return results[0], nil
}

// sanitizeReset runs Reset, which fails where the operation is over within four seconds, and
// otherwise looks once a minute whether it is. How long a unit that takes depends on a disk that
// others use too, and that may be quick for a while only: the unit is doubled until it does. A
// target that breaks the operation off fails with the longest too.
func (r *testRange) sanitizeReset(ctx context.Context) (Result, error) {
	const longest = 16 << 30
	for size := int64(largeSize); ; size *= 2 {
		result, err := r.sanitizeUnit(ctx, "Reset", largeUnit)
		if err != nil || result.Verdict != Fail || size == longest {
			return result, err
		}
		if err := r.Resize(ctx, largeUnit, 2*size); err != nil {
			return Result{}, err
		}
	}
}
