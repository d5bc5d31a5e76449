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
	InProcess               // random, by our own initiator; tells everything
)

func (c Client) String() string { return [...]string{"qemu-img", "iscsi-perf", "in-process"}[c] }

// A Pattern says which commands a load has.
type Pattern int

const (
	Read  Pattern = iota
	Write         // no durability asked for
	Mixed         // 70 % reads, 30 % writes
)

func (p Pattern) String() string { return [...]string{"read", "write", "mixed"}[p] }

// A Load is a pattern of I/O by one client. It is comparable.
type Load struct {
	Client   Client
	Pattern  Pattern
	Block    int // bytes
	Depth    int // commands in flight on each session
	Sessions int
	Units    int // sparse units that the commands spread over; 0: the one file that all targets serve
	Digests  bool
}

// InFlight is the number of commands in flight in all.
func (l Load) InFlight() int { return l.Depth * l.Sessions }

func (l Load) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s QD%d %s", kib(l.Block), l.Depth, l.Pattern)
	if l.Sessions > 1 {
		fmt.Fprintf(&b, " ×%d", l.Sessions)
	}
	if l.Units > 0 {
		fmt.Fprintf(&b, ", %d units", l.Units)
	}
	if l.Digests {
		b.WriteString(", digests")
	}
	return b.String()
}

// kib writes a number of bytes in KiB, or in MiB where those are whole.
func kib(n int) string {
	if n >= 1<<20 && n%(1<<20) == 0 {
		return fmt.Sprintf("%d MiB", n>>20)
	}
	return fmt.Sprintf("%d KiB", n>>10)
}
