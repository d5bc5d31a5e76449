package peer

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Istgt is Debian's istgt.
type Istgt struct {
	*Process
	addr string
}

// StartIstgt starts istgt with units. It knows no thin ones.
func StartIstgt(_ context.Context, dir string, units ...Unit) (*Istgt, error) {
	port, err := FreePort()
	if err != nil {
		return nil, err
	}
	t := &Istgt{addr: fmt.Sprintf("127.0.0.1:%d", port)}
	for _, u := range units {
		if err := makeFile(u); err != nil {
			return nil, err
		}
	}
	config, err := t.configure(dir, units)
	if err != nil {
		return nil, err
	}
	if t.Process, err = start(dir, "istgt", "-D", "-c", config); err != nil {
		return nil, err
	}
	if err := t.await(t.addr, 10*time.Second); err != nil {
		_ = t.Stop()
		return nil, err
	}
	return t, nil
}

// configure writes the configuration and returns its path. Where istgt has a choice, it gets
// what the others have: deep queues, long bursts, data with the command.
func (t *Istgt) configure(dir string, units []Unit) (string, error) {
	var b strings.Builder
	section := func(name string, lines ...string) { fmt.Fprintf(&b, "[%s]\n  %s\n", name, strings.Join(lines, "\n  ")) }
	section("Global",
		"PidFile "+filepath.Join(dir, "istgt.pid"), "AuthFile "+filepath.Join(dir, "istgt.auth"),
		"LogFacility local7", "DiscoveryAuthMethod None",
		"MaxSessions 1024", "MaxConnections 1", "MaxOutstandingR2T 16", "ImmediateData Yes",
		"FirstBurstLength 262144", "MaxBurstLength 1048576", "MaxRecvDataSegmentLength 262144")
	section("UnitControl")
	section("PortalGroup1", "Portal DA1 "+t.addr)
	section("InitiatorGroup1", "InitiatorName ALL", "Netmask 127.0.0.0/8")
	unit := []string{
		"TargetName " + iqn, "Mapping PortalGroup1 InitiatorGroup1", "AuthMethod None",
		"UseDigest Auto", "UnitType Disk", "QueueDepth 128",
	}
	for i, u := range units {
		cache := "Disable"
		if u.WriteCache {
			cache = "Enable"
		}
		unit = append(unit, fmt.Sprintf("LUN%d Storage %s %dMB", i, u.Path, u.Size>>20), fmt.Sprintf("LUN%d Option WriteCache %s", i, cache))
		if u.BlockSize != 0 {
			unit = append(unit, fmt.Sprintf("BlockLength %d", u.BlockSize))
		}
	}
	section("LogicalUnit1", unit...)
	if err := os.WriteFile(filepath.Join(dir, "istgt.auth"), nil, 0o600); err != nil {
		return "", err
	}
	name := filepath.Join(dir, "istgt.conf")
	return name, os.WriteFile(name, []byte(b.String()), 0o600)
}

// Stop ends it at once: asked politely, istgt waits for its threads, and there is nothing here
// that it could lose.
func (t *Istgt) Stop() error {
	t.Kill()
	return nil
}

func (t *Istgt) Name() string     { return "istgt" }
func (t *Istgt) Portal() string   { return t.addr }
func (t *Istgt) IQN() string      { return iqn }
func (t *Istgt) LUN(unit int) int { return unit }
