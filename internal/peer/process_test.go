package peer

import (
	"errors"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"
)

func TestProcess(t *testing.T) {
	t.Run("stop", func(t *testing.T) {
		p, err := start(t.TempDir(), "sleep", "100")
		if err != nil {
			t.Fatal(err)
		}
		if err := p.Stop(); err != nil {
			t.Error(err)
		}
		if err := p.Stop(); err != nil {
			t.Errorf("second Stop: %v", err)
		}
	})
	t.Run("kill", func(t *testing.T) {
		p, err := start(t.TempDir(), "sleep", "100")
		if err != nil {
			t.Fatal(err)
		}
		p.Kill()
		if err := p.Stop(); err == nil {
			t.Error("Stop does not tell that the process was killed")
		}
	})
	t.Run("ends early", func(t *testing.T) {
		p, err := start(t.TempDir(), "sh", "-c", "echo no such disk; exit 3")
		if err != nil {
			t.Fatal(err)
		}
		if err := p.await("127.0.0.1:1", time.Minute); err == nil || !strings.Contains(err.Error(), "no such disk") {
			t.Errorf("await = %v, want what the process printed", err)
		}
		if err := p.Stop(); err == nil {
			t.Error("Stop hides exit status 3")
		}
	})
	t.Run("missing", func(t *testing.T) {
		t.Setenv("PATH", t.TempDir())
		_, err := find("iscsi-ls")
		var missing Missing
		if err != nil && (!errors.As(err, &missing) || missing.Package != "libiscsi-bin") {
			t.Errorf("find = %v, want the package to install", err)
		}
		if _, err := find("no-such-program"); err == nil {
			t.Error("a program that does not exist was found")
		}
	})
}

func TestFreePort(t *testing.T) {
	port, err := FreePort()
	if err != nil {
		t.Fatal(err)
	}
	if port < 20000 || port >= 32000 {
		t.Errorf("port %d", port)
	}
	l, err := net.Listen("tcp", "127.0.0.1:"+strconv.Itoa(port))
	if err != nil {
		t.Fatalf("the port is not free: %v", err)
	}
	l.Close()
}
