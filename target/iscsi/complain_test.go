package iscsi_test

import (
	"bytes"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"github.com/lunarsan/lunar/sbd"
	"github.com/lunarsan/lunar/target/iscsi"
	"github.com/lunarsan/lunar/target/iscsi/initiator"
)

// A page keeps the log lines written to it.
type page struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (p *page) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.b.Write(b)
}

// line returns the first line that contains s.
func (p *page) line(s string) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	for line := range strings.Lines(p.b.String()) {
		if strings.Contains(line, s) {
			return line
		}
	}
	return ""
}

// TestFailuresAreLogged: what the store said reaches the log, which no initiator can tell.
// That a command was refused does for those who debug.
func TestFailuresAreLogged(t *testing.T) {
	for _, level := range []slog.Level{slog.LevelInfo, slog.LevelDebug} {
		var log page
		r := newRig(t, setup{opts: iscsi.Options{Log: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: level}))}})
		r.store.Add(sbd.Rule{Calls: sbd.CallRead, Err: sbd.ErrMedium})
		c := r.login(initiator.Options{})
		for _, cdb := range [][]byte{read10(7, 1), {0xFF, 0, 0, 0, 0, 0}} {
			cmd := &initiator.Command{CDB: cdb, In: make([]byte, 512)}
			if err := c.Start(cmd); err != nil {
				t.Fatal(err)
			}
			if err := c.Wait(cmd); err != nil {
				t.Fatal(err)
			}
		}
		r.logout(c)
		failed := log.line("READ(10)")
		for _, want := range []string{"level=WARN", "2800000000070000010", "lun=0", "03/11/00", sbd.ErrMedium.Error(), rigInitiator} {
			if !strings.Contains(failed, want) {
				t.Errorf("at level %v the log line of a failed read has no %q: %s", level, want, failed)
			}
		}
		if refused := log.line("opcode FFh"); (refused != "") != (level == slog.LevelDebug) {
			t.Errorf("at level %v the log has of a refused command: %q", level, refused)
		}
	}
}
