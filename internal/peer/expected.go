package peer

import (
	"bytes"
	"fmt"
	"os"
	"path"
	"strings"
)

// Expected are the verdicts that a suite has to end with, by test.
type Expected map[string]Verdict

// ReadExpected reads a file of lines "pass SCSI.Read10.Simple"; a # opens a comment.
func ReadExpected(name string) (Expected, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	e := Expected{}
	for line := range strings.Lines(string(text)) {
		line, _, _ = strings.Cut(line, "#")
		verdict, test, ok := strings.Cut(strings.TrimSpace(line), " ")
		switch {
		case strings.TrimSpace(line) == "":
		case ok && (verdict == string(Pass) || verdict == string(Skip)):
			e[test] = Verdict(verdict)
		default:
			return nil, fmt.Errorf("%s: %q is neither \"pass TEST\" nor \"skip TEST\"", name, strings.TrimSpace(line))
		}
	}
	if len(e) == 0 {
		return nil, fmt.Errorf("%s expects nothing", name)
	}
	return e, nil
}

// Judge says what is wrong with a result; "" when it is as expected. Failures and crashes
// are never expected.
func (e Expected) Judge(r Result) string {
	want, known := e[r.Test]
	switch {
	case r.Verdict == Fail || r.Verdict == Crash:
		return fmt.Sprintf("%s: %s\n%s", r.Test, r.Verdict, r.Detail)
	case !known:
		return fmt.Sprintf("%s: %s, and nothing expected of it", r.Test, r.Verdict)
	case r.Verdict != want:
		return fmt.Sprintf("%s: %s, expected %s\n%s", r.Test, r.Verdict, want, r.Detail)
	}
	return ""
}

// Absent lists what was expected and did not run.
func (e Expected) Absent(results []Result) (tests []string) {
	ran := map[string]bool{}
	for _, r := range results {
		ran[r.Test] = true
	}
	for test := range e {
		if !ran[test] {
			tests = append(tests, test)
		}
	}
	return tests
}

// WriteExpected writes the verdicts of results for ReadExpected, below the comment head, and why
// tests skip beside them.
func WriteExpected(name, head string, results []Result, excuses []Excuse) error {
	var b bytes.Buffer
	b.WriteString(head)
	for _, r := range results {
		fmt.Fprintf(&b, "%s %s", r.Verdict, r.Test)
		if reason, ok := Excused(r.Test, excuses); ok && r.Verdict == Skip {
			fmt.Fprintf(&b, " # %s", reason)
		}
		b.WriteByte('\n')
	}
	return os.WriteFile(name, b.Bytes(), 0o644)
}

// An Excuse is why tests may skip: those that match the pattern themselves, "SCSI.StartStopUnit.Simple",
// or by their suite, "SCSI.Prin*".
type Excuse struct {
	Pattern, Reason string
}

// Excused returns the reason for which a test may skip.
func Excused(test string, excuses []Excuse) (reason string, ok bool) {
	suite := test[:strings.LastIndexByte(test, '.')]
	for _, e := range excuses {
		for _, name := range []string{suite, test} {
			// A star must not reach across the dot between suite and test.
			if strings.Count(e.Pattern, ".") != strings.Count(name, ".") {
				continue
			}
			if ok, err := path.Match(e.Pattern, name); ok && err == nil {
				return e.Reason, true
			}
		}
	}
	return "", false
}
