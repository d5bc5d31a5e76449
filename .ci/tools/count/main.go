// Count reads the events of go test -json, prints what failed, what was left out and a line a
// package, and adds "passed failed skipped" as a line to a file. Its exit status is 1 when a
// test failed or none ran.
//
// usage: go test -json ./... | count FILE
package main

import (
	"bufio"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: go test -json ./... | count FILE")
		os.Exit(2)
	}
	t, err := read(os.Stdin, os.Stdout)
	if err == nil {
		err = add(os.Args[1], t)
	}
	if err == nil && t.passed+t.failed+t.skipped == 0 {
		err = errors.New("no test ran")
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "count:", err)
	}
	if err != nil || t.failed > 0 {
		os.Exit(1)
	}
}

func add(name string, t totals) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o644)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(f, t.passed, t.failed, t.skipped)
	return errors.Join(err, f.Close())
}

// totals count tests that have no subtests; one that has counts only when it failed though
// all of its subtests passed. A package that does not build, or dies, is one failure.
type totals struct{ passed, failed, skipped int }

// event is a line of go test -json (go doc test2json).
type event struct {
	Action     string
	Package    string
	ImportPath string // instead of Package where building fails
	Test       string
	Output     string
	Elapsed    float64
}

// run is one package: its tests' verdicts, and what they printed until those.
type run struct {
	verdict map[string]string
	output  map[string]*strings.Builder
}

func read(r io.Reader, w io.Writer) (t totals, err error) {
	runs := map[string]*run{}
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var e event
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			fmt.Fprintln(w, lines.Text()) // a message of the go command itself
			continue
		}
		pkg := cmp.Or(e.Package, e.ImportPath)
		p := runs[pkg]
		if p == nil {
			p = &run{map[string]string{}, map[string]*strings.Builder{}}
			runs[pkg] = p
		}
		switch e.Action {
		case "output", "build-output":
			if p.output[e.Test] == nil {
				p.output[e.Test] = &strings.Builder{}
			}
			p.output[e.Test].WriteString(e.Output)
		case "pass", "fail", "skip":
			if e.Test != "" {
				p.verdict[e.Test] = e.Action
				p.report(w, e)
				continue
			}
			n := p.count(e.Action)
			t.passed, t.failed, t.skipped = t.passed+n.passed, t.failed+n.failed, t.skipped+n.skipped
			if e.Action == "fail" {
				p.print(w, "")
			}
			if n != (totals{}) {
				fmt.Fprintf(w, "%s %s: %d passed, %d failed, %d skipped in %.1f s\n", e.Action, e.Package, n.passed, n.failed, n.skipped, e.Elapsed)
			}
			delete(runs, pkg)
		case "build-fail":
			p.print(w, "")
		}
	}
	return t, lines.Err()
}

// report prints a failed test with its output, and why a test was left out.
func (p *run) report(w io.Writer, e event) {
	switch e.Action {
	case "fail":
		fmt.Fprintf(w, "FAIL %s %s\n", e.Package, e.Test)
		p.print(w, e.Test)
	case "skip":
		fmt.Fprintf(w, "skip %s %s: %s\n", e.Package, e.Test, p.reason(e.Test))
	}
	delete(p.output, e.Test)
}

func (p *run) print(w io.Writer, test string) {
	if out := p.output[test]; out != nil {
		fmt.Fprint(w, out.String())
	}
}

// reason is the last thing that a skipped test said.
func (p *run) reason(test string) string {
	out := p.output[test]
	if out == nil {
		return "no reason given"
	}
	var said []string
	for line := range strings.Lines(out.String()) {
		line = strings.TrimSpace(line)
		if line != "" && !strings.HasPrefix(line, "=== ") && !strings.HasPrefix(line, "--- ") {
			said = append(said, line)
		}
	}
	if len(said) == 0 {
		return "no reason given"
	}
	return said[len(said)-1]
}

func (p *run) count(action string) (t totals) {
	parents := map[string]bool{}
	failedBelow := map[string]bool{}
	for test, verdict := range p.verdict {
		for i := strings.LastIndexByte(test, '/'); i >= 0; i = strings.LastIndexByte(test[:i], '/') {
			parents[test[:i]] = true
			failedBelow[test[:i]] = failedBelow[test[:i]] || verdict == "fail"
		}
	}
	for test, verdict := range p.verdict {
		switch {
		case verdict == "fail" && !failedBelow[test]:
			t.failed++
		case parents[test]:
		case verdict == "pass":
			t.passed++
		case verdict == "skip":
			t.skipped++
		}
	}
	if action == "fail" && t.failed == 0 {
		t.failed++
	}
	return t
}
