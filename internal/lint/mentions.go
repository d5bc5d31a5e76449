package lint

import (
	"fmt"
	"go/ast"
	"path"
	"regexp"
	"strings"
)

var (
	// place matches a path of two parts at least, or a Go file.
	place = regexp.MustCompile(`[\w.-]+(?:/[\w.-]+)+|[\w-]+\.go\b`)
	// testFunc matches the name of a test, with its package if that is said.
	testFunc = regexp.MustCompile(`(?:\b(\w+)\.)?\b((?:Test|Fuzz|Benchmark)[A-Z0-9]\w*)`)
	// link matches the target of a link to a file of the tree.
	link = regexp.MustCompile(`\[[^\]]*\]\(([^)#:]+)\)`)
)

// mentions reports what the pages of prose name and the tree does not have: files, folders
// and tests. A path is one of the tree when its first part is; a Go file always.
func mentions(t *Tree) (out []Finding) {
	there := map[string]bool{}
	tests := map[string]bool{}
	for _, f := range t.Files {
		for name := f.Path; name != "."; name = path.Dir(name) {
			there[name] = true
		}
		if f.AST == nil || !f.isTest() {
			continue
		}
		for name, d := range f.topLevel() {
			if _, ok := d.(*ast.FuncDecl); ok {
				tests[name.Name] = true
				tests[strings.TrimSuffix(f.AST.Name.Name, "_test")+"."+name.Name] = true
			}
		}
	}
	for l := range t.lines() {
		if path.Ext(l.file.Path) != ".md" {
			continue
		}
		for _, text := range missing(l, there, tests) {
			out = append(out, l.finding("there is no %s", text))
		}
	}
	return out
}

// missing returns what one line names and is not there.
func missing(l line, there, tests map[string]bool) (names []string) {
	rest := l.text
	for _, m := range link.FindAllStringSubmatch(l.text, -1) {
		if !there[path.Join(l.file.dir(), m[1])] {
			names = append(names, m[1])
		}
		rest = strings.ReplaceAll(rest, m[0], "") // relative to the page
	}
	for _, at := range place.FindAllStringIndex(rest, -1) {
		if at[0] > 0 && rest[at[0]-1] == '/' {
			continue // from the root of some machine
		}
		name := strings.TrimRight(rest[at[0]:at[1]], ".")
		first, _, _ := strings.Cut(name, "/")
		if (there[first] || path.Ext(name) == ".go") && !there[name] {
			names = append(names, name)
		}
	}
	for _, m := range testFunc.FindAllStringSubmatch(rest, -1) {
		if name := m[2]; m[1] != "" && !tests[m[1]+"."+name] {
			names = append(names, fmt.Sprintf("test %s in package %s", name, m[1]))
		} else if !tests[name] {
			names = append(names, "test "+name)
		}
	}
	return names
}
