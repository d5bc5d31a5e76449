package control

import (
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// listenNotify is a service manager's end of sd_notify.
func listenNotify(t *testing.T) (next func() string) {
	t.Helper()
	c := notifySocket(t)
	return func() string {
		c.SetReadDeadline(time.Now().Add(10 * time.Second))
		var b [256]byte
		n, err := c.Read(b[:])
		if err != nil {
			t.Fatal(err)
		}
		return string(b[:n])
	}
}

func notifySocket(t *testing.T) *net.UnixConn {
	t.Helper()
	path := filepath.Join(shortDir(t), "n")
	c, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	t.Setenv("NOTIFY_SOCKET", path)
	return c
}

func TestNotify(t *testing.T) {
	next := listenNotify(t)
	t.Setenv("WATCHDOG_USEC", "2000000")
	c := new(clock)
	r := start(t, func(o *Options) { o.wait = c.wait })
	if got := next(); got != "READY=1" {
		t.Errorf("at the start %q", got)
	}
	pinged := make(chan string)
	go func() { pinged <- next() }()
	var ping string
	c.until(t, "a ping", func() bool {
		select {
		case ping = <-pinged:
			return true
		default:
			return false
		}
	})
	if !strings.HasPrefix(ping, "WATCHDOG=1\nSTATUS=0 units, 0 sessions") {
		t.Errorf("while it lives %q", ping)
	}
	r.end()
	for got := next(); got != "STOPPING=1"; got = next() {
		if !strings.HasPrefix(got, "WATCHDOG=1") {
			t.Fatalf("at the end %q", got)
		}
	}
}

func TestWatchdogInterval(t *testing.T) {
	for _, test := range []struct {
		usec, pid string
		want      time.Duration
	}{
		{"", "", 0},
		{"x", "", 0},
		{"-1", "", 0},
		{"30000000", "", 15 * time.Second},
		{"30000000", strconv.Itoa(os.Getpid()), 15 * time.Second},
		{"30000000", "1", 0},
	} {
		t.Setenv("WATCHDOG_USEC", test.usec)
		t.Setenv("WATCHDOG_PID", test.pid)
		if got := watchdogInterval(); got != test.want {
			t.Errorf("%+v: %v", test, got)
		}
	}
}

func TestNotifyNobody(t *testing.T) {
	t.Setenv("NOTIFY_SOCKET", filepath.Join(shortDir(t), "none"))
	notify("READY=1") // must not fail
	t.Setenv("NOTIFY_SOCKET", "")
	notify("READY=1")
}
