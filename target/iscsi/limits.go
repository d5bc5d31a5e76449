package iscsi

import (
	"context"
	"encoding/hex"
	"log/slog"
	"net/netip"
	"sync"

	"github.com/lunarsan/lunar/scsi"
)

// A gate bounds the connections that have not logged in yet: in all, and per source address.
// Sessions are not bounded by it, and never known by address.
type gate struct {
	max, maxPerAddress int

	mu        sync.Mutex
	all       int
	byAddress map[netip.Addr]int
}

// enter lets a connection from a in, or says no. Every one that got in leaves, once.
func (g *gate) enter(a netip.Addr) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.all >= g.max || g.byAddress[a] >= g.maxPerAddress {
		return false
	}
	if g.byAddress == nil {
		g.byAddress = make(map[netip.Addr]int)
	}
	g.all++
	g.byAddress[a]++
	return true
}

func (g *gate) leave(a netip.Addr) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.all--
	if g.byAddress[a]--; g.byAddress[a] == 0 {
		delete(g.byAddress, a)
	}
}

// linesPerSecond bounds the log lines that peers can cause.
const linesPerSecond = 20

// A limiter is a log that peers can write to by what they do, and so is limited: what is
// over the limit of one second is counted and told in the next.
type limiter struct {
	log *slog.Logger

	mu         sync.Mutex
	second     int64
	lines      int
	suppressed int
}

// write logs unless there was too much this second.
func (l *limiter) write(now int64, log *slog.Logger, level slog.Level, message string, args ...any) {
	ctx := context.Background()
	if !log.Enabled(ctx, level) {
		return
	}
	l.mu.Lock()
	suppressed := 0
	if now != l.second {
		suppressed, l.second, l.lines, l.suppressed = l.suppressed, now, 0, 0
	}
	l.lines++
	quiet := l.lines > linesPerSecond
	if quiet {
		l.suppressed++
	}
	l.mu.Unlock()
	if suppressed > 0 {
		l.log.Warn("log lines about peers were suppressed", "lines", suppressed)
	}
	if !quiet {
		log.Log(ctx, level, message, args...)
	}
}

// complain logs a command that ended with CHECK CONDITION: as a warning where the store failed,
// and else, since initiators try things, for those who look for more.
func (c *conn) complain(t *scsi.Task) {
	level := slog.LevelDebug
	args := []any{"command", t.CDB.Name(), "cdb", hex.EncodeToString(t.CDB[:]), "lun", t.LUN, "sense", t.Sense.Sense()}
	if t.Cause != nil {
		level = slog.LevelWarn
		args = append(args, "error", t.Cause)
	}
	c.tell(level, "a command failed", args...)
}

func (c *conn) warn(message string, args ...any) { c.tell(slog.LevelWarn, message, args...) }
func (c *conn) info(message string, args ...any) { c.tell(slog.LevelInfo, message, args...) }

// tell logs something about the connection that its peer has caused.
func (c *conn) tell(level slog.Level, message string, args ...any) {
	c.server.limiter.write(c.server.clock.Load(), c.log, level, message, args...)
}
