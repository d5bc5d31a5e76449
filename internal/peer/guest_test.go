//go:build e2e

package peer

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

const (
	guestScripts   = "../../testdata/guest"
	guestInitiator = "iqn.2026-01.io.lunarsan:guest"
)

// guest finds or builds the virtual machine; where it may not be built the test is left out.
func guest(t *testing.T) *Guest {
	t.Helper()
	return guestOf(t, "build")
}

// guestOf is guest of another script that builds it.
func guestOf(t *testing.T, build string) *Guest {
	t.Helper()
	scripts, err := filepath.Abs(guestScripts)
	if err != nil {
		t.Fatal(err)
	}
	g, err := OpenGuest(t.Context(), scripts, build)
	var notHere NotHere
	if errors.As(err, &notHere) {
		t.Skip(notHere)
	}
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// serveGuest starts the daemon under the address that the guest knows this machine by.
func serveGuest(t *testing.T, units ...Unit) *Lunar {
	t.Helper()
	lunar, err := StartLunar(t.Context(), t.TempDir(), build(t), "10.0.2.2", units...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := lunar.Stop(); err != nil {
			t.Error(err)
		}
		if t.Failed() {
			t.Log(tail(lunar.Log(), 40))
		}
	})
	return lunar
}

// runGuest runs a script in the guest and reports each of its checks as a test.
func runGuest(t *testing.T, g *Guest, lunar *Lunar, script string, env map[string]string, asks map[string]func() error) {
	t.Helper()
	runGuestIn(t, g, lunar, t.TempDir(), script, env, asks)
}

// runGuestIn is runGuest with a folder of the caller's, which is /out inside.
func runGuestIn(t *testing.T, g *Guest, lunar *Lunar, out, script string, env map[string]string, asks map[string]func() error) {
	t.Helper()
	_, port, _ := strings.Cut(lunar.Portal(), ":")
	all := map[string]string{"PORTAL": "10.0.2.2:" + port, "IQN": lunar.IQN(), "INITIATOR": guestInitiator}
	maps.Copy(all, env)
	results, err := g.Run(t.Context(), out, script, all, asks)
	report(t, results, err)
}

// report makes a test of each check.
func report(t *testing.T, results []Result, err error) {
	t.Helper()
	for _, r := range results {
		if r.Test == "note" {
			t.Log(r.Detail)
			continue
		}
		t.Run(r.Test, func(t *testing.T) {
			if r.Verdict != Pass {
				t.Error(r.Detail)
			}
		})
	}
	if err != nil {
		t.Error(err)
	}
	if len(results) == 0 {
		t.Error("no check ran")
	}
}

// TestGuestDisk: a disk's life in the hands of Linux's initiator.
func TestGuestDisk(t *testing.T) {
	g := guest(t)
	const size, grown = 512 << 20, 768 << 20
	unit := filepath.Join(t.TempDir(), "unit")
	lunar := serveGuest(t, Unit{Path: unit, Size: size, Thin: true})
	runGuest(t, g, lunar, "disk.sh", map[string]string{"NEWSIZE": strconv.Itoa(grown)}, map[string]func() error{
		"resize": func() error {
			out, err := lunar.CLI(t.Context(), "lu", "list", "--json")
			if err != nil {
				return err
			}
			guid := regexp.MustCompile(`(?i)\b[0-9a-f]{32}\b`).FindString(out)
			_, err = lunar.CLI(t.Context(), "lu", "resize", guid, strconv.Itoa(grown))
			return err
		},
	})
	if info, err := os.Stat(unit); err != nil || info.Size() != grown {
		t.Errorf("the store is %v (%v), want %d bytes", info, err, grown)
	}
}

// TestGuestCommands: what sg3-utils make of two disks.
func TestGuestCommands(t *testing.T) {
	g := guest(t)
	dir := t.TempDir()
	lunar := serveGuest(t,
		Unit{Path: filepath.Join(dir, "unit0"), Size: 128 << 20, Thin: true},
		Unit{Path: filepath.Join(dir, "unit1"), Size: 128 << 20, Thin: true})
	runGuest(t, g, lunar, "commands.sh", nil, nil)
}

// TestGuestLogin: digests, and CHAP in both directions.
func TestGuestLogin(t *testing.T) {
	g := guest(t)
	lunar := serveGuest(t, Unit{Path: filepath.Join(t.TempDir(), "unit"), Size: 128 << 20, Thin: true, WriteCache: true})
	cli := func(args ...string) {
		t.Helper()
		if _, err := lunar.CLI(t.Context(), args...); err != nil {
			t.Fatal(err)
		}
	}
	const chap, mutual = iqn + "-chap", iqn + "-mutual"
	cli("initiator", "create", guestInitiator, "--chap-user", guestInitiator, "--chap-secret-file", secretFile(t, secret))
	cli("target", "create", "-n", chap, "--auth", "chap")
	cli("target", "create", "-n", mutual, "--auth", "mutual", "--chap-user", targetUser, "--chap-secret-file", secretFile(t, targetSecret))
	runGuest(t, g, lunar, "login.sh", map[string]string{
		"IQN_CHAP": chap, "IQN_MUTUAL": mutual,
		"SECRET": secret, "TARGET_USER": targetUser, "TARGET_SECRET": targetSecret,
	}, nil)
}

// TestGuestPlug: the daemon's plug is pulled under load and put back.
func TestGuestPlug(t *testing.T) {
	g := guest(t)
	dir := t.TempDir()
	lunar := serveGuest(t,
		Unit{Path: filepath.Join(dir, "unit0"), Size: 512 << 20, Thin: true},
		Unit{Path: filepath.Join(dir, "unit1"), Size: 512 << 20, Thin: true, WriteCache: true})
	runGuest(t, g, lunar, "plug.sh", nil, map[string]func() error{
		"pull": func() error { lunar.Kill(); return nil },
		"plug": lunar.Start,
	})
}

// TestGuestRestart: the daemon restarts under load, and nobody hears of it.
func TestGuestRestart(t *testing.T) {
	g := guest(t)
	const size, grown = 256 << 20, 384 << 20
	lunar := serveGuest(t, Unit{Path: filepath.Join(t.TempDir(), "unit"), Size: size, Thin: true})
	asks := map[string]func() error{
		"grow-and-restart": func() error { // GUIDs begin with 6024
			if _, err := lunar.CLI(t.Context(), "lu", "resize", "6024", strconv.Itoa(grown)); err != nil {
				return err
			}
			return lunar.Restart()
		},
	}
	kill := func() error {
		lunar.Kill()
		return lunar.Start()
	}
	asks["keep"] = func() (err error) {
		if lunar.Keeper, err = NewKeeper(t.TempDir()); err != nil {
			return err
		}
		t.Cleanup(func() { lunar.Keeper.Close() })
		return lunar.Restart()
	}
	asks["kept-1"], asks["kept-2"], asks["kept-3"] = lunar.Restart, kill, lunar.Restart
	for n := range 3 {
		asks["stop-"+strconv.Itoa(n+1)] = lunar.Restart
		asks["kill-"+strconv.Itoa(n+1)] = kill
	}
	runGuest(t, g, lunar, "restart.sh", map[string]string{"NEWSIZE": strconv.Itoa(grown)}, asks)
}

// TestGuestPaths: two paths with states, which the host and then the guest change.
func TestGuestPaths(t *testing.T) {
	g := guest(t)
	lunar := serveGuest(t, Unit{Path: filepath.Join(t.TempDir(), "unit"), Size: 128 << 20, Thin: true})
	second := newPortal(t, lunar, "second")
	if err := second.listen("--alua-group", "2", "--alua-state", "non-optimized"); err != nil {
		t.Fatal(err)
	}
	cli := func(args ...string) error {
		_, err := lunar.CLI(t.Context(), args...)
		return err
	}
	runGuest(t, g, lunar, "paths.sh", map[string]string{"PORTAL2": second.announced}, map[string]func() error{
		"standby":  func() error { return cli("tpg", "modify", "default", "--alua-state", "standby") },
		"explicit": func() error { return cli("tpg", "modify", "default", "--alua", "explicit") },
	})
}

// TestGuestMultipath: dm-multipath makes one device of two paths, and outlives the loss of one.
func TestGuestMultipath(t *testing.T) {
	g := guest(t)
	lunar := serveGuest(t, Unit{Path: filepath.Join(t.TempDir(), "unit"), Size: 128 << 20, Thin: true})
	first, second := newPortal(t, lunar, "first"), newPortal(t, lunar, "second")
	optimized := func() error { return first.listen("--alua-group", "2", "--alua-state", "optimized") }
	if err := errors.Join(optimized(), second.listen("--alua-group", "3", "--alua-state", "non-optimized")); err != nil {
		t.Fatal(err)
	}
	runGuest(t, g, lunar, "multipath.sh", map[string]string{"PORTAL": first.announced, "PORTAL2": second.announced}, map[string]func() error{
		"lose": func() error {
			_, err := lunar.CLI(t.Context(), "tpg", "delete", "first", "--force")
			return err
		},
		"back": optimized,
	})
}

// A portal is one more portal group of the daemon, that the guest can reach.
type portal struct {
	lunar     *Lunar
	name      string
	port      int
	announced string
}

func newPortal(t *testing.T, lunar *Lunar, name string) *portal {
	t.Helper()
	port, err := FreePort()
	if err != nil {
		t.Fatal(err)
	}
	return &portal{lunar, name, port, fmt.Sprintf("10.0.2.2:%d", port)}
}

// listen makes the portal group, with what else the command line is to have.
func (p *portal) listen(args ...string) error {
	args = append([]string{"tpg", "create", p.name, fmt.Sprintf("127.0.0.1:%d", p.port), "--announce", p.announced}, args...)
	_, err := p.lunar.CLI(context.Background(), args...)
	return err
}

// TestGuestLife: units that are taken away, for a while and for good, and come back.
func TestGuestLife(t *testing.T) {
	g := guest(t)
	dir, out := t.TempDir(), t.TempDir()
	lunar := serveGuest(t,
		Unit{Path: filepath.Join(dir, "unit0"), Size: 64 << 20, Thin: true},
		Unit{Path: filepath.Join(dir, "unit1"), Size: 64 << 20, Thin: true})
	list, err := lunar.CLI(t.Context(), "lu", "list", "--json")
	if err != nil {
		t.Fatal(err)
	}
	first := regexp.MustCompile(`\b[0-9a-f]{32}\b`).FindString(list)
	cli := func(args ...string) func() error {
		return func() error {
			_, err := lunar.CLI(t.Context(), args...)
			return err
		}
	}
	runGuestIn(t, g, lunar, out, "life.sh", nil, map[string]func() error{
		"maintenance": cli("lu", "offline", first, "--for", "maintenance", "--force"),
		"online":      cli("lu", "online", first),
		"refused": func() error {
			said, err := lunar.CLI(t.Context(), "lu", "retire", first)
			if err == nil {
				return errors.New("a unit in use was retired")
			}
			return os.WriteFile(filepath.Join(out, "refusal"), []byte(said), 0o600)
		},
		"retire": cli("lu", "retire", first, "--force"),
		"back":   cli("lu", "online", first),
	})
}
