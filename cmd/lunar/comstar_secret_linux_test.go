package main

import (
	"bytes"
	"context"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// A typist sees what is asked on standard error, and types the next answer once the terminal
// does not show it. Of a Ctrl-C, the program sees the end of its context.
type typist struct {
	t         *testing.T
	person    *os.File
	program   *os.File
	interrupt func()
	answers   []string
	asked     bytes.Buffer
}

const ctrlC = "\x03"

func (p *typist) Write(b []byte) (int, error) {
	if bytes.HasSuffix(b, []byte("secret: ")) && len(p.answers) > 0 {
		answer := p.answers[0]
		p.answers = p.answers[1:]
		go func() {
			for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
				mode, err := unix.IoctlGetTermios(int(p.program.Fd()), unix.TCGETS)
				if err != nil || time.Now().After(deadline) {
					p.t.Errorf("the terminal goes on to show what is typed: %v", err)
					return
				}
				if mode.Lflag&unix.ECHO == 0 {
					break
				}
			}
			if answer == ctrlC {
				p.interrupt()
			} else if _, err := p.person.WriteString(answer); err != nil {
				p.t.Error(err)
			}
		}()
	}
	return p.asked.Write(b)
}

// TestAskedSecret: a secret is typed twice and not shown, and the terminal is as it was after that.
func TestAskedSecret(t *testing.T) {
	s := &script{t: t, work: t.TempDir()}
	s.start()
	defer func() { s.stop() }()
	ask := func(answers ...string) (int, string) {
		t.Helper()
		ctx, interrupt := context.WithCancel(t.Context())
		defer interrupt()
		person, program := terminal(t)
		p := &typist{t: t, person: person, program: program, interrupt: interrupt, answers: answers}
		code := run(ctx, world{
			name: "itadm", args: []string{"create-initiator", "-s", "iqn.1998-01.com.vmware:vh1.1"}, stdin: program, stdout: &p.asked, stderr: p,
			getenv: func(name string) string { return map[string]string{"LUNAR_API": s.socket}[name] },
		})
		mode, err := unix.IoctlGetTermios(int(program.Fd()), unix.TCGETS)
		if err != nil || mode.Lflag&unix.ECHO == 0 {
			t.Errorf("the terminal shows no more what is typed: %v", err)
		}
		return code, p.asked.String()
	}
	if code, said := ask("a secret of vh1\n", "another secret\n"); code != exitFailed || !strings.Contains(said, "Secret validation failed") {
		t.Errorf("two secrets: code %d, %q", code, said)
	}
	if code, said := ask("\n", "\n"); code != exitFailed || !strings.Contains(said, "the secret is empty") {
		t.Errorf("none: code %d, %q", code, said)
	}
	if code, _ := ask(ctrlC); code != exitFailed {
		t.Errorf("after a Ctrl-C: code %d", code)
	}
	if code, said := ask("a secret of vh1\n", "a secret of vh1\n"); code != exitDone || said != "Enter CHAP secret: \nRe-enter secret: \n" {
		t.Errorf("code %d, %q", code, said)
	}
	if said := s.perform("itadm list-initiator", ""); !strings.Contains(said, "vh1.1\tset") {
		t.Errorf("what is known of it: %s", said)
	}
}
