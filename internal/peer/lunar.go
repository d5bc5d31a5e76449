package peer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Build builds the daemon of the checkout at root into dir, with flags of go build, and
// returns its path. Its name keeps it out of the way of whoever ends the lunar that they have
// running.
func Build(root, dir string, flags ...string) (string, error) {
	binary := filepath.Join(dir, "lunar-under-test")
	cmd := exec.Command("go", append(append([]string{"build", "-o", binary}, flags...), "./cmd/lunar")...)
	cmd.Dir = root
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build ./cmd/lunar: %w\n%s", err, out)
	}
	return binary, nil
}

// Checkout is the root of the checkout that the caller runs in.
func Checkout() (string, error) {
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}").Output()
	if err != nil {
		return "", fmt.Errorf("go list -m: %w", err)
	}
	return strings.TrimSpace(string(out)), nil
}

// Lunar is our daemon, with state of its own and one target.
type Lunar struct {
	*Process
	Binary string
	Keeper *Keeper // who keeps its sockets while it restarts; nil: nobody
	dir    string
	addr   string
	args   []string // beside the listener, the state and the socket
	guids  []string // of the units, in order
}

// StartLunar starts the daemon on a free port with units, shown without authentication.
// SendTargets names the portal by the host announce, where that is not empty.
func StartLunar(ctx context.Context, dir, binary, announce string, units ...Unit) (*Lunar, error) {
	port, err := FreePort()
	if err != nil {
		return nil, err
	}
	l := &Lunar{Binary: binary, dir: dir, addr: fmt.Sprintf("127.0.0.1:%d", port)}
	if announce != "" {
		l.args = []string{"--announce", fmt.Sprintf("%s:%d", announce, port)}
	}
	if err := l.Start(); err != nil {
		return nil, err
	}
	if err := l.configure(ctx, units); err != nil {
		_ = l.Stop()
		return nil, err
	}
	return l, nil
}

// Start starts the daemon again after Stop or Kill, with the state it had.
func (l *Lunar) Start() (err error) {
	args := append([]string{"serve", "--listen", l.addr, "--state", filepath.Join(l.dir, "state"), "--api", l.socket()}, l.args...)
	prepare := func(*exec.Cmd) {}
	if l.Keeper != nil {
		prepare = l.Keeper.Hand
	}
	if l.Process, err = startWith(prepare, l.dir, l.Binary, args...); err != nil {
		return err
	}
	if err := l.await(l.addr, 20*time.Second); err != nil {
		_ = l.Stop()
		return err
	}
	return nil
}

// Restart stops the daemon in order and starts it again.
func (l *Lunar) Restart() error {
	if err := l.Stop(); err != nil {
		return err
	}
	return l.Start()
}

func (l *Lunar) configure(ctx context.Context, units []Unit) error {
	for _, u := range units {
		args := []string{"lu", "create", u.Path, "--json", "--size", strconv.FormatInt(u.Size, 10), "--write-cache", onOff(u.WriteCache)}
		if u.BlockSize != 0 {
			args = append(args, "--block-size", strconv.Itoa(u.BlockSize))
		}
		if u.Thin {
			// However full the machine's disk is: initiators are told of that where they do not expect it.
			args = append(args, "--thin", "--alarm", "100")
		}
		if u.ReadOnly {
			args = append(args, "--read-only")
		}
		out, err := l.CLI(ctx, args...)
		if err != nil {
			return err
		}
		var made struct {
			GUID string `json:"guid"`
		}
		if err := json.Unmarshal([]byte(out), &made); err != nil {
			return fmt.Errorf("lunar lu create %s: %w\n%s", u.Path, err, out)
		}
		l.guids = append(l.guids, made.GUID)
	}
	_, err := l.CLI(ctx, "target", "create", "-n", iqn)
	return err
}

// CLI runs a verb of the command line against the daemon and returns what it printed.
func (l *Lunar) CLI(ctx context.Context, args ...string) (string, error) {
	out, err := Output(ctx, []string{"LUNAR_API=" + l.socket()}, l.Binary, args...)
	if err != nil {
		return out, fmt.Errorf("lunar %s: %w\n%s", strings.Join(args, " "), err, out)
	}
	return out, nil
}

// Resize changes the capacity of a unit, to size bytes.
func (l *Lunar) Resize(ctx context.Context, unit int, size int64) error {
	_, err := l.CLI(ctx, "lu", "resize", l.guids[unit], strconv.FormatInt(size, 10))
	return err
}

// Get asks the daemon's API for a path.
func (l *Lunar) Get(ctx context.Context, path string) (_ []byte, err error) {
	client := http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", l.socket())
		},
	}}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://lunar"+path, nil)
	if err != nil {
		return nil, err
	}
	answer, err := client.Do(r)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, answer.Body.Close()) }()
	text, err := io.ReadAll(answer.Body)
	if err == nil && answer.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s\n%s", path, answer.Status, text)
	}
	return text, err
}

func (l *Lunar) socket() string   { return filepath.Join(l.dir, "api.sock") }
func (l *Lunar) Name() string     { return "lunar" }
func (l *Lunar) Portal() string   { return l.addr }
func (l *Lunar) IQN() string      { return iqn }
func (l *Lunar) LUN(unit int) int { return unit }

func onOff(on bool) string {
	if on {
		return "on"
	}
	return "off"
}
