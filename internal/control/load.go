package control

import (
	"context"
	"time"

	"github.com/lunarsan/lunar/scsi"
	"github.com/lunarsan/lunar/target/iscsi"
)

// A Load is what was done over some time. Latencies are in microseconds, those of commands in the
// device server: waiting for their turn is within, the network is not.
type Load struct {
	Seconds   float64 `json:"seconds"`
	IOPS      float64 `json:"iops"`                   // commands a second
	ReadRate  float64 `json:"read_bytes_per_second"`  // to the initiator
	WriteRate float64 `json:"write_bytes_per_second"` // from it
	P50       float64 `json:"latency_p50_us"`         // half of the commands took less
	P99       float64 `json:"latency_p99_us"`
	Max       float64 `json:"latency_max_us"` // all of them took less; 0: there were none
}

// Counts are what was done since the start of whatever does it.
type Counts struct {
	Commands   int64 `json:"commands"`
	ReadBytes  int64 `json:"read_bytes"`
	WriteBytes int64 `json:"write_bytes"`
	// Latency counts the commands by how long they took, in the buckets of scsi.Latencies; those
	// that are not there are 0.
	Latency []uint64 `json:"latency,omitempty"`
}

// Since returns what was done since before, over the time that has passed between. Where less was
// done than before, the daemon has started anew in between.
func (c *Counts) Since(before *Counts, over time.Duration) Load {
	if c.Commands < before.Commands {
		before = &Counts{}
	}
	var l scsi.Latencies
	copy(l[:], c.Latency)
	for i, n := range before.Latency[:min(len(before.Latency), len(l))] {
		l[i] -= min(n, l[i])
	}
	return makeLoad(over, c.Commands-before.Commands, c.ReadBytes-before.ReadBytes, c.WriteBytes-before.WriteBytes, &l)
}

// Add adds what o counted.
func (c *Counts) Add(o *Counts) {
	c.Commands += o.Commands
	c.ReadBytes += o.ReadBytes
	c.WriteBytes += o.WriteBytes
	sum := make([]uint64, max(len(c.Latency), len(o.Latency)))
	copy(sum, c.Latency)
	for i, n := range o.Latency {
		sum[i] += n
	}
	c.Latency = sum
}

func countsOf(commands, in, out int64, l *scsi.Latencies) Counts {
	used := len(l)
	for used > 0 && l[used-1] == 0 {
		used--
	}
	return Counts{commands, in, out, l[:used]}
}

func makeLoad(over time.Duration, commands, in, out int64, l *scsi.Latencies) Load {
	each := func(n int64) float64 {
		if over <= 0 {
			return 0
		}
		return float64(n) / over.Seconds()
	}
	micros := func(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }
	return Load{over.Seconds(), each(commands), each(in), each(out), micros(l.Quantile(0.5)), micros(l.Quantile(0.99)), micros(l.Max())}
}

func loadOf(l *iscsi.Load) Load {
	return makeLoad(l.Over, l.Commands, l.ReadBytes, l.WriteBytes, &l.Latency)
}

// Statistics are what units and sessions have done, for whoever asks twice and looks at the
// difference.
type Statistics struct {
	Time     time.Time       `json:"time"`
	Units    []UnitCounts    `json:"units"`
	Sessions []SessionCounts `json:"sessions"` // without those for discovery
}

// UnitCounts are what a unit has done since the daemon started.
type UnitCounts struct {
	GUID  string `json:"guid"`
	Alias string `json:"alias,omitempty"`
	State string `json:"state"`
	Counts
}

// SessionCounts are what a session has done since its login.
type SessionCounts struct {
	ID        uint64 `json:"id"`
	Initiator string `json:"initiator"`
	Alias     string `json:"alias,omitempty"`
	Peer      string `json:"peer"`
	Target    string `json:"target"`
	Counts
}

// Statistics returns what units and sessions have done.
func (d *Daemon) Statistics(context.Context) (Statistics, error) {
	s := Statistics{Time: time.Now().UTC(), Units: []UnitCounts{}, Sessions: []SessionCounts{}}
	for _, u := range d.snapshot() {
		var l scsi.Latencies
		var in, out uint64
		for _, m := range u.unit.lu.Metrics() {
			l.Add(&m.Latency)
			in += m.In
			out += m.Out
		}
		s.Units = append(s.Units, UnitCounts{u.info.GUID, u.info.Alias, u.info.State, countsOf(int64(l.Count()), int64(in), int64(out), &l)})
	}
	loads := d.server.Loads()
	for _, i := range d.server.Sessions() {
		if i.Params.Discovery {
			continue
		}
		l := loads[i.ID].Total
		s.Sessions = append(s.Sessions, SessionCounts{i.ID, i.Initiator, i.Params.InitiatorAlias, i.Remote.String(), i.Target,
			countsOf(l.Commands, l.ReadBytes, l.WriteBytes, &l.Latency)})
	}
	return s, nil
}
