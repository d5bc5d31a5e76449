package peer

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"regexp"
	"strings"
	"time"
)

// A Verdict is how one test of a suite ended.
type Verdict string

const (
	Pass  Verdict = "pass"
	Skip  Verdict = "skip"
	Fail  Verdict = "fail"
	Crash Verdict = "crash" // the suite ended, or hung, inside the test
)

// A Result is one test's verdict. Detail is what the tool printed while it ran.
type Result struct {
	Test    string // "SCSI.Read10.Simple"
	Verdict Verdict
	Detail  string
}

// testLimit is how long a suite may take. SCSI.Sanitize.Reset looks once a minute whether it can go
// on, beside a disk that may be slow; the longest other takes 10 s beside a quick target.
const testLimit = 10 * time.Minute

// Suites lists the suites of the SCSI and iSCSI families of iscsi-test-cu, with the tests of each:
// "SCSI.Read10" and ["Simple", "BeyondEol", …].
func Suites(ctx context.Context) (names []string, tests map[string][]string, err error) {
	out, err := Output(ctx, nil, "iscsi-test-cu", "--list")
	if err != nil {
		return nil, nil, fmt.Errorf("%w\n%s", err, out)
	}
	tests = map[string][]string{}
	for line := range strings.Lines(out) {
		part := strings.Split(strings.TrimSpace(line), ".")
		if part[0] != "SCSI" && part[0] != "iSCSI" {
			continue
		}
		switch len(part) {
		case 2:
			names = append(names, part[0]+"."+part[1])
		case 3:
			suite := part[0] + "." + part[1]
			tests[suite] = append(tests[suite], part[2])
		}
	}
	if len(names) == 0 {
		return nil, nil, errors.New("iscsi-test-cu lists no suite")
	}
	return names, tests, nil
}

// RunSuite runs one suite in a process of its own, writing to the unit, and returns one
// result per test, in the tool's order. Tests that the process did not come to are crashes. The
// options are more of the tool's: options, and URLs of more paths to the unit.
func RunSuite(ctx context.Context, suite string, tests []string, url string, options ...string) ([]Result, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, testLimit, fmt.Errorf("%s took more than %v", suite, testLimit))
	defer cancel()
	args := append([]string{"--dataloss", "--test", suite}, options...)
	out, err := Output(ctx, nil, "iscsi-test-cu", append(args, url)...)
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) && ctx.Err() == nil {
		return nil, err
	}
	found := parseSuite(out)
	var results []Result
	for _, test := range tests {
		r, ok := found[test]
		if !ok {
			r = Result{Verdict: Crash, Detail: fmt.Sprintf("no verdict (%v)\n%s", err, out)}
		}
		r.Test = suite + "." + test
		results = append(results, r)
	}
	if !strings.Contains(out, "Run Summary") && len(results) > 0 {
		if last := &results[len(results)-1]; last.Verdict != Crash {
			last.Verdict, last.Detail = Crash, fmt.Sprintf("the suite did not end (%v)\n%s", err, out)
		}
	}
	return results, nil
}

var (
	testStart = regexp.MustCompile(`(?m)^  Test: (\S+) \.\.\.`)
	verdict   = regexp.MustCompile(`(?m)(?:^|\.\.\.)(passed|FAILED)\b`)
)

// parseSuite reads what iscsi-test-cu printed: a line "  Test: NAME ..." opens a test, then
// come messages, then "passed" or "FAILED" at the start of a line or behind the dots. A
// skipped test says so in a message and then passes; what follows a verdict is the clearing
// up between tests, or suites.
func parseSuite(out string) map[string]Result {
	out, _, _ = strings.Cut(out, "\nRun Summary")
	results := map[string]Result{}
	starts := testStart.FindAllStringSubmatchIndex(out, -1)
	for i, s := range starts {
		end := len(out)
		if i+1 < len(starts) {
			end = starts[i+1][0]
		}
		text := out[s[0]:end]
		r := Result{Verdict: Crash, Detail: strings.TrimSpace(text)}
		if m := verdict.FindStringSubmatchIndex(text); m != nil {
			switch {
			case text[m[2]:m[3]] == "FAILED":
				r.Verdict = Fail
			case strings.Contains(text[:m[2]], "[SKIPPED]"):
				r.Verdict = Skip
			default:
				r.Verdict = Pass
			}
		}
		results[out[s[2]:s[3]]] = r
	}
	return results
}
