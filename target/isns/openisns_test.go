package isns

import (
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// openISNS runs Open-iSNS's server on the loopback, without authentication, and returns its
// address and what asks it.
func openISNS(t *testing.T) (server string, query func(args ...string) string) {
	t.Helper()
	for _, tool := range []string{"isnsd", "isnsadm"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("%s is not installed (Debian: open-isns-server, open-isns-utils)", tool)
		}
	}
	dir := t.TempDir()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server = l.Addr().String()
	l.Close()
	config := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	const control = "iqn.2026-11.org.example:control"
	daemon := config("isnsd.conf", fmt.Sprintf("SourceName = iqn.2026-11.org.example:server\nBindAddress = %s\nDatabase = %s/db\nSecurity = 0\nSLPRegister = 0\nDefaultDiscoveryDomain = 1\nRegistrationPeriod = 60\nPIDFile = %s/pid\n", server, dir, dir))
	client := config("isnsadm.conf", fmt.Sprintf("SourceName = %s\nServerAddress = %s\nSecurity = 0\n", control, server))
	cmd := exec.Command("isnsd", "-f", "-4", "-c", daemon)
	var log strings.Builder
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
		if t.Failed() {
			t.Logf("the server said:\n%s", &log)
		}
	})
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		c, err := net.Dial("tcp", server)
		if err == nil {
			c.Close()
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("isnsd does not listen: %v\n%s", err, &log)
		}
	}
	return server, func(args ...string) string {
		t.Helper()
		out, err := exec.Command("isnsadm", append([]string{"-c", client}, args...)...).CombinedOutput()
		if err != nil {
			return fmt.Sprintf("%s(%v)", out, err)
		}
		return string(out)
	}
}

// TestOpenISNS registers at a server that others have written, changes what is there, and leaves.
func TestOpenISNS(t *testing.T) {
	server, query := openISNS(t)
	entity := testEntity()
	r := &Registrar{Server: server, Log: slog.New(slog.DiscardHandler), Entity: func() (Entity, error) { return entity, nil }}
	update := func() {
		t.Helper()
		if err := r.update(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	check := func(args string, want ...string) {
		t.Helper()
		got := query(strings.Fields(args)...)
		for _, w := range want {
			if w, absent := strings.CutPrefix(w, "not "); strings.Contains(got, w) == absent {
				t.Errorf("isnsadm %s says %q, want %q, absent: %v", args, got, w, absent)
			}
		}
	}
	update()
	if r.period != time.Minute {
		t.Errorf("the period is %v, where the server keeps entities for a minute", r.period)
	}
	check("--list entities", `"store.example.org-1a2b3c4d"`, "Entity protocol = iSCSI")
	check("--list nodes", `"iqn.2026-11.org.example:both"`, `"iqn.2026-11.org.example:one"`, "node type = Target", `alias = "Both"`)
	check("--list portals", "192.0.2.1", "2001:db8::1", "3260/tcp", "198.51.100.1", "3261/tcp")
	value := regexp.MustCompile(`Portal group (?:name|address|port|tag) = (\S+)`)
	var groups []string
	for _, m := range value.FindAllStringSubmatch(query("--list", "portal-groups"), -1) {
		groups = append(groups, m[1])
	}
	want := []string{ // and that one target is not reached through tag 1
		`"iqn.2026-11.org.example:both"`, "192.0.2.1", "3260/tcp", "1",
		`"iqn.2026-11.org.example:both"`, "198.51.100.1", "3261/tcp", "7",
		`"iqn.2026-11.org.example:both"`, "2001:db8::1", "3260/tcp", "1",
		`"iqn.2026-11.org.example:one"`, "198.51.100.1", "3261/tcp", "7",
	}
	if diff := cmp.Diff(want, groups); diff != "" {
		t.Errorf("portal groups (-want +got):\n%s", diff)
	}

	r.heard = time.Now().Add(-time.Hour) // a refresh is due
	update()
	if time.Since(r.heard) > time.Minute {
		t.Error("the registration was not refreshed")
	}

	entity.Targets[1].Name = "iqn.2026-11.org.example:other"
	entity.Portals = entity.Portals[1:]
	update()
	check("--list nodes", `"iqn.2026-11.org.example:both"`, `"iqn.2026-11.org.example:other"`, `not example:one"`)
	check("--list portals", "2001:db8::1", "not 192.0.2.1")
	entity.Targets = entity.Targets[1:] // and with it who spoke for the entity
	update()
	check("--list nodes", `not example:both"`, `"iqn.2026-11.org.example:other"`)

	for i := range 60 { // more than fits into one message
		entity.Targets = append(entity.Targets, Target{Name: fmt.Sprintf("iqn.2026-11.org.example:%0100d", i), Groups: []uint16{7}})
	}
	update()
	check("--list nodes", `"iqn.2026-11.org.example:other"`, fmt.Sprintf(`example:%0100d"`, 0), fmt.Sprintf(`example:%0100d"`, 59))
	entity.Targets = nil
	update()
	check("--list nodes", "not iqn.2026-11.org.example")
	check("--list entities", "not store.example.org")
	if r.registered != nil {
		t.Error("nothing is still registered")
	}
}
