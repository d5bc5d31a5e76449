package lint

import (
	"bytes"
	"cmp"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"iter"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// A Tree is the text of a checkout, by slash-separated path from its root.
type Tree struct {
	Module string // the module's path
	Files  []*File
}

// A File is one text file. AST is nil unless it is Go.
type File struct {
	Path string
	Text string
	AST  *ast.File
	fset *token.FileSet
}

// A Finding is one breach of a rule.
type Finding struct {
	Path string
	Line int // 0: the file as a whole
	Text string
}

func (f Finding) String() string { return fmt.Sprintf("%s:%d: %s", f.Path, f.Line, f.Text) }

// Checks are all the rules, by name.
var Checks = []struct {
	Name string
	Run  func(*Tree) []Finding
}{
	{"arrows", arrows},
	{"foreign", foreign},
	{"size", size},
	{"format", formatted},
	{"packages", packageNames},
	{"stutter", stutter},
	{"init", inits},
	{"citations", citations},
	{"words", words},
	{"paths", paths},
	{"mentions", mentions},
}

// skipped are the folders that are not the project's text: what is built, and corpora that
// the fuzzer writes.
var skipped = []string{".git", "bin", "out", "fuzz"}

// Load reads the checkout at root.
func Load(root string) (*Tree, error) {
	texts := map[string]string{}
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if name != root && slices.Contains(skipped, d.Name()) {
				return filepath.SkipDir
			}
			return nil
		}
		if !d.Type().IsRegular() || d.Name() == ".git" { // a file in a linked worktree
			return nil
		}
		data, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, name)
		if err != nil {
			return err
		}
		if !bytes.Contains(data, []byte{0}) {
			texts[filepath.ToSlash(rel)] = string(data)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return New(texts)
}

// New makes a tree of texts by path. Go files that do not parse are an error.
func New(texts map[string]string) (*Tree, error) {
	t := &Tree{Module: "github.com/lunarsan/lunar"}
	for name, text := range texts {
		f := &File{Path: name, Text: text, fset: token.NewFileSet()}
		if path.Ext(name) == ".go" {
			var err error
			if f.AST, err = parser.ParseFile(f.fset, name, text, parser.ParseComments|parser.SkipObjectResolution); err != nil {
				return nil, err
			}
		}
		t.Files = append(t.Files, f)
	}
	slices.SortFunc(t.Files, func(a, b *File) int { return cmp.Compare(a.Path, b.Path) })
	return t, nil
}

// goFiles are the Go files of the module itself; those in a module of their own, such as the
// tools, are not.
func (t *Tree) goFiles() []*File {
	var modules []string // the folders of the others
	for _, f := range t.Files {
		if path.Base(f.Path) == "go.mod" && f.dir() != "." {
			modules = append(modules, f.dir())
		}
	}
	var out []*File
	for _, f := range t.Files {
		if f.AST != nil && !slices.ContainsFunc(modules, f.within) {
			out = append(out, f)
		}
	}
	return out
}

// A line is one line of a file, counted from 1.
type line struct {
	file *File
	n    int
	text string
}

// lines yields the lines of every file but this package's own, which spell out what they
// forbid.
func (t *Tree) lines() iter.Seq[line] {
	return func(yield func(line) bool) {
		for _, f := range t.Files {
			if f.within("internal/lint") {
				continue
			}
			n := 0
			for text := range strings.Lines(f.Text) {
				if n++; !yield(line{f, n, text}) {
					return
				}
			}
		}
	}
}

func (l line) finding(form string, args ...any) Finding {
	return Finding{l.file.Path, l.n, fmt.Sprintf(form, args...)}
}

func (f *File) dir() string     { return path.Dir(f.Path) }
func (f *File) isTest() bool    { return strings.HasSuffix(f.Path, "_test.go") }
func (f *File) generated() bool { return f.AST != nil && ast.IsGenerated(f.AST) }

// at makes a finding at a place in a Go file.
func (f *File) at(pos token.Pos, form string, args ...any) Finding {
	return Finding{f.Path, f.fset.Position(pos).Line, fmt.Sprintf(form, args...)}
}
