package lint

import "go/format"

// formatted reports Go files that gofmt would change.
func formatted(t *Tree) (out []Finding) {
	for _, f := range t.Files {
		if f.AST == nil {
			continue
		}
		if want, err := format.Source([]byte(f.Text)); err != nil || string(want) != f.Text {
			out = append(out, Finding{f.Path, 0, "not formatted: run gofmt -w " + f.Path})
		}
	}
	return out
}
