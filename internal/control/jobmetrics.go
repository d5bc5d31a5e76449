package control

import (
	"sync"
	"time"

	"github.com/lunarsan/lunar/stream/job"
)

// JobMetrics are what is measured of one volume of a job.
type JobMetrics struct {
	Job, Volume     string
	Lag, RPO        time.Duration // RPO 0: nothing is promised
	LastSuccess     time.Time     // zero: never
	NextRun         time.Time     // zero: none is due
	Running, Paused bool
	Runs, Failures  uint64  // of the job, since the daemon has begun
	SentBytes       uint64  // by it
	LastSeconds     float64 // that its last run took
}

// jobCounts count what jobs have done. The zero value has counted nothing.
type jobCounts struct {
	mu  sync.Mutex
	all map[string]*jobCount
}

type jobCount struct{ runs, failures, sent uint64 }

// count counts a run.
func (c *jobCounts) count(name string, r *job.Run) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.all == nil {
		c.all = make(map[string]*jobCount)
	}
	n := c.all[name]
	if n == nil {
		n = new(jobCount)
		c.all[name] = n
	}
	n.runs++
	if !r.OK() {
		n.failures++
	}
	n.sent += uint64(r.Bytes())
}

// of is what was counted of a job.
func (c *jobCounts) of(name string) jobCount {
	c.mu.Lock()
	defer c.mu.Unlock()
	if n := c.all[name]; n != nil {
		return *n
	}
	return jobCount{}
}

// jobMetrics measures the volumes of all jobs.
func (d *Daemon) jobMetrics() (all []JobMetrics) {
	for _, s := range d.jobs.Statuses() {
		n := d.counts.of(s.Job.Name)
		m := JobMetrics{Job: s.Job.Name, RPO: time.Duration(s.Job.RPO), LastSuccess: s.LastGood, NextRun: s.Next, Running: s.Running != nil, Paused: s.Paused,
			Runs: n.runs, Failures: n.failures, SentBytes: n.sent}
		if s.Last != nil {
			m.LastSeconds = s.Last.Ended.Sub(s.Last.Started).Seconds()
		}
		for _, v := range s.Volumes {
			m.Volume, m.Lag = v.Source, v.Lag
			all = append(all, m)
		}
	}
	return all
}
