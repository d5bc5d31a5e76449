package iscsi

import (
	"cmp"
	"log/slog"
	"time"

	"github.com/lunarsan/lunar/internal/buffer"
)

// Options are the limits that a server keeps to. A zero field means the default.
type Options struct {
	Log *slog.Logger // nil: nothing is logged

	LoginTimeout time.Duration // from connection to full feature phase; 15 s
	WriteTimeout time.Duration // for the initiator to take what is sent; 30 s
	PingInterval time.Duration // of silence before a NOP-In asks for a sign of life; 30 s
	PingTimeout  time.Duration // for that sign; 45 s: whoever looks once a minute is there in time
	GapTimeout   time.Duration // for a missing command to come; 10 s
	DrainTimeout time.Duration // for the commands of a session that a login replaces; 10 s

	Window        int   // commands in flight of a session; 128, at most 480
	SessionMemory int64 // bytes that a session's commands may hold before its window stays shut; a quarter of the pool's budget

	Pending           int // connections that have not logged in, in all; 1024
	PendingPerAddress int // and from one address; 256
}

func (o *Options) defaults(pool *buffer.Pool) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	o.LoginTimeout = cmp.Or(o.LoginTimeout, 15*time.Second)
	o.WriteTimeout = cmp.Or(o.WriteTimeout, 30*time.Second)
	o.PingInterval = cmp.Or(o.PingInterval, 30*time.Second)
	o.PingTimeout = cmp.Or(o.PingTimeout, 45*time.Second)
	o.GapTimeout = cmp.Or(o.GapTimeout, 10*time.Second)
	o.DrainTimeout = cmp.Or(o.DrainTimeout, 10*time.Second)
	o.Window = min(cmp.Or(o.Window, 128), maxWindow)
	o.SessionMemory = cmp.Or(o.SessionMemory, pool.Budget()/4)
	o.Pending = cmp.Or(o.Pending, 1024)
	o.PendingPerAddress = cmp.Or(o.PendingPerAddress, 256)
}
