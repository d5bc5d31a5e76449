package bench

import (
	"fmt"
	"strings"
)

// A Client is a program that makes load.
type Client int

const (
	QemuImg   Client = iota // sequential; tells a rate and no latencies
	ISCSIPerf               // random reads on one session; tells a rate and no latencies
	InProcess               // by our own initiator; tells everything
)

func (c Client) String() string { return [...]string{"qemu-img", "iscsi-perf", "in-process"}[c] }

// Digests say what is protected by CRC32C.
type Digests int

const (
	NoDigests Digests = iota
	HeaderDigest
	DataDigest
	BothDigests
)

func (d Digests) String() string {
	return [...]string{"", "header digest", "data digest", "digests"}[d]
}

// A Load is a pattern of I/O by one client, under conditions. It is comparable.
type Load struct {
	Client   Client
	Pattern  Pattern
	Block    int // bytes
	Depth    int // commands in flight on each session
	Sessions int
	Units    int // sparse units that the commands spread over; 0: the medium's one unit
	Digests  Digests
	Medium   Medium
	Storm    Storm // what others do meanwhile
	Place    Place // where they do it
}

// made is a load of one session.
func made(by Client, p Pattern, block, depth int) Load {
	return Load{Client: by, Pattern: p, Block: block, Depth: depth, Sessions: 1}
}

func (l Load) sessions(n int) Load        { l.Sessions = n; return l }
func (l Load) units(n int) Load           { l.Units = n; return l }
func (l Load) digests(d Digests) Load     { l.Digests = d; return l }
func (l Load) on(m Medium) Load           { l.Medium = m; return l }
func (l Load) with(s Storm, p Place) Load { l.Storm, l.Place = s, p; return l }

// InFlight is the number of commands in flight in all.
func (l Load) InFlight() int { return l.Depth * l.Sessions }

// queue is the number of SCSI commands in flight on each session.
func (l Load) queue() int {
	if l.Pattern == Ping || l.Pattern == Idle {
		return 0
	}
	return l.Depth
}

// plain reports whether the ceiling, which only reads and writes, can be asked for the load.
func (l Load) plain() bool {
	return l.Storm == Calm && l.Digests == NoDigests && l.Units == 0 && l.Pattern <= Mixed
}

func (l Load) String() string {
	var b strings.Builder
	if l.Block > 0 {
		fmt.Fprintf(&b, "%s ", size(l.Block))
	}
	if l.Depth > 0 {
		fmt.Fprintf(&b, "QD%d ", l.Depth)
	}
	b.WriteString(l.Pattern.String())
	if l.Sessions > 1 {
		fmt.Fprintf(&b, " ×%d", l.Sessions)
	}
	if l.Units > 0 {
		fmt.Fprintf(&b, ", %d units", l.Units)
	}
	for _, more := range []string{l.Digests.String(), l.Medium.String()} {
		if more != "" {
			b.WriteString(", " + more)
		}
	}
	if l.Storm != Calm {
		fmt.Fprintf(&b, ", %s %s", l.Storm, l.Place)
	}
	return b.String()
}

// size writes a number of bytes in KiB, or in MiB or bytes where those are whole or fewer.
func size(n int) string {
	switch {
	case n >= 1<<20 && n%(1<<20) == 0:
		return fmt.Sprintf("%d MiB", n>>20)
	case n%(1<<10) == 0:
		return fmt.Sprintf("%d KiB", n>>10)
	}
	return fmt.Sprintf("%d B", n)
}
