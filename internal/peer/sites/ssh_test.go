//go:build peers && linux

package sites

import (
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// startSSH starts a real sshd for the account that runs the tests, with keys of its own and a
// command that takes the place of every other. It returns what leads there, and a folder for PATH
// with an ssh that knows it.
func (r *rig) startSSH() (to, path string) {
	r.t.Helper()
	for _, tool := range []string{"ssh", "ssh-keygen", sshd} {
		if _, err := exec.LookPath(tool); err != nil {
			r.t.Skipf("openssh is not installed: %v", err)
		}
	}
	dir := filepath.Join(r.work, "ssh")
	r.check(os.MkdirAll(filepath.Join(dir, "run"), 0o700))
	for _, key := range []string{"host", "user"} {
		r.check(exec.Command("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", filepath.Join(dir, key)).Run())
	}
	public, err := os.ReadFile(filepath.Join(dir, "user.pub"))
	r.check(err)
	forced := fmt.Sprintf("env XDG_RUNTIME_DIR=%s/run %s receive --stdio --patience 1m --root %s", dir, lunar, r.work)
	r.file(dir, "authorized", fmt.Sprintf("command=%q,restrict %s", forced, public))
	l, err := net.Listen("tcp", "127.0.0.1:0")
	r.check(err)
	port := l.Addr().(*net.TCPAddr).Port // sshd's
	r.check(l.Close())
	r.file(dir, "config", fmt.Sprintf("Port %d\nListenAddress 127.0.0.1\nHostKey %s/host\nAuthorizedKeysFile %[2]s/authorized\nStrictModes no\nPermitRootLogin yes\nUsePAM no\nPidFile none\n", port, dir))
	if os.Geteuid() == 0 {
		r.check(os.MkdirAll("/run/sshd", 0o755)) // which it wants as root
	}
	cmd := exec.Command(sshd, "-D", "-e", "-f", filepath.Join(dir, "config"))
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	r.check(cmd.Start())
	r.t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
	})
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		if c, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port)); err == nil {
			c.Close()
			break
		}
		if time.Now().After(end) {
			r.t.Fatal("sshd does not listen")
		}
	}
	known, err := os.ReadFile(filepath.Join(dir, "host.pub"))
	r.check(err)
	r.file(dir, "known", fmt.Sprintf("[127.0.0.1]:%d %s", port, known))
	real, err := exec.LookPath("ssh")
	r.check(err)
	r.file(dir, "ssh", fmt.Sprintf("#!/bin/sh\nexec %s -F none -i %s/user -o UserKnownHostsFile=%[2]s/known -o LogLevel=ERROR \"$@\"\n", real, dir))
	who, err := user.Current()
	r.check(err)
	return fmt.Sprintf("ssh://%s@127.0.0.1:%d/", who.Username, port), dir
}

const sshd = "/usr/sbin/sshd"

func (r *rig) file(dir, name, text string) {
	r.t.Helper()
	r.check(os.WriteFile(filepath.Join(dir, name), []byte(text), 0o700))
}

// TestPeerSSH sends over a real ssh, whose forced command is lunar receive. A sender that is killed
// begins again at once: what it has left over there does not keep the volume from it.
func TestPeerSSH(t *testing.T) {
	r := newRig(t, 24)
	to, path := r.startSSH()
	t.Setenv("PATH", path+":"+os.Getenv("PATH"))
	to += filepath.Join(r.root, replica)
	send := func() *site {
		return r.start("send", r.source.Path(), to, "--all", "--history", "--limit", "20M", "--retries", "0", "--remote-command", "false")
	}
	sessions := filepath.Join(path, "run", "lunar")
	until := func(what string, found func(names []string) bool, pattern string) {
		t.Helper()
		for end := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) {
			names, err := filepath.Glob(filepath.Join(sessions, pattern))
			r.check(err)
			if found(names) {
				return
			}
			if time.Now().After(end) {
				t.Fatalf("%s: there are %v", what, names)
			}
		}
	}
	var has os.FileInfo // the socket of the process that has the volume
	for range 3 {
		s := send()
		until("another process has the volume", func(names []string) bool {
			if len(names) == 0 {
				return false
			}
			now, err := os.Stat(names[0])
			if err != nil || has != nil && os.SameFile(has, now) {
				return false
			}
			has = now
			return true
		}, "*.volume")
		time.Sleep(time.Duration(rand.Int64N(int64(300 * time.Millisecond)))) // somewhere in the stream
		s.kill()
	}
	r.sent(send())
	if n := r.whole(); n != len(r.sums) {
		t.Errorf("%d snapshots arrived", n)
	}
	until("the processes have ended", func(names []string) bool { return len(names) == 0 }, "*")

	r.newRoot()
	s := r.start("send", r.source.Path(), strings.Replace(to, "/dev/shm", "/dev", 1))
	r.refused(s, "is not below")
}
