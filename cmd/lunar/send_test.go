package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lunarsan/lunar/stream/shelf"
)

// A site is a machine of its own, as far as a folder can be one.
type site struct {
	t    *testing.T
	home string
}

// lunar runs a command line there, and returns what it printed.
func (s *site) lunar(want int, args ...string) (stdout, stderr string) {
	s.t.Helper()
	var out, log bytes.Buffer
	code := run(s.t.Context(), world{
		name: "lunar", args: args, stdin: strings.NewReader(""), stdout: &out, stderr: &log,
		getenv: func(name string) string { return map[string]string{"HOME": s.home, "XDG_STATE_HOME": s.home}[name] },
	})
	if code != want {
		s.t.Fatalf("lunar %s: exit %d:\n%s%s", strings.Join(args, " "), code, &out, &log)
	}
	return out.String(), log.String()
}

// receive has the site listen, and returns where.
func (s *site) receive(args ...string) (address string) {
	s.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	said, out := io.Pipe()
	ended := make(chan int, 1)
	go func() {
		ended <- run(ctx, world{
			name: "lunar", args: append([]string{"receive", "--listen", "127.0.0.1:0", "--key", filepath.Join(s.home, "key")}, args...),
			stdin: strings.NewReader(""), stdout: out, stderr: io.Discard, getenv: func(string) string { return "" },
		})
		_ = out.Close()
	}()
	s.t.Cleanup(func() {
		cancel()
		if code := <-ended; code != 0 {
			s.t.Errorf("lunar receive ended with code %d", code)
		}
	})
	lines := bufio.NewReader(said)
	first, err := lines.ReadString('\n')
	if err != nil {
		s.t.Fatal(err)
	}
	go func() { _, _ = io.Copy(io.Discard, lines) }()
	return strings.TrimSuffix(strings.TrimPrefix(first, "Listening at "), ".\n")
}

func (s *site) fingerprint() string {
	s.t.Helper()
	out, _ := s.lunar(0, "key", "show", "--key", filepath.Join(s.home, "key"))
	return strings.TrimSpace(out)
}

// TestSendBetweenSites sends a file to another site and back, and tries what is not allowed.
func TestSendBetweenSites(t *testing.T) {
	a, b := &site{t, t.TempDir()}, &site{t, t.TempDir()}
	disk, replica := filepath.Join(a.home, "disk.img"), filepath.Join(b.home, "vms", "disk.img")
	data := bytes.Repeat([]byte("lunar "), 1<<18)
	if err := os.WriteFile(disk, append(data, make([]byte, 4096-len(data)%4096)...), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Dir(replica), 0o700); err != nil {
		t.Fatal(err)
	}
	address := b.receive("--allow", a.fingerprint(), "--root", filepath.Dir(replica), "--append-only")
	far := func(path string) string { return "lunar://" + address + "/" + path }
	link := []string{"--key", filepath.Join(a.home, "key"), "--fingerprint", b.fingerprint()}
	send := func(want int, args ...string) (string, string) {
		t.Helper()
		return a.lunar(want, append(append([]string{"send"}, args...), link...)...)
	}

	if plan, _ := func() (string, string) {
		send(1, disk, far(replica))
		return send(0, disk, far(replica), "--take", "a", "--layers")
	}(); !strings.HasPrefix(plan, "full a, ") {
		t.Errorf("it says %q", plan)
	}
	out, _ := send(0, disk, far(replica), "--take", "b", "--json", "--connections", "3", "--compress", "lz4")
	var done sent
	if err := json.Unmarshal([]byte(out), &done); err != nil || len(done.Steps) != 1 || done.Steps[0].From != "a" || done.Traffic == nil || done.Traffic.Raw != done.Bytes {
		t.Errorf("%v of %s", err, out)
	}
	send(0, far(replica)+"@a", filepath.Join(a.home, "back.img"))
	was, err := shelf.New(disk).Snapshots(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	is, err := shelf.New(filepath.Join(a.home, "back.img")).Snapshots(t.Context())
	if err != nil || len(is) != 1 || is[0].GUID != was[0].GUID {
		t.Errorf("%+v came back, %v; there was %+v", is, err, was)
	}
	got, err := os.ReadFile(filepath.Join(a.home, "back.img"))
	if err != nil || !bytes.HasPrefix(got, data) {
		t.Errorf("%d bytes came back, %v", len(got), err)
	}

	for what, args := range map[string][]string{
		"is not allowed here": {disk, far(replica), "--reseed", "--from", "a", "--rollback"},
		"is not below":        {disk, far(filepath.Join(b.home, "else.img"))},
		"belongs to a volume": {disk, far(replica + ".snapshots/x")},
	} {
		if _, log := send(1, args...); !strings.Contains(log, what) {
			t.Errorf("%s: it says %s", args, log)
		}
	}
	link[3] = a.fingerprint()
	if _, log := send(1, disk, far(replica)); !strings.Contains(log, "the key is not known") {
		t.Errorf("with another key there it says %s", log)
	}
	link[1], link[3] = filepath.Join(a.home, "another"), b.fingerprint()
	if _, log := send(1, disk, far(replica)); !strings.Contains(log, "lunar receive --allow lunar1-") {
		t.Errorf("with another key here it says %s", log)
	}
}
