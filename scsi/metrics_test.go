package scsi

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestMetrics(t *testing.T) {
	d := newDisk(t, 512, nil)
	before := len(d.lu.Metrics())
	d.want(d.run(cdb(opRead10, 0, 0, 4), nil), "GOOD")
	d.want(d.run(cdb(opRead10, 0, 0, 1), nil), "GOOD")
	d.want(d.run(cdb(opRead10, 0, testBlocks, 1), nil), "05/21/00")
	d.want(d.run(cdb(opWrite10, 0, 0, 2), d.data(2, 1)), "GOOD")
	d.want(d.run(cdb(opPrefetch10, 0, 0, 1), nil), "CONDITION MET")

	type line struct {
		Name            string
		Count, Failed   uint64
		In, Out         uint64
		WithinASecond   uint64
		OpcodeAsInTable Opcode
	}
	var got []line
	for _, m := range d.lu.Metrics()[before:] {
		l := line{m.Name, m.Latency.Count(), m.Failed, m.In, m.Out, 0, m.Opcode}
		for _, n := range m.Latency[:LatencyBucket(time.Second)] {
			l.WithinASecond += n
		}
		got = append(got, l)
	}
	want := []line{
		{"READ(10)", 3, 1, 5 * 512, 0, 3, opRead10},
		{"WRITE(10)", 1, 0, 0, 2 * 512, 1, opWrite10},
		{"PRE-FETCH(10)", 1, 0, 0, 0, 1, opPrefetch10},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestLatency wants the time inside the store to be in the bucket that it belongs to.
func TestLatency(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlay(t, 1<<20)
		for block, took := range []time.Duration{0, 999 * time.Nanosecond, time.Microsecond, time.Millisecond, time.Hour} {
			p.deliver(p.prepare([]string{"a", string(rune('0' + block)), "read"}))
			synctest.Wait()
			time.Sleep(took)
			p.store.finish(block)
			synctest.Wait()
		}
		want := Latencies{0: 1, 3: 1, 4: 1, 43: 1, LatencyBuckets - 1: 1}
		for _, m := range p.lu.Metrics() {
			if m.Opcode == opRead10 && m.Latency != want {
				t.Errorf("latency %v, want %v", m.Latency, want)
			}
		}
		p.end()
	})
}
