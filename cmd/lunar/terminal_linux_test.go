package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// terminal is a pseudo-terminal: what a person sees and types at, and what a program is given.
func terminal(t *testing.T) (person, program *os.File) {
	t.Helper()
	person, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Skip("this machine has no pseudo-terminals: ", err)
	}
	t.Cleanup(func() { person.Close() })
	if err := unix.IoctlSetPointerInt(int(person.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Skip("this machine has no pseudo-terminals: ", err)
	}
	n, err := unix.IoctlGetInt(int(person.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	program, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skip("this machine has no pseudo-terminals: ", err)
	}
	t.Cleanup(func() { program.Close() })
	return person, program
}

// TestColours: only a terminal gets colours, and not where NO_COLOR is set.
func TestColours(t *testing.T) {
	rows := [][]string{{"NAME", "STATE", "X"}, {"a", "online", "1"}, {"b", "failed", "2"}}
	print := func(out io.Writer, env map[string]string) {
		c := &cli{world: world{stdout: out, getenv: func(name string) string { return env[name] }}}
		c.table(rows)
	}
	plain := "NAME  STATE   X\na     online  1\nb     failed  2\n"
	coloured := "NAME  STATE   X\na     \x1b[32monline\x1b[0m  1\nb     \x1b[31mfailed\x1b[0m  2\n"
	for _, test := range []struct {
		env  map[string]string
		want string
	}{
		{nil, coloured},
		{map[string]string{"NO_COLOR": "1"}, plain},
		{map[string]string{"TERM": "dumb"}, plain},
	} {
		person, program := terminal(t)
		print(program, test.env)
		want := strings.ReplaceAll(test.want, "\n", "\r\n")
		got := make([]byte, len(want))
		if _, err := io.ReadFull(person, got); err != nil {
			t.Fatal(err)
		}
		if string(got) != want {
			t.Errorf("with %v the terminal shows %q, want %q", test.env, got, want)
		}
	}
	var b bytes.Buffer
	print(&b, nil)
	if b.String() != plain {
		t.Errorf("elsewhere it is %q, want %q", &b, plain)
	}
}

// TestConfirm: a person at a terminal is asked before a file goes, and may say no.
func TestConfirm(t *testing.T) {
	s := &script{t: t, work: t.TempDir()}
	s.start()
	defer func() { s.stop() }()
	store := filepath.Join(s.work, "a")
	s.perform("lunar lu create $WORK/a --size 1M --alias unit", "")
	ask := func(answer string) (code int, asked string) {
		person, program := terminal(t)
		if _, err := person.WriteString(answer); err != nil {
			t.Fatal(err)
		}
		var out, errs bytes.Buffer
		code = run(t.Context(), world{
			args: []string{"lu", "delete", "unit"}, stdin: program, stdout: &out, stderr: &errs,
			getenv: func(name string) string { return map[string]string{"LUNAR_API": s.socket}[name] },
		})
		return code, errs.String()
	}
	for _, no := range []string{"n\n", "\n", "yeah\n"} {
		code, asked := ask(no)
		if _, err := os.Stat(store); err != nil || code != exitFailed || !strings.Contains(asked, "Remove the file "+store+" (1 MiB)") {
			t.Errorf("after %q: code %d, %q, %v", no, code, asked, err)
		}
	}
	if code, asked := ask("y\n"); code != exitDone {
		t.Errorf("code %d, %q", code, asked)
	}
	if _, err := os.Stat(store); err == nil {
		t.Error("the file is still there")
	}
}

// TestProgress: a terminal sees how far a stream is read, and at the end nothing of it.
func TestProgress(t *testing.T) {
	person, program := terminal(t)
	c := &cli{world: world{stderr: program, getenv: func(string) string { return "" }}}
	p := c.progress("reading a", 100)
	p.add(50)
	seen := make([]byte, 0, 4096)
	for !bytes.Contains(seen, []byte("50% [")) {
		n, err := person.Read(seen[len(seen):cap(seen)])
		if err != nil {
			t.Fatal(err)
		}
		seen = seen[:len(seen)+n]
	}
	p.done()
	for !bytes.HasSuffix(seen, []byte("\r\x1b[K")) {
		n, err := person.Read(seen[len(seen):cap(seen)])
		if err != nil {
			t.Fatal(err)
		}
		seen = seen[:len(seen)+n]
	}
}
