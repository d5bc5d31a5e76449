package main

import (
	"strings"
	"testing"
)

func TestPage(t *testing.T) {
	c := &cli{world: world{getenv: func(string) string { return "" }}}
	cmd, _, err := c.root().Find([]string{"target"})
	if err != nil {
		t.Fatal(err)
	}
	got := page(cmd)
	for _, want := range []string{
		".TH LUNAR\\-TARGET 1 \"\" \"lunar ",
		".SH NAME\nlunar\\-target \\- targets: what initiators log in to\n",
		".SH SEE ALSO\n.BR lunar (1),\n.BR lunar\\-target\\-create (1),\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is missing in\n%s", want, got)
		}
	}
}

func TestRoff(t *testing.T) {
	for in, want := range map[string]string{
		"plain":            "plain",
		"--json":           `\-\-json`,
		`a\b`:              `a\eb`,
		".TH\n'x\nnot . x": "\\&.TH\n\\&'x\nnot . x",
	} {
		if got := roff(in); got != want {
			t.Errorf("%q is %q, want %q", in, got, want)
		}
	}
}
