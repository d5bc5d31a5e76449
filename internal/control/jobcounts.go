package control

import (
	"sync"

	"github.com/lunarsan/lunar/stream/job"
)

// jobCounts count what jobs have done since the daemon began. The zero value has counted nothing.
type jobCounts struct {
	mu  sync.Mutex
	all map[string]*jobCount
}

// A jobCount is what one has done: runs, those that failed, and the bytes that they sent.
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
