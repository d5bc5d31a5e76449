package iscsi

import (
	"fmt"
	"reflect"
	"strings"
	"sync/atomic"
)

// Metrics counts what a server has done since it began. Sessions and Connections are levels,
// everything else only grows.
type Metrics struct {
	Connections    int64 // open
	Sessions       int64 // in full feature phase, discovery too
	Accepted       int64 // connections
	TurnedAway     int64 // connections over a cap
	Logins         int64 // that succeeded
	LoginErrors    int64 // that were refused or did not end
	Reinstatements int64
	Traffic
	TaskMgmt           int64 // functions
	Rejects            int64 // PDUs refused
	HeaderDigestErrors int64
	DataDigestErrors   int64
	Cut                int64 // connections ended by the target for the initiator's silence, slowness or errors
}

// Traffic counts SCSI commands answered, and their data in bytes.
type Traffic struct {
	Commands, Reads, Writes int64
	ReadBytes, WriteBytes   int64
}

// metrics is Metrics as it is counted.
type metrics struct {
	Accepted, TurnedAway                 atomic.Int64
	Logins, LoginErrors, Reinstatements  atomic.Int64
	TaskMgmt, Rejects                    atomic.Int64
	HeaderDigestErrors, DataDigestErrors atomic.Int64
	Cut                                  atomic.Int64
	traffic
}

// traffic is Traffic as it is counted.
type traffic struct {
	Commands, Reads, Writes, ReadBytes, WriteBytes atomic.Int64
}

func (t *traffic) add(d *Traffic) {
	t.Commands.Add(d.Commands)
	t.Reads.Add(d.Reads)
	t.Writes.Add(d.Writes)
	t.ReadBytes.Add(d.ReadBytes)
	t.WriteBytes.Add(d.WriteBytes)
}

func (t *Traffic) add(o *Traffic) {
	t.Commands += o.Commands
	t.Reads += o.Reads
	t.Writes += o.Writes
	t.ReadBytes += o.ReadBytes
	t.WriteBytes += o.WriteBytes
}

func (t *Traffic) subtract(o *Traffic) {
	t.add(&Traffic{-o.Commands, -o.Reads, -o.Writes, -o.ReadBytes, -o.WriteBytes})
}

func (t *traffic) snapshot() Traffic {
	return Traffic{t.Commands.Load(), t.Reads.Load(), t.Writes.Load(), t.ReadBytes.Load(), t.WriteBytes.Load()}
}

// count counts a command that is answered with in bytes of Data-In.
func (t *Traffic) count(cmd *command, in int) {
	t.Commands++
	if in > 0 {
		t.Reads++
		t.ReadBytes += int64(in)
	}
	if out := len(cmd.task.Out); out > 0 {
		t.Writes++
		t.WriteBytes += int64(out)
	}
}

// Metrics returns the counters as they stand.
func (s *Server) Metrics() Metrics {
	m := &s.metrics
	s.mu.Lock()
	connections, sessions := len(s.conns), len(s.byTSIH)
	s.mu.Unlock()
	return Metrics{
		Connections:        int64(connections),
		Sessions:           int64(sessions),
		Accepted:           m.Accepted.Load(),
		TurnedAway:         m.TurnedAway.Load(),
		Logins:             m.Logins.Load(),
		LoginErrors:        m.LoginErrors.Load(),
		Reinstatements:     m.Reinstatements.Load(),
		Traffic:            m.snapshot(),
		TaskMgmt:           m.TaskMgmt.Load(),
		Rejects:            m.Rejects.Load(),
		HeaderDigestErrors: m.HeaderDigestErrors.Load(),
		DataDigestErrors:   m.DataDigestErrors.Load(),
		Cut:                m.Cut.Load(),
	}
}

// String lists the counters, one a line.
func (m Metrics) String() string {
	var b strings.Builder
	list(&b, reflect.ValueOf(m))
	return b.String()
}

func list(b *strings.Builder, v reflect.Value) {
	for i := range v.NumField() {
		if f := v.Field(i); f.Kind() == reflect.Struct {
			list(b, f)
		} else {
			fmt.Fprintf(b, "%-18s %d\n", v.Type().Field(i).Name, f.Int())
		}
	}
}
