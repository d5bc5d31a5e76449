package lint

import (
	"go/ast"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// mayImport draws the arrows: a package, and which of ours it may import. A package below
// another follows the nearest entry above it. "*" stands for every package but the commands.
var mayImport = map[string][]string{
	"cmd": {"internal/control", "vmfs", "vmfs/backup", "vmfs/undelete", "sbd/layer",
		"stream", "stream/churn", "stream/dmu", "stream/image", "stream/job", "stream/retain", "stream/shelf", "stream/wire", "stream/zfs", "stream/zpl"},
	"internal/control":    {"*"},
	"target/iscsi":        {"target", "scsi", "sbd", "internal/buffer"},
	"target/isns":         {},
	"target/radius":       {},
	"target":              {"scsi", "sbd", "internal/buffer"},
	"scsi":                {"sbd", "internal/buffer"},
	"sbd":                 {},
	"sbd/layer":           {"sbd"},
	"sbd/storetest":       {"sbd"},
	"stream":              {"stream/dmu"},
	"stream/dmu":          {},
	"stream/dmu/dmutest":  {"stream/dmu"},
	"stream/churn":        {"stream", "stream/dmu", "vmfs"},
	"stream/image":        {"stream/dmu", "sbd", "sbd/layer"},
	"stream/job":          {"stream", "stream/dmu", "stream/retain"},
	"stream/retain":       {},
	"stream/shelf":        {"stream", "stream/dmu", "stream/image", "sbd", "sbd/layer"},
	"stream/streamtest":   {"stream", "stream/dmu"},
	"stream/wire":         {"stream", "stream/dmu"},
	"stream/zfs":          {"stream", "stream/dmu"},
	"stream/zpl":          {"stream/dmu"},
	"vmfs":                {},
	"vmfs/backup":         {"vmfs"},
	"vmfs/vmfstest":       {},
	"vmfs/undelete":       {"vmfs"},
	"bench":               {"internal/peer", "target/iscsi", "scsi"},
	"internal/peer":       {"target/iscsi"},
	"internal/peer/sites": {"internal/peer", "stream", "stream/shelf", "sbd", "sbd/layer"},
	"internal/peer/zvol":  {"stream", "stream/shelf", "stream/zfs", "sbd"},
	"internal/buffer":     {},
	"internal/comstar":    {"sbd"},
	"internal/lint":       {},
}

// testsMayImport is what tests of any package may import beside that.
var testsMayImport = []string{"sbd/storetest", "stream/dmu/dmutest", "stream/streamtest", "stream/wire", "vmfs/vmfstest"}

// onlyIn are the modules of others, and the packages that may use them.
var onlyIn = map[string][]string{
	"github.com/spf13/cobra":              {"cmd"},
	"github.com/spf13/pflag":              {"cmd"},
	"github.com/prometheus/client_golang": {"internal/control"},
	"go.etcd.io/bbolt":                    {"internal/control"},
	"go.yaml.in/yaml/v4":                  {"internal/control"},
	"github.com/klauspost/compress":       {"stream/dmu", "stream/wire", "vmfs/backup", "cmd"},
	"github.com/pierrec/lz4":              {"stream/dmu", "stream/wire", "cmd"},
	"github.com/cespare/xxhash":           {"stream/wire"},
	"golang.org/x/crypto":                 {"target"},
	"golang.org/x/sys":                    {"stream/dmu", "stream/image", "stream/zfs", "stream/shelf", "stream/zpl", "sbd", "target", "internal/control", "vmfs/backup", "cmd", "bench"},
	"golang.org/x/term":                   {"cmd"},
	"github.com/google/go-cmp":            {}, // tests alone
}

// notIn are the parts of the standard library that a package does without: what it must
// not know (sockets, files), or not do (print on its own).
var notIn = map[string][]string{
	"scsi":        {"net", "os", "log", "unsafe"},
	"sbd":         {"net", "log"},
	"target":      {"log", "unsafe"},
	"stream/dmu":  {"net", "os", "log", "unsafe"},
	"vmfs":        {"net", "os", "log", "unsafe"},
	"vmfs/backup": {"net", "log", "unsafe"},
}

// owner finds the entry of a table at or above a package; "" when there is none.
func owner(table map[string][]string, pkg string) string {
	for pkg != "" {
		if _, ok := table[pkg]; ok {
			return pkg
		}
		pkg = pkg[:max(0, strings.LastIndexByte(pkg, '/'))]
	}
	return ""
}

// arrows reports imports that point the wrong way, and packages nobody drew arrows for.
func arrows(t *Tree) (out []Finding) {
	for _, f := range t.goFiles() {
		from := owner(mayImport, f.dir())
		if from == "" {
			out = append(out, Finding{f.Path, 0, "package " + f.dir() + " has no arrows: draw them in internal/lint/arrows.go"})
			continue
		}
		for path, spec := range f.imports() {
			path, ours := strings.CutPrefix(path, t.Module+"/")
			to := owner(mayImport, path)
			switch {
			case !ours, to == from:
			case slices.Contains(mayImport[from], to):
			case slices.Contains(mayImport[from], "*") && to != "cmd":
			case f.isTest() && slices.Contains(testsMayImport, to):
			default:
				out = append(out, f.at(spec.Pos(), "%s may not import %s", f.dir(), path))
			}
		}
	}
	return out
}

// foreign reports modules of others, and parts of the standard library, where they have no
// business. Test files are free of it.
func foreign(t *Tree) (out []Finding) {
	for _, f := range t.goFiles() {
		if f.isTest() {
			continue
		}
		for path, spec := range f.imports() {
			module := owner(onlyIn, path)
			host, _, _ := strings.Cut(path, "/")
			switch {
			case strings.HasPrefix(path, t.Module+"/"):
			case module != "" && !slices.ContainsFunc(onlyIn[module], func(p string) bool { return f.within(p) }):
				out = append(out, f.at(spec.Pos(), "%s may not import %s", f.dir(), path))
			case module == "" && strings.Contains(host, "."):
				known := slices.Sorted(maps.Keys(onlyIn))
				out = append(out, f.at(spec.Pos(), "%s is not among the agreed modules: %s", path, strings.Join(known, ", ")))
			case slices.Contains(notIn[owner(notIn, f.dir())], path):
				out = append(out, f.at(spec.Pos(), "%s does without %s", f.dir(), path))
			}
		}
	}
	return out
}

// imports yields the file's imports by path.
func (f *File) imports() map[string]*ast.ImportSpec {
	out := make(map[string]*ast.ImportSpec, len(f.AST.Imports))
	for _, spec := range f.AST.Imports {
		if path, err := strconv.Unquote(spec.Path.Value); err == nil {
			out[path] = spec
		}
	}
	return out
}

// within reports whether the file is in pkg or below it.
func (f *File) within(pkg string) bool {
	return f.dir() == pkg || strings.HasPrefix(f.dir(), pkg+"/")
}
