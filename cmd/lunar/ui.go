package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/lunarsan/lunar/internal/control"
)

// The rules of what verbs print: results go to stdout, complaints and questions to stderr. A
// complaint is one line that says what is wrong and one that says what to do. Colours are for
// terminals alone, and not where NO_COLOR is set.

// complain prints err, or each of several.
func (c *cli) complain(err error) {
	var several failures
	if errors.As(err, &several) {
		for _, err := range several {
			c.complain(err)
		}
		return
	}
	fmt.Fprintf(c.stderr, "%s: %s\n", c.as, strings.ReplaceAll(err.Error(), "\n", "; "))
	if hint := hintOf(err); hint != "" {
		fmt.Fprintf(c.stderr, "%*s%s\n", len(c.as)+2, "", hintUnder(c.as, hint))
	}
}

// failures are what went wrong with some of several things.
type failures []error

func (f failures) Error() string   { return errors.Join(f...).Error() }
func (f failures) Unwrap() []error { return f }

// each does do to all names, those that come after a failure too.
func each(names []string, do func(name string) error) error {
	var failed failures
	for _, name := range names {
		if err := do(name); err != nil {
			failed = append(failed, err)
		}
	}
	if len(failed) == 0 {
		return nil
	}
	return failed
}

// hintOf is the way out of err, or nothing.
func hintOf(err error) string {
	var usage *usageError
	var problem *control.Problem
	switch {
	case errors.As(err, &usage):
		return usage.hint
	case errors.As(err, &problem):
		return problem.Hint
	}
	return ""
}

// printf prints a result.
func (c *cli) printf(format string, args ...any) { fmt.Fprintf(c.stdout, format, args...) }

// An output is how a verb prints its result: as text, or as JSON where --json asks for it.
type output struct{ json bool }

func (o *output) flag(cmd *cobra.Command) *cobra.Command {
	cmd.Flags().BoolVar(&o.json, "json", false, "print JSON")
	return cmd
}

// print prints v as JSON, or calls text.
func (c *cli) print(o *output, v any, text func()) error {
	if !o.json {
		text()
		return nil
	}
	e := json.NewEncoder(c.stdout)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

// table prints rows in columns, the first row being the titles.
func (c *cli) table(rows [][]string) {
	var widths []int
	for _, row := range rows {
		for i, cell := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], len([]rune(cell)))
		}
	}
	colours := c.colours()
	for _, row := range rows {
		var line strings.Builder
		for i, cell := range row {
			padded := cell
			if i < len(row)-1 {
				padded += strings.Repeat(" ", widths[i]-len([]rune(cell))+2)
			}
			if colour := stateColours[cell]; colours && colour != "" {
				padded = strings.Replace(padded, cell, colour+cell+"\x1b[0m", 1)
			}
			line.WriteString(padded)
		}
		c.printf("%s\n", strings.TrimRight(line.String(), " "))
	}
}

// stateColours are how states look on a terminal: green, yellow, red.
var stateColours = map[string]string{
	control.UnitOnline:      "\x1b[32m",
	control.PortalListening: "\x1b[32m",
	control.UnitOffline:     "\x1b[33m",
	control.PortalWaiting:   "\x1b[33m",
	control.UnitFailed:      "\x1b[31m",
	control.UnitRetired:     "\x1b[33m",
}

func (c *cli) colours() bool {
	return c.getenv("NO_COLOR") == "" && c.getenv("TERM") != "dumb" && isTerminal(c.stdout)
}

func isTerminal(f any) bool {
	file, ok := f.(*os.File)
	if !ok {
		return false
	}
	info, err := file.Stat()
	if err != nil || info.Mode()&os.ModeCharDevice == 0 {
		return false
	}
	null, err := os.Stat(os.DevNull)
	return err == nil && !os.SameFile(info, null)
}

// confirm asks a question that only a person at a terminal may answer.
func (c *cli) confirm(question string) bool {
	if !isTerminal(c.stdin) {
		return false
	}
	fmt.Fprintf(c.stderr, "%s [y/N] ", question)
	answer, err := bufio.NewReader(c.stdin).ReadString('\n')
	answer = strings.ToLower(strings.TrimSpace(answer))
	return err == nil && (answer == "y" || answer == "yes")
}

// secret reads a CHAP secret from a file, or from stdin for "-"; a line end behind it is not
// part of it. It never comes from the command line, which everybody on the machine can see.
func (c *cli) secret(path string) (control.Secret, error) {
	return c.secretUpTo(path, control.MaxSecret)
}

// secretUpTo is secret, of so many bytes at most; what is longer is returned with a byte too many.
func (c *cli) secretUpTo(path string, most int64) (control.Secret, error) {
	if path == "" {
		return nil, nil
	}
	in := c.stdin
	if path != "-" {
		f, err := os.Open(path)
		if err != nil {
			return nil, &control.Problem{Title: fmt.Sprintf("cannot read the secret: %v", err), Hint: "Name a file that holds nothing but the secret, or - for standard input."}
		}
		defer func() { _ = f.Close() }() // it was only read
		in = f
	}
	// One byte more than allowed, and a line end, show that it is too long.
	read, err := io.ReadAll(io.LimitReader(in, most+3))
	if err != nil {
		return nil, fmt.Errorf("reading the secret from %s: %w", path, err)
	}
	secret := strings.TrimSuffix(strings.TrimSuffix(string(read), "\n"), "\r")
	if secret == "" {
		return nil, &control.Problem{Title: fmt.Sprintf("there is no secret in %s", path), Hint: "Name a file that holds nothing but the secret, or - for standard input."}
	}
	return control.Secret(secret), nil
}

// age writes how long ago t was.
func age(t time.Time) string { return about(time.Since(t)) }

// about writes a length of time in the units that matter.
func about(d time.Duration) string {
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%ds", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%dm%ds", int(d.Minutes()), int(d.Seconds())%60)
	case d < 48*time.Hour:
		return fmt.Sprintf("%dh%dm", int(d.Hours()), int(d.Minutes())%60)
	}
	return fmt.Sprintf("%dd", int(d.Hours())/24)
}

// or returns s, or instead when it is empty.
func or(s, instead string) string {
	if s == "" {
		return instead
	}
	return s
}

// plural counts things of a noun that takes an s.
func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// warn says on stderr what should be known of something that was done.
func (c *cli) warn(format string, args ...any) { fmt.Fprintf(c.stderr, format+"\n", args...) }
