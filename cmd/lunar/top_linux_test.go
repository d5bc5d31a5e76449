package main

import (
	"bytes"
	"strings"
	"testing"
	"time"
)

// TestTopLive looks on at a terminal, goes from view to view, and leaves the terminal as it was.
func TestTopLive(t *testing.T) {
	s := &script{t: t, work: t.TempDir()}
	s.start()
	defer func() { s.stop() }()
	s.perform("lunar lu create $WORK/a --size 1M --alias unit", "")
	person, program := terminal(t)
	ended := make(chan int, 1)
	var errs bytes.Buffer
	go func() {
		ended <- run(t.Context(), world{
			args: []string{"top", "--interval", "100ms"}, stdin: program, stdout: program, stderr: &errs,
			getenv: func(name string) string { return map[string]string{"LUNAR_API": s.socket}[name] },
		})
	}()
	var seen strings.Builder
	buf := make([]byte, 4096)
	person.SetReadDeadline(time.Now().Add(20 * time.Second))
	for _, step := range []struct{ show, press string }{
		{enterScreen, ""}, {"1 units by iops", ">"}, {"1 units by read", "i"}, {"no initiators", "u"}, {"unit ", "q"}, {leaveScreen, ""},
	} {
		seen.Reset()
		for !strings.Contains(seen.String(), step.show) {
			n, err := person.Read(buf)
			if err != nil {
				t.Fatalf("waiting for %q: %v after %q", step.show, err, seen.String())
			}
			seen.Write(buf[:n])
		}
		if _, err := person.WriteString(step.press); err != nil {
			t.Fatal(err)
		}
	}
	if code := <-ended; code != exitDone {
		t.Errorf("code %d, %s", code, &errs)
	}
}
