package radius

import (
	"crypto/md5"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// freeRADIUS runs FreeRADIUS on the loopback, which knows the user host and takes signed requests
// alone, and returns its address.
func freeRADIUS(t *testing.T) string {
	t.Helper()
	program, err := exec.LookPath("freeradius")
	if err != nil {
		t.Skip("freeradius is not installed (Debian: freeradius)")
	}
	c, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := c.LocalAddr().String()
	c.Close()
	host, port, _ := net.SplitHostPort(server)
	dir := t.TempDir()
	for name, text := range map[string]string{
		"dictionary": "$INCLUDE /usr/share/freeradius/dictionary\n",
		"users":      fmt.Sprintf("host Cleartext-Password := %q, Called-Station-Id == \"iqn.2026-11.org.example:disks\"\n", hostPassword),
		"radiusd.conf": fmt.Sprintf(`
name = freeradius
logdir = %[1]s
run_dir = %[1]s
libdir = /usr/lib/freeradius
pidfile = %[1]s/pid
max_requests = 64
thread pool {
	start_servers = 2
	max_servers = 4
	min_spare_servers = 1
	max_spare_servers = 2
}
client lunar {
	ipaddr = 127.0.0.1
	secret = "%[2]s"
	require_message_authenticator = yes
}
modules {
	chap {
	}
	files {
		usersfile = %[1]s/users
	}
}
server default {
	listen {
		type = auth
		ipaddr = %[3]s
		port = %[4]s
	}
	authorize {
		update reply {
			Message-Authenticator = 0x00
		}
		files
		chap
	}
	authenticate {
		Auth-Type CHAP {
			chap
		}
	}
}
`, dir, testSecret, host, port),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command(program, "-f", "-l", "stdout", "-d", dir)
	log := &output{ready: make(chan struct{})}
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
		if t.Failed() {
			t.Logf("the server said:\n%s", log)
		}
	})
	select {
	case <-log.ready:
	case <-time.After(20 * time.Second):
		t.Fatal("the server does not start")
	}
	return server
}

// An output collects what a program prints.
type output struct {
	mu    sync.Mutex
	text  strings.Builder
	ready chan struct{} // closed when it serves
	once  sync.Once
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.text.Write(p)
	if strings.Contains(o.text.String(), "Ready to process requests") {
		o.once.Do(func() { close(o.ready) })
	}
	return len(p), nil
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

const hostPassword = "elephants-and-mice"

// TestFreeRADIUS asks a server that others have written.
func TestFreeRADIUS(t *testing.T) {
	c := &Client{Servers: []string{freeRADIUS(t)}, Secret: testSecret, NAS: "store"}
	ask := func(change func(*Request)) error {
		r := testRequest()
		copy(r.Challenge, "a challenge: 16b")
		change(r)
		proof := md5.Sum(append(append([]byte{r.ID}, r.Response...), r.Challenge...))
		r.Response = proof[:]
		return c.Authenticate(t.Context(), *r)
	}
	right := func(r *Request) { r.Response = []byte(hostPassword) }
	if err := ask(right); err != nil {
		t.Error(err)
	}
	if err := ask(func(r *Request) { right(r); r.Challenge = []byte(strings.Repeat("a challenge that is longer ", 5)) }); err != nil {
		t.Errorf("with a long challenge: %v", err)
	}
	for name, change := range map[string]func(*Request){
		"a wrong secret": func(r *Request) { r.Response = []byte("giraffes") },
		"another user":   func(r *Request) { right(r); r.User = "nobody" },
		"another target": func(r *Request) { right(r); r.Called = "iqn.2026-11.org.example:others" },
	} {
		if err := ask(change); !errors.Is(err, ErrRejected) {
			t.Errorf("%s: %v", name, err)
		}
	}
	c.Secret = []byte("not what the server has")
	if err := ask(right); err == nil || errors.Is(err, ErrRejected) {
		t.Errorf("with another shared secret: %v", err)
	}
}
