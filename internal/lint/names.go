package lint

import (
	"go/ast"
	"iter"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// empty are package names that say nothing of what is inside.
var empty = []string{"util", "utils", "common", "helper", "helpers", "manager", "misc", "base", "lib", "types", "shared"}

// packageNames reports packages named after nothing, or not after their folder.
func packageNames(t *Tree) (out []Finding) {
	for _, f := range t.goFiles() {
		name := strings.TrimSuffix(f.AST.Name.Name, "_test")
		folder := f.dir()[strings.LastIndexByte(f.dir(), '/')+1:]
		switch {
		case slices.Contains(empty, name):
			out = append(out, f.at(f.AST.Name.Pos(), "package %s says nothing: name it after what it holds", name))
		case name != folder && name != "main":
			out = append(out, f.at(f.AST.Name.Pos(), "package %s in folder %s", name, folder))
		}
	}
	return out
}

// stutter reports exported names that repeat their package: scsi.SCSITask, target.TargetName.
func stutter(t *Tree) (out []Finding) {
	for _, f := range t.goFiles() {
		if f.isTest() || f.AST.Name.Name == "main" {
			continue
		}
		pkg := f.AST.Name.Name
		for name := range f.topLevel() {
			rest, repeats := cutFold(name.Name, pkg)
			next, _ := utf8.DecodeRuneInString(rest)
			if name.IsExported() && repeats && unicode.IsUpper(next) {
				out = append(out, f.at(name.Pos(), "%s.%s stutters: %s.%s would do", pkg, name.Name, pkg, rest))
			}
		}
	}
	return out
}

// inits reports init functions: what they set up is nobody's, and cannot be done twice.
func inits(t *Tree) (out []Finding) {
	for _, f := range t.goFiles() {
		for _, d := range f.AST.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil && fn.Name.Name == "init" {
				out = append(out, f.at(fn.Pos(), "an init function: let who needs it ask for it"))
			}
		}
	}
	return out
}

// topLevel yields the names that the file declares for its package, with their declarations;
// methods are not among them.
func (f *File) topLevel() iter.Seq2[*ast.Ident, ast.Decl] {
	return func(yield func(*ast.Ident, ast.Decl) bool) {
		for _, d := range f.AST.Decls {
			for _, name := range declared(d) {
				if !yield(name, d) {
					return
				}
			}
		}
	}
}

func declared(d ast.Decl) (names []*ast.Ident) {
	switch d := d.(type) {
	case *ast.FuncDecl:
		if d.Recv == nil {
			names = append(names, d.Name)
		}
	case *ast.GenDecl:
		for _, spec := range d.Specs {
			switch spec := spec.(type) {
			case *ast.TypeSpec:
				names = append(names, spec.Name)
			case *ast.ValueSpec:
				names = append(names, spec.Names...)
			}
		}
	}
	return names
}

// cutFold is strings.CutPrefix without regard to case.
func cutFold(s, prefix string) (string, bool) {
	if len(s) < len(prefix) || !strings.EqualFold(s[:len(prefix)], prefix) {
		return s, false
	}
	return s[len(prefix):], true
}
