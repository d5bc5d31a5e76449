package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/lunarsan/lunar/internal/control"
)

// asLunar makes this test's program behave as lunar.
const asLunar = "LUNAR_TEST_AS_LUNAR"

func TestMain(m *testing.M) {
	if os.Getenv(asLunar) != "" {
		main()
	}
	os.Exit(m.Run())
}

// A process is lunar serve in a process of its own.
type process struct {
	*control.Client
	t   *testing.T
	cmd *exec.Cmd
	out *bufio.Reader
	log bytes.Buffer
}

// serve starts lunar serve and waits until it answers.
func serve(t *testing.T, dir string, args ...string) *process {
	t.Helper()
	socket := filepath.Join(dir, "s")
	p := &process{t: t, Client: control.NewClient(socket)}
	p.cmd = exec.Command(os.Args[0], append([]string{"serve", "--api", socket, "--memory", "256M"}, args...)...)
	p.cmd.Env = append(os.Environ(), asLunar+"=1", "TMPDIR="+dir, "GORACE=atexit_sleep_ms=0")
	p.cmd.Stderr = &p.log
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	p.out = bufio.NewReader(out)
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		p.cmd.Process.Kill()
		p.cmd.Wait()
	})
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		if _, err := p.Status(context.Background()); err == nil {
			return p
		}
		if time.Now().After(deadline) {
			p.cmd.Process.Kill()
			p.cmd.Wait()
			t.Fatalf("the daemon does not answer:\n%s", &p.log)
		}
	}
}

func (p *process) signal(s os.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		p.t.Fatal(err)
	}
}

// shortDir is a folder whose name is short enough for a socket in it.
func shortDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "lunar")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

func TestSignals(t *testing.T) {
	dir := shortDir(t)
	p := serve(t, dir, "--state", filepath.Join(dir, "state"), "--listen", "127.0.0.1:0")
	ctx := t.Context()
	if _, err := p.CreateUnit(ctx, control.UnitCreate{Path: filepath.Join(dir, "a"), Size: 1 << 20}); err != nil {
		t.Fatal(err)
	}
	p.signal(syscall.SIGHUP)
	time.Sleep(50 * time.Millisecond) // for a signal that kills to do so
	if _, err := p.Status(ctx); err != nil {
		t.Fatalf("after SIGHUP: %v", err)
	}
	groups, err := p.Groups(ctx)
	if err != nil {
		t.Fatal(err)
	}
	c, err := net.Dial("tcp", groups[0].Portals[0].Address) // an initiator that says nothing
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	begun := time.Now()
	p.signal(syscall.SIGTERM)
	if err := p.cmd.Wait(); err != nil {
		t.Errorf("after SIGTERM: %v\n%s", err, &p.log)
	}
	if took := time.Since(begun); took > time.Second {
		t.Errorf("the end took %v", took)
	}
	if !strings.Contains(p.log.String(), "SIGHUP changes nothing") {
		t.Errorf("SIGHUP is not in the log:\n%s", &p.log)
	}
	if _, err := p.Status(ctx); !errors.Is(err, control.ErrNotServing) {
		t.Errorf("after the end: %v", err)
	}
}

// TestKilled: what was answered before the power went is there after it.
func TestKilled(t *testing.T) {
	dir := shortDir(t)
	ctx := t.Context()
	serveState := func() *process {
		return serve(t, dir, "--state", filepath.Join(dir, "state"), "--listen", "127.0.0.1:0")
	}
	p := serveState()
	u, err := p.CreateUnit(ctx, control.UnitCreate{Path: filepath.Join(dir, "a"), Size: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	p.signal(syscall.SIGKILL)
	p.cmd.Wait()
	if _, err := p.Status(ctx); !errors.Is(err, control.ErrNotServing) {
		t.Errorf("with a stale socket: %v", err)
	}
	p = serveState()
	after, err := p.Unit(ctx, u.GUID)
	if err != nil || !reflect.DeepEqual(after, u) {
		t.Errorf("before %+v, after %+v, %v", u, after, err)
	}
}

func TestDemo(t *testing.T) {
	dir := shortDir(t)
	p := serve(t, dir, "--demo", "--listen", "127.0.0.1:0")
	units, err := p.Units(t.Context())
	if err != nil || len(units) != 1 || units[0].Size != 1<<30 || !slices.Equal(units[0].LUNs, []int{0}) || !units[0].Thin || units[0].State != control.UnitOnline {
		t.Errorf("units %+v, %v", units, err)
	}
	if !strings.HasPrefix(units[0].Path, dir) {
		t.Fatalf("the demo's unit is at %s, not in the temporary folder %s", units[0].Path, dir)
	}
	var text strings.Builder
	for !strings.Contains(text.String(), "Ctrl-C") {
		line, err := p.out.ReadString('\n')
		text.WriteString(line)
		if err != nil {
			t.Fatalf("the demo says only:\n%s", &text)
		}
	}
	got := regexp.MustCompile(`127\.0\.0\.1:\d+`).ReplaceAllString(strings.ReplaceAll(text.String(), dir, "TMP"), "127.0.0.1:PORT")
	want := `Serving a throw-away disk of 1 GiB. Connect to it:

  URL         iscsi://127.0.0.1:PORT/iqn.2026-11.io.github.lunarsan:demo/0
  libiscsi    iscsi-ls -s iscsi://127.0.0.1:PORT
  qemu        qemu-img info iscsi://127.0.0.1:PORT/iqn.2026-11.io.github.lunarsan:demo/0
  open-iscsi  iscsiadm -m discovery -t sendtargets -p 127.0.0.1:PORT
              iscsiadm -m node -T iqn.2026-11.io.github.lunarsan:demo -p 127.0.0.1:PORT --login

Look at it from another shell:

  lunar --api TMP/s status

Ctrl-C ends it, and removes the disk.
`
	if got != want {
		t.Errorf("it says\n%s\nwant\n%s", got, want)
	}
	p.signal(os.Interrupt)
	io.Copy(io.Discard, p.out)
	if err := p.cmd.Wait(); err != nil {
		t.Errorf("after Ctrl-C: %v\n%s", err, &p.log)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// TestDemoPortTaken: a demo that nobody can connect to ends, and says why.
func TestDemoPortTaken(t *testing.T) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	s := &script{t: t, work: t.TempDir(), socket: filepath.Join(shortDir(t), "s")}
	t.Setenv("TMPDIR", s.work)
	var stdout, stderr bytes.Buffer
	code := s.run(t.Context(), "lunar", []string{"serve", "--demo", "--listen", l.Addr().String(), "--api", s.socket}, "", &stdout, &stderr)
	if code != exitFailed || !strings.Contains(stderr.String(), "lunar: cannot listen on "+l.Addr().String()) || !strings.Contains(stderr.String(), "--listen") {
		t.Errorf("exit code %d:\n%s", code, &stderr)
	}
	if left, err := os.ReadDir(s.work); err != nil || len(left) != 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}
