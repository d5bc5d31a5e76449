package wire

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/lunarsan/lunar/stream"
)

// The test program stands in for ssh, and for what ssh runs over there.
const (
	standIn       = "LUNAR_WIRE_STAND_IN"
	standInFolder = "LUNAR_WIRE_FOLDER"
	standInFile   = "LUNAR_WIRE_RECEIVED" // where the other side puts what it has received
)

func TestMain(m *testing.M) {
	var err error
	switch as := os.Getenv(standIn); as {
	case "":
		os.Exit(m.Run())
	case "ssh": // which ends without what it has started
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), standIn+"="+os.Getenv(standInFolder))
		cmd.Stdin, cmd.Stdout = os.Stdin, os.Stdout
		err = cmd.Start()
	case "sink":
		err = serveSink()
	case "source":
		err = sendToSink()
	case "deaf":
		fmt.Fprintln(os.Stderr, "ssh: connect to host nowhere port 22: Connection refused")
		os.Exit(255)
	default:
		err = receiveThere(as)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// receiveThere is what ssh runs.
func receiveThere(folder string) error {
	conn, err := Stdio()
	if err != nil {
		return err
	}
	v := NewServer(Options{Patience: 5 * time.Second})
	err = v.ServeStdio(context.Background(), conn, folder, mapHost{"v": &recordingVolume{pipeVolume{name: "v"}}})
	return errors.Join(err, v.Close())
}

// A recordingVolume puts the sum of what it has received, and which process it is, into a file.
type recordingVolume struct{ pipeVolume }

func (v *recordingVolume) Receive(ctx context.Context, in io.Reader, r stream.Receive) (stream.Snapshot, error) {
	s, err := v.pipeVolume.Receive(ctx, in, r)
	return s, errors.Join(err, os.WriteFile(os.Getenv(standInFile), fmt.Appendf(nil, "%x %d", v.sum, os.Getpid()), 0o600))
}

// TestSSH cuts ssh again and again: the process that took the stream first goes on with it.
func TestSSH(t *testing.T) {
	folder := t.TempDir()
	received := filepath.Join(folder, "received")
	t.Setenv(standIn, "ssh")
	t.Setenv(standInFolder, filepath.Join(folder, "s"))
	t.Setenv(standInFile, received)
	dial := SSH{Program: os.Args[0], Destination: "user@host"}.Dial
	var latest atomic.Pointer[sshConn]
	l, err := Connect(t.Context(), func(ctx context.Context) (io.ReadWriteCloser, error) {
		conn, err := dial(ctx)
		if err == nil {
			latest.Store(conn.(*sshConn))
		}
		return conn, err
	}, Options{Name: "host"})
	if err != nil {
		t.Fatal(err)
	}
	pid := 0
	source := io.Reader(newMaterial(testStream))
	for cut := range 4 {
		source = &tripwire{Reader: source, at: (cut + 1) * testStream / 5, trip: func() { _ = latest.Load().in.Close(); _ = latest.Load().out.Close() }}
	}
	if _, err := l.Volume("v").Receive(t.Context(), source, stream.Receive{}); err != nil {
		t.Fatal(err)
	}
	if n := l.Traffic().Reconnects; n == 0 {
		t.Error("it was never cut")
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	got, err := os.ReadFile(received)
	if err != nil {
		t.Fatal(err)
	}
	var sum string
	if n, err := fmt.Sscan(string(got), &sum, &pid); n != 2 || sum != fmt.Sprintf("%x", sumOf(t, newMaterial(testStream))) {
		t.Errorf("received %s, %v", got, err)
	}
	for wait := time.Now().Add(5 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		left, err := filepath.Glob(filepath.Join(folder, "s", "*"))
		if err != nil {
			t.Fatal(err)
		}
		if len(left) == 0 && syscall.Kill(pid, 0) != nil {
			break
		}
		if time.Now().After(wait) {
			t.Fatalf("it left %q behind", left)
		}
	}
}

// TestStdioAgain has a client begin again whose process over there takes a stream yet: that makes way
// where its client has gone, and does not where it is there. A socket that kill -9 has left is nobody's.
func TestStdioAgain(t *testing.T) {
	for _, killed := range []bool{true, false} {
		folder := filepath.Join(t.TempDir(), "s")
		v := &strict{pipeVolume: &pipeVolume{name: "v"}}
		var serving sync.WaitGroup
		connect := func(dead *atomic.Bool, conn *net.Conn) *Link {
			l, err := Connect(t.Context(), func(context.Context) (io.ReadWriteCloser, error) {
				if dead.Load() {
					return nil, errors.New("it is dead")
				}
				near, far := net.Pipe()
				serving.Go(func() {
					_ = NewServer(Options{}).ServeStdio(context.Background(), far, folder, mapHost{"v": v})
				})
				*conn = near
				return near, nil
			}, Options{Name: "far"})
			if err != nil {
				t.Fatal(err)
			}
			return l
		}
		var dead, alive atomic.Bool
		var conn, other net.Conn
		first := connect(&dead, &conn)
		left, err := net.ListenUnix("unix", &net.UnixAddr{Name: volumeSocket(folder, "v")})
		if err != nil {
			t.Fatal(err)
		}
		left.SetUnlinkOnClose(false)
		_ = left.Close()
		half, release, ended := make(chan struct{}), make(chan struct{}), make(chan struct{})
		go func() {
			defer close(ended)
			source := &tripwire{Reader: newMaterial(testStream), at: testStream / 2, trip: func() {
				close(half)
				<-release
			}}
			if _, err := first.Volume("v").Receive(t.Context(), source, stream.Receive{}); (err != nil) != killed {
				t.Errorf("the first client (killed: %t): %v", killed, err)
			}
		}()
		<-half
		if killed {
			dead.Store(true)
			_ = conn.Close()
		}
		second := connect(&alive, &other)
		begun := time.Now()
		_, err = second.Volume("v").Receive(t.Context(), newMaterial(testStream), stream.Receive{})
		switch took := time.Since(begun); {
		case killed && (err != nil || v.sum != sumOf(t, newMaterial(testStream))):
			t.Errorf("the next client: %v", err)
		case !killed && (!errors.Is(err, stream.ErrInUse) || took < takeoverTime):
			t.Errorf("beside a client that lives: %v after %s", err, took)
		}
		close(release)
		if !killed {
			<-ended // and a dead one tries to come back for ever
		}
		for _, l := range []*Link{first, second} {
			if err := l.Close(); err != nil {
				t.Error(err)
			}
		}
		<-ended
		serving.Wait()
		if names, err := os.ReadDir(folder); err != nil || len(names) > 0 {
			t.Errorf("they left %v, %v", names, err)
		}
	}
}

// TestStdioFolder has the folder be somebody else's, or somebody else's to look into.
func TestStdioFolder(t *testing.T) {
	for what, change := range map[string]func(folder string) error{
		"open":  func(folder string) error { return os.Chmod(folder, 0o711) },
		"other": func(folder string) error { return os.Chown(folder, 1, 1) },
	} {
		folder := filepath.Join(t.TempDir(), "s")
		if err := os.Mkdir(folder, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := change(folder); errors.Is(err, fs.ErrPermission) {
			continue // only root gives folders away
		} else if err != nil {
			t.Fatal(err)
		}
		near, far := net.Pipe()
		if err := NewServer(Options{}).ServeStdio(t.Context(), far, folder, mapHost{}); err == nil || !strings.Contains(err.Error(), "ours alone") {
			t.Errorf("%s: it says %v", what, err)
		}
		_ = near.Close()
	}
}

func TestSSHRefused(t *testing.T) {
	t.Setenv(standIn, "deaf")
	_, err := Connect(t.Context(), SSH{Program: os.Args[0], Destination: "user@nowhere"}.Dial, Options{Name: "nowhere"})
	if err == nil || !strings.Contains(err.Error(), "Connection refused") {
		t.Errorf("it says %v", err)
	}
	conn, err := SSH{Program: os.Args[0], Destination: "user@nowhere"}.Dial(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for err == nil { // until it has ended
		_, err = conn.Write([]byte("hello"))
	}
	if !strings.Contains(err.Error(), "Connection refused") {
		t.Errorf("who writes first is told %v", err)
	}
	if err := conn.Close(); err != nil {
		t.Error(err)
	}
	if _, err := (SSH{Destination: "-oProxyCommand=x"}).Dial(t.Context()); err == nil {
		t.Error("an option was taken for a destination")
	}
}

// TestSSHArguments has the command line be what ssh understands.
func TestSSHArguments(t *testing.T) {
	script := filepath.Join(t.TempDir(), "ssh")
	if err := os.WriteFile(script, []byte("#!/bin/sh\nprintf '%s\\n' \"$@\"\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := exec.LookPath("/bin/sh"); err != nil {
		t.Skip(err)
	}
	conn, err := SSH{Program: script, Destination: "user@host", Port: "2222"}.Dial(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for scan := bufio.NewScanner(conn); scan.Scan(); {
		lines = append(lines, strconv.Quote(scan.Text()))
	}
	if got, want := strings.Join(lines, " "), `"-o" "BatchMode=yes" "-o" "ServerAliveInterval=10" "-T" "-p" "2222" "--" "user@host" "lunar receive --stdio"`; got != want {
		t.Errorf("ssh is run with %s", got)
	}
	if err := conn.Close(); err != nil {
		t.Error(err)
	}
}

func TestAddress(t *testing.T) {
	for text, want := range map[string]Address{
		"lunar://b:9000/tank/vm1":       {"lunar", "b:9000", "", "tank/vm1"},
		"lunar://b//srv/vm1.img":        {"lunar", "b:3261", "", "/srv/vm1.img"},
		"lunar://[fd00::1]/tank/vm1":    {"lunar", "[fd00::1]:3261", "", "tank/vm1"},
		"ssh://op@b:22/tank/vm1":        {"ssh", "op@b", "22", "tank/vm1"},
		"ssh://b//srv/with%20blank.img": {"ssh", "b", "", "/srv/with blank.img"},
	} {
		if got, err := ParseAddress(text); err != nil || got != want {
			t.Errorf("%s is %+v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "tank/vm1", "lunar:///tank", "lunar://b", "lunar://b/", "lunar://u@b/tank", "ssh://u:p@b/tank", "ssh://b/x?y", "http://b/x"} {
		if _, err := ParseAddress(text); !errors.Is(err, ErrAddress) {
			t.Errorf("%q: %v", text, err)
		}
	}
}
