//go:build peers

package wire

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/lunarsan/lunar/stream"
)

// A race is one stream that goes from one process to another over loopback, by ways that are
// taken in turn.
type race struct {
	t          *testing.T
	corpus     string
	length     int64
	folder     string
	sshPort    string
	congestion string // of TCP; "": as the system has it
}

// A lap is what a way took for the stream.
type lap struct {
	took time.Duration
	wire int64 // bytes that were compressed to; 0: not counted
}

func (l lap) speed(n int64) float64 { return float64(n) / l.took.Seconds() / 1e6 }

// rivalRounds is how often each way is taken; the quickest counts.
const rivalRounds = 3

// rivalFactor is how much faster we have to be at no worse a ratio. It is more than 1.5 on a machine that
// does nothing else.
const rivalFactor = 1.1

// TestPeerRivals holds the pipeline against mbuffer, zstd and ssh, on the same stream in the same run:
// LUNAR_RIVALS_CORPUS names it, or it is made of what is in /usr.
func TestPeerRivals(t *testing.T) {
	for _, tool := range []string{"mbuffer", "zstd", "ssh", "ssh-keygen", "/usr/sbin/sshd"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skip(err)
		}
	}
	r := &race{t: t, folder: t.TempDir(), corpus: os.Getenv("LUNAR_RIVALS_CORPUS")}
	if r.corpus == "" {
		r.corpus = filepath.Join(r.folder, "corpus")
		r.shell(fmt.Sprintf("tar cf - /usr/lib /usr/bin /usr/share 2>/dev/null | head -c 128M > %s", r.corpus))
	}
	info, err := os.Stat(r.corpus)
	if err != nil {
		t.Fatal(err)
	}
	r.length = info.Size()
	r.startSSH()
	for _, level := range []string{"1", "3"} {
		ratio := r.length * 100 / r.count(fmt.Sprintf("zstd -q -%s -T0 -c %s | wc -c", level, r.corpus))
		theirs, ours := lap{took: time.Hour}, lap{took: time.Hour}
		for range rivalRounds {
			if l := r.theirs(level); l.took < theirs.took {
				theirs = l
			}
			if l := r.ours("zstd-" + level); l.took < ours.took {
				ours = l
			}
		}
		factor := theirs.took.Seconds() / ours.took.Seconds()
		t.Logf("zstd -%s: theirs %.0f MB/s at %.2f:1, ours %.0f MB/s at %.2f:1, %.2f times as fast",
			level, theirs.speed(r.length), float64(ratio)/100, ours.speed(r.length), float64(r.length)/float64(ours.wire), factor)
		if shorter := float64(r.length)/float64(ours.wire)*100 >= float64(ratio); shorter && factor < rivalFactor {
			t.Errorf("only %.2f times as fast", factor)
		}
	}
	for _, compress := range []string{"auto", "none"} {
		l := r.ours(compress)
		t.Logf("%s: %.0f MB/s at %.2f:1", compress, l.speed(r.length), float64(r.length)/float64(l.wire))
	}
}

// shell runs a command line, and returns what it prints.
func (r *race) shell(line string) string {
	r.t.Helper()
	var said bytes.Buffer
	cmd := exec.Command("sh", "-c", line)
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		r.t.Fatalf("%s: %v: %s", line, err, &said)
	}
	return strings.TrimSpace(string(out))
}

func (r *race) count(line string) int64 {
	r.t.Helper()
	n, err := strconv.ParseInt(r.shell(line), 10, 64)
	if err != nil {
		r.t.Fatal(err)
	}
	return n
}

// startSSH starts a server of its own, with keys of its own.
func (r *race) startSSH() {
	r.t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		r.t.Fatal(err)
	}
	_, r.sshPort, _ = net.SplitHostPort(ln.Addr().String())
	_ = ln.Close() // the port is for sshd
	r.shell(fmt.Sprintf("cd %s && ssh-keygen -q -t ed25519 -N '' -f host && ssh-keygen -q -t ed25519 -N '' -f user && chmod 700 . && mkdir -p /run/sshd", r.folder))
	config := fmt.Sprintf("Port %s\nListenAddress 127.0.0.1\nHostKey %s/host\nAuthorizedKeysFile %s/user.pub\nStrictModes no\nPermitRootLogin yes\nUsePAM no\nPidFile none\n", r.sshPort, r.folder, r.folder)
	if err := os.WriteFile(filepath.Join(r.folder, "sshd"), []byte(config), 0o600); err != nil {
		r.t.Fatal(err)
	}
	cmd := exec.Command("/usr/sbin/sshd", "-D", "-f", filepath.Join(r.folder, "sshd"))
	if err := cmd.Start(); err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
	})
	for range 100 {
		if c, err := net.Dial("tcp", "127.0.0.1:"+r.sshPort); err == nil {
			_ = c.Close()
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	r.t.Fatal("sshd does not listen")
}

// theirs is the pipeline that people make.
func (r *race) theirs(level string) lap {
	r.t.Helper()
	begun := time.Now()
	r.shell(fmt.Sprintf("mbuffer -q -s 128k -m 64M -i %s | zstd -q -%s -T0 -c | ssh -p %s -i %s/user -o BatchMode=yes -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR 127.0.0.1 'zstd -q -d -c | mbuffer -q -s 128k -m 64M > /dev/null'",
		r.corpus, level, r.sshPort, r.folder))
	return lap{took: time.Since(begun)}
}

// ours is a link to another process that throws away what comes.
func (r *race) ours(compress string) lap {
	r.t.Helper()
	begun := time.Now()
	address, end := startSink(r.t, exec.Command(os.Args[0]), r.folder, "")
	defer end()
	in, err := os.Open(r.corpus)
	if err != nil {
		r.t.Fatal(err)
	}
	defer in.Close()
	wire := r.send(address, compress, 1, in)
	return lap{took: time.Since(begun), wire: wire}
}

// send sends a stream to a sink, and returns how many bytes went over the wire.
func (r *race) send(address, compress string, connections int, in io.Reader) int64 {
	r.t.Helper()
	source, sink, err := sinkIdentities(r.folder)
	if err != nil {
		r.t.Fatal(err)
	}
	c, err := ParseCompression(compress)
	if err != nil {
		r.t.Fatal(err)
	}
	l, err := Connect(r.t.Context(), r.dial(source, address, sink.Fingerprint()), Options{Name: "sink", Compress: c, Connections: connections})
	if err != nil {
		r.t.Fatal(err)
	}
	if _, err := l.Volume("v").Receive(r.t.Context(), in, stream.Receive{}); err != nil {
		r.t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		r.t.Fatal(err)
	}
	return l.Traffic().Wire
}
