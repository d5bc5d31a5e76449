package zpl

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/lunarsan/lunar/stream/dmu"
)

// extracted is a directory with what the streams had, as lines, and what was said.
func extract(t testing.TB, dir string, o Options, streams ...[]byte) (sum Summary, problems []string, err error) {
	t.Helper()
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	o.Problem = func(path string, err error) { problems = append(problems, fmt.Sprintf("%s: %v", path, err)) }
	e, err := New(root, o)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if closed := e.Close(); closed != nil {
			t.Error(closed)
		}
		if _, stat := os.Stat(filepath.Join(dir, ".lunar-extract")); !errors.Is(stat, fs.ErrNotExist) {
			t.Errorf("the stage is left: %v", stat)
		}
	}()
	for _, stream := range streams {
		if err := e.Add(context.Background(), bytes.NewReader(stream)); err != nil {
			return sum, problems, err
		}
	}
	sum, err = e.Write(context.Background())
	return sum, problems, err
}

// tree lists what is in a directory: path, mode, and content or target.
func tree(t testing.TB, dir string) (lines []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || path == dir {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		line := strings.TrimPrefix(path, dir) + " " + info.Mode().String()
		switch {
		case info.Mode().IsRegular():
			p, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			line += fmt.Sprintf(" %d %.8q", info.ModTime().Unix()-sampleTime, p)
		case info.Mode()&fs.ModeSymlink != 0:
			target, err := os.Readlink(path)
			if err != nil {
				return err
			}
			line += " -> " + target
		default:
			line += fmt.Sprintf(" %d", info.ModTime().Unix()-sampleTime)
		}
		lines = append(lines, line)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return lines
}

// smallFS has one of each: a file of two names, an empty one, a sparse one, links, a pipe, a
// device, directories, extended attributes of both kinds.
func smallFS(t testing.TB, order binary.ByteOrder, spoil func([]byte)) []byte {
	s := newSample(t, order, 0, 1)
	if spoil != nil {
		s.spoil = spoil
	}
	s.skeleton()
	const dt = 8 << 60 // the type, which is in the mode too
	s.directory(sampleRoot, 0o755,
		named{"one", 40 | dt}, named{"empty", 41}, named{"sparse", 42}, named{"link", 43},
		named{"pipe", 44}, named{"device", 45}, named{"dir", 46}, named{"marked", 48})
	s.file(40, meta{mode: 0o644, links: 2}, "hello")
	s.file(41, meta{mode: 0o600, links: 1}, "")
	s.file(42, meta{mode: 0o640, links: 1, size: 1 << 20}, "").write(42, 512<<10, []byte("middle"))
	s.object(43, 19, 512, s.bonus(meta{mode: modeSymlink | 0o777, size: 11, links: 1, symlink: "/etc/passwd"}), false)
	s.object(44, 19, 512, s.bonus(meta{mode: modeFIFO | 0o600, links: 1}), false)
	s.object(45, 19, 512, s.bonus(meta{mode: 0o020600, links: 1}), false)
	s.directory(46, 0o555, named{"two", 40 | dt}, named{"inner", 47})
	s.directory(47, 0o1777)
	s.object(48, 19, 512, s.bonus(meta{mode: modeRegular | 0o4755, size: 4, links: 1, xattr: 49}), true)
	s.write(48, 0, []byte("mark")).spillBlock(48, s.xattrSpill(map[string]string{"user.colour": "red", "plain": "x", "security.capability": "all"}))
	s.object(49, typeDirectory, 512, s.bonus(meta{mode: modeDir | 0o755, links: 2}), false).write(49, 0, s.microZAP(named{"user.shape", 50}))
	s.file(50, meta{mode: 0o644, links: 1}, "round")
	return s.bytes()
}

var smallTree = []string{
	"/dir dr-xr-xr-x 0",
	"/dir/inner dtrwxrwxrwx 0",
	`/dir/two -rw-r--r-- 0 "hello"`,
	`/empty -rw------- 0 ""`,
	"/link Lrwxrwxrwx -> /etc/passwd",
	`/marked -rwxr-xr-x 0 "mark"`,
	`/one -rw-r--r-- 0 "hello"`,
	"/pipe prw------- 0",
	`/sparse -rw-r----- 0 "\x00\x00\x00\x00\x00\x00\x00\x00"`,
}

func TestExtract(t *testing.T) {
	for _, order := range []binary.ByteOrder{binary.LittleEndian, binary.BigEndian} {
		dir := t.TempDir()
		sum, problems, err := extract(t, dir, Options{}, smallFS(t, order, nil))
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(fmt.Sprint(problems), "not supported") {
			t.Skip("there are no extended attributes here")
		}
		if got := tree(t, dir); !slices.Equal(got, smallTree) {
			t.Errorf("%v:\n%s", order, strings.Join(got, "\n"))
		}
		want := Summary{Snapshot: "tank/fs@a", Files: 4, Directories: 2, Symlinks: 1, Pipes: 1, Links: 1, Bytes: 5 + 1<<20 + 4, Xattrs: 3, LeftOut: 2}
		if sum != want {
			t.Errorf("%+v, want %+v", sum, want)
		}
		slices.Sort(problems)
		if len(problems) != 2 || !strings.HasPrefix(problems[0], "/device: ") || !strings.HasPrefix(problems[1], `/marked: extended attribute "security.capability": `) {
			t.Errorf("%q", problems)
		}
	}
}

// TestExtractIncremental: files are changed, made shorter, freed, and become other things.
func TestExtractIncremental(t *testing.T) {
	full := smallFS(t, binary.LittleEndian, nil)
	s := newSample(t, binary.LittleEndian, 1, 2)
	s.directory(sampleRoot, 0o755, named{"one", 40}, named{"sparse", 42}, named{"late", 41})
	s.file(40, meta{mode: 0o644, links: 1}, "HELLO, world")
	s.object(41, typeDirectory, 512, s.bonus(meta{mode: modeDir | 0o700, links: 2}), false).write(41, 0, s.microZAP())
	s.object(42, 19, 512, s.bonus(meta{mode: modeRegular | 0o640, size: 8, links: 1}), false).free(42, 512, dmu.ToEnd).write(42, 0, []byte("shortened"))
	s.freeObjects(43, 100)
	next := s.bytes()
	want := []string{"/late drwx------ 0", `/one -rw-r--r-- 0 "HELLO, w"`, `/sparse -rw-r----- 0 "shortene"`}

	dir := t.TempDir()
	sum, problems, err := extract(t, dir, Options{}, full, next)
	if got := tree(t, dir); err != nil || len(problems) != 0 || !slices.Equal(got, want) || sum.Snapshot != "tank/fs@b" {
		t.Errorf("%v, %q, %+v\n%s", err, problems, sum, strings.Join(got, "\n"))
	}
	dir = t.TempDir()
	if sum, _, err := extract(t, dir, Options{Snapshot: "a"}, full, next); err != nil || sum.Snapshot != "tank/fs@a" || !slices.Equal(tree(t, dir), smallTree) {
		t.Errorf("%+v, %v", sum, err)
	}
	for name, streams := range map[string][][]byte{
		"without the full one": {next},
		"the full one of another": {full, func() []byte {
			s := newSample(t, binary.LittleEndian, 7, 8)
			return s.bytes()
		}()},
	} {
		if _, _, err := extract(t, t.TempDir(), Options{}, streams...); !errors.Is(err, dmu.ErrBase) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestExtractHostile: names that lead elsewhere, directories in themselves, links in the way.
func TestExtractHostile(t *testing.T) {
	s := newSample(t, binary.LittleEndian, 0, 1).skeleton()
	s.directory(sampleRoot, 0o755,
		named{"..", 40}, named{".", 40}, named{"/abs", 40}, named{"a/b", 40}, named{"", 40}, named{"../out", 40},
		named{"way", 41}, named{"way", 42}, named{"loop", 42}, named{"once", 43}, named{"once", 44}, named{"twice", 43},
		named{"nothing", 99}, named{"zap", masterNode}, named{".lunar-extract", 45}, named{"huge", 46})
	s.file(40, meta{mode: 0o644, links: 9}, "out")
	s.object(41, 19, 512, s.bonus(meta{mode: modeSymlink | 0o777, links: 1, symlink: ".."}), false)
	s.directory(42, 0o755, named{"self", 42}, named{"up", sampleRoot}, named{"file", 40})
	s.file(43, meta{mode: 0o644, links: 1}, "first")
	s.file(44, meta{mode: 0o644, links: 1}, "second")
	s.directory(45, 0o755, named{"x", 40})
	s.file(46, meta{mode: 0o644, links: 1, size: 1 << 63}, "")
	out := t.TempDir()
	dir := filepath.Join(out, "in")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	sum, problems, err := extract(t, dir, Options{}, s.bytes())
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		`/loop drwxr-xr-x 0`, `/loop/file -rw-r--r-- 0 "out"`, `/loop/self drwx------`, `/loop/up drwx------`,
		`/once -rw-r--r-- 0 "first"`, `/way Lrwxrwxrwx -> ..`,
	}
	got := tree(t, dir)
	for i := range got { // what is left of a directory has the time of now
		if i < len(want) && strings.HasSuffix(want[i], "drwx------") {
			got[i] = got[i][:min(len(got[i]), len(want[i]))]
		}
	}
	if !slices.Equal(got, want) || sum.LeftOut != int64(len(problems)) || len(problems) < 10 {
		t.Errorf("%+v\n%s\n%s", sum, strings.Join(got, "\n"), strings.Join(problems, "\n"))
	}
	if left, err := os.ReadDir(out); err != nil || len(left) != 1 {
		t.Errorf("outside there is %v, %v", left, err)
	}
}

var rewrite = flag.Bool("rewrite", false, "write the streams in testdata anew")

// TestFixture: what other packages' tests read is what the samples here make.
func TestFixture(t *testing.T) {
	const name = "testdata/files.zs"
	s := newSample(t, binary.LittleEndian, 0, 1).skeleton()
	s.directory(sampleRoot, 0o755, named{"one", 40}, named{"link", 43}, named{"device", 45}, named{"dir", 46})
	s.file(40, meta{mode: 0o644, links: 2}, "hello\n")
	s.object(43, 19, 512, s.bonus(meta{mode: modeSymlink | 0o777, size: 3, links: 1, symlink: "dir"}), false)
	s.object(45, 19, 512, s.bonus(meta{mode: 0o020600, links: 1}), false)
	s.directory(46, 0o755, named{"two", 40})
	want := s.bytes()
	if *rewrite {
		if err := os.WriteFile(name, want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := os.ReadFile(name); err != nil || !bytes.Equal(got, want) {
		t.Errorf("%s is not what -rewrite would write: %v", name, err)
	}
}

// TestFreeObjectsFar: an object with a number far away does not make a stream take for ever.
func TestFreeObjectsFar(t *testing.T) {
	s := newSample(t, binary.LittleEndian, 0, 1).skeleton()
	s.directory(sampleRoot, 0o755).object(1<<34, 19, 512, nil, false).freeObjects(40, 1<<47)
	if _, _, err := extract(t, t.TempDir(), Options{}, s.bytes()); err != nil {
		t.Error(err)
	}
}
