package main

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lunarsan/lunar/internal/control"
)

var rewrite = flag.Bool("rewrite", false, "write what the scripts print into them")

// TestScripts plays the scripts in testdata against a daemon of their own. A script is made of
// commands and of what they print:
//
//	$ lunar lu list          a command line; $WORK is a folder of the script's own, "" is empty,
//	                         $GUID the GUID that was made up last, $TODAY the date
//	< text                   a line of its standard input
//	| text                   a line of its standard output
//	! text                   a line of its standard error
//	[exit 1]                 its exit code, when it is not 0
//
// Beside lunar and the other names that it has there are: write FILE TEXT, patch FILE OFFSET HEX, which makes the file if there is
// none, volume VERSION FILE..., which makes a VMFS volume on so many devices, mkdir DIR, copy FILE FILE, move FILE FILE, exists FILE, and restart, which ends the daemon and starts it again. All
// other lines are for the reader.
func TestScripts(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			s := &script{t: t, work: t.TempDir()}
			s.start()
			defer func() { s.stop() }()
			got := s.play(string(want))
			if *rewrite {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			} else if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got, "\n")); diff != "" {
				t.Errorf("%s (-want +got), -rewrite takes it over:\n%s", file, diff)
			}
		})
	}
}

// A script is a run of one script.
type script struct {
	t      *testing.T
	work   string
	socket string
	stop   func()
	text   string // the script, in lower case
	guid   string // the one that was made up last
}

// play performs the commands of text and returns it with what they printed.
func (s *script) play(text string) string {
	s.text = strings.ToLower(text)
	var out strings.Builder
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	for i := 0; i < len(lines); i++ {
		out.WriteString(lines[i] + "\n")
		command, ok := strings.CutPrefix(lines[i], "$ ")
		if !ok {
			continue
		}
		var stdin strings.Builder
		for ; i+1 < len(lines) && strings.HasPrefix(lines[i+1], "< "); i++ {
			stdin.WriteString(strings.ReplaceAll(lines[i+1][2:], "$WORK", s.work) + "\n")
			out.WriteString(lines[i+1] + "\n")
		}
		for i+1 < len(lines) && printed.MatchString(lines[i+1]) {
			i++
		}
		out.WriteString(s.perform(command, stdin.String()))
	}
	return out.String()
}

// printed matches the lines of a script that a command has printed.
var printed = regexp.MustCompile(`^(\||!|\[exit)`)

// perform performs one command and returns what it printed, with its exit code.
func (s *script) perform(command, stdin string) string {
	words := strings.Fields(strings.NewReplacer("$WORK", s.work, "$GUID", s.guid, "$TODAY", time.Now().UTC().Format(time.DateOnly)).Replace(command))
	for i, w := range words {
		if w == `""` {
			words[i] = ""
		}
	}
	var stdout, stderr bytes.Buffer
	code := 0
	switch words[0] {
	case "lunar", "sbdadm", "stmfadm", "itadm", "iscsitadm":
		code = s.run(s.t.Context(), words[0], words[1:], stdin, &stdout, &stderr)
	case "restart":
		s.stop()
		s.start()
	case "write":
		s.check(os.WriteFile(words[1], []byte(strings.Join(words[2:], " ")+"\n"), 0o600))
	case "patch":
		f, err := os.OpenFile(words[1], os.O_RDWR|os.O_CREATE, 0o600)
		s.check(err)
		at, err := strconv.ParseInt(words[2], 10, 64)
		s.check(err)
		b, err := hex.DecodeString(words[3])
		s.check(err)
		_, err = f.WriteAt(b, at)
		s.check(errors.Join(err, f.Close()))
	case "volume":
		writeVolume(s.t, words[1], words[2:])
	case "mkdir":
		s.check(os.MkdirAll(words[1], 0o700))
	case "copy":
		b, err := os.ReadFile(words[1])
		s.check(err)
		s.check(os.WriteFile(words[2], b, 0o600))
	case "move":
		s.check(os.Rename(words[1], words[2]))
	case "exists":
		if _, err := os.Stat(words[1]); err != nil {
			code = 1
		}
	default:
		s.t.Fatalf("there is no command %q", words[0])
	}
	var b strings.Builder
	b.WriteString(s.marked("|", stdout.String()))
	b.WriteString(s.marked("!", stderr.String()))
	if code != 0 {
		fmt.Fprintf(&b, "[exit %d]\n", code)
	}
	return b.String()
}

func (s *script) check(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

// marked puts mark before each line of text, and constant words for what differs from run to
// run.
func (s *script) marked(mark, text string) string {
	if text == "" {
		return ""
	}
	text = strings.ReplaceAll(text, s.work, "$WORK")
	text = strings.ReplaceAll(text, s.socket, "$API")
	text = comstarGUID.ReplaceAllStringFunc(text, func(guid string) string {
		if strings.Contains(s.text, strings.ToLower(guid)) {
			return guid
		}
		s.guid = guid
		return madeUpGUID
	})
	for _, v := range varying {
		text = v.pattern.ReplaceAllString(text, v.instead)
	}
	var b strings.Builder
	for _, line := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
		b.WriteString(strings.TrimRight(mark+" "+line, " ") + "\n")
	}
	return b.String()
}

// A GUID of COMSTAR's form that is nowhere in a script was made up.
var comstarGUID = regexp.MustCompile(`(?i)600144f0[0-9a-f]{24}`)

const madeUpGUID = "600144f0-host-time-and-a-counter" // as long as one

var varying = []struct {
	pattern *regexp.Regexp
	instead string
}{
	{regexp.MustCompile(`20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z`), "TIME"},
	{regexp.MustCompile(`20\d\d-\d\d-\d\d \d\d:\d\d:\d\d\b`), "DATE TIME"},
	{regexp.MustCompile(`20\d\d-\d\d-\d\d\b`), "DATE"},
	{regexp.MustCompile(`\bGUID \d{12,20}\)`), "GUID RANDOM)"},
	{regexp.MustCompile(`\b20\d{6}T\d{6}Z`), "TIME"}, // in the names of snapshots
	{regexp.MustCompile(`\b\d{12,20} +TIME`), "GUID  TIME"},
	{regexp.MustCompile(`GUID +TAKEN +`), "GUID  TAKEN  "},
	{regexp.MustCompile(`stood still for [0-9.]+\S+`), "stood still for SHORTLY"},
	{regexp.MustCompile(` in [0-9.]+m?s\b`), " in A MOMENT"},
	{regexp.MustCompile(`127\.0\.0\.1:\d+`), "127.0.0.1:PORT"},
	{regexp.MustCompile(`process( +)\d+, up \d+s`), "process${1}PID, up AGE"},
	{regexp.MustCompile(`lunarsan:[a-z0-9-]+-[0-9a-f]{8}`), "lunarsan:HOST-RANDOM"},
	{regexp.MustCompile(`((?:lunar|daemon) +)(devel\S*|v0\S*)`), "${1}VERSION"},
	{regexp.MustCompile(`(?s)"space": \{.*?\}`), `"space": SPACE`},
	{regexp.MustCompile(`Space( +).* taken of .* left`), "Space${1}SPACE"},
	{regexp.MustCompile(`"seconds": [-0-9.e]+`), `"seconds": SECONDS`},
	{regexp.MustCompile(`"stood_ns": \d+`), `"stood_ns": TIME`},
	{regexp.MustCompile(`("guid": )"\d{15,20}"`), `${1}"RANDOM"`},
	{regexp.MustCompile(`lunar_[A-Za-z0-9_-]{43}`), "TOKEN"},
	{regexp.MustCompile(`go1\.\S+ (\S+)/(\S+)`), "GO PLATFORM"},
}

// run runs the command line in this process, called by name.
func (s *script) run(ctx context.Context, name string, args []string, stdin string, stdout, stderr *bytes.Buffer) int {
	env := map[string]string{"LUNAR_API": s.socket, "HOME": s.work}
	return run(ctx, world{
		name:   "/usr/bin/" + name,
		args:   args,
		stdin:  strings.NewReader(stdin),
		stdout: stdout,
		stderr: stderr,
		getenv: func(name string) string { return env[name] },
	})
}

// start starts the daemon of the script, as lunar serve in this process.
func (s *script) start() {
	s.t.Helper()
	if s.socket == "" {
		dir, err := os.MkdirTemp("", "lunar") // a short name
		s.check(err)
		s.t.Cleanup(func() { os.RemoveAll(dir) })
		s.socket = filepath.Join(dir, "s")
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan int, 1)
	var out, log bytes.Buffer
	go func() {
		ended <- s.run(ctx, "lunar", []string{
			"serve", "--state", filepath.Join(s.work, "state"), "--api", s.socket, "--listen", "127.0.0.1:0", "--memory", "1G",
		}, "", &out, &log)
	}()
	s.stop = func() {
		cancel()
		if code := <-ended; code != 0 {
			s.t.Errorf("the daemon ended with code %d:\n%s", code, &log)
		}
	}
	client := control.NewClient(s.socket)
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
		if _, err := client.Status(ctx); err == nil {
			return
		}
		select {
		case code := <-ended:
			s.t.Fatalf("the daemon ended with code %d:\n%s", code, &log)
		default:
		}
		if time.Now().After(deadline) {
			s.t.Fatal("the daemon does not answer")
		}
	}
}
