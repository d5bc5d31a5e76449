package job

import (
	"maps"
	"time"

	"github.com/lunarsan/lunar/stream"
)

// A Status is how a job is.
type Status struct {
	Job     Job       `json:"job"`
	Paused  bool      `json:"paused,omitempty"`
	Next    time.Time `json:"next,omitzero"` // when a run is due
	Running *Running  `json:"running,omitempty"`
	Last    *Run      `json:"last,omitempty"` // run that has ended
	// LastGood is when the newest run that did all it should has begun.
	LastGood time.Time `json:"last_good,omitzero"`
	Failures int       `json:"failures"` // runs since then
	Volumes  []Lag     `json:"volumes"`
	// Lag is the greatest of the volumes', and Late says that it is beyond the RPO. Both are of
	// jobs that replicate.
	Lag  time.Duration `json:"lag"` // ns
	Late bool          `json:"late,omitempty"`
}

// A Lag is how old the newest replica of a volume is.
type Lag struct {
	Source  string        `json:"source"`
	Replica *Replica      `json:"replica,omitempty"` // nil: there is none yet, and Lag is how long the job is known
	Lag     time.Duration `json:"lag"`               // ns
}

// A Running is a run under way.
type Running struct {
	Number  int64                      `json:"number"`
	Started time.Time                  `json:"started"`
	Volumes map[string]stream.Progress `json:"volumes"` // by source, those that are being sent
	Percent float64                    `json:"percent"` // of the steps of all volumes, about
}

func (w *worker) status() Status {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := time.Now()
	s := Status{Job: w.job.Job, Paused: w.state.Paused, Next: w.next.UTC(), Last: w.state.Last()}
	if w.running != nil {
		r := *w.running
		r.Volumes = maps.Clone(r.Volumes)
		r.Percent = r.percent(len(w.job.Volumes))
		s.Running = &r
	}
	for i := len(w.state.Runs) - 1; i >= 0; i-- {
		if run := &w.state.Runs[i]; run.OK() && !run.Left {
			s.LastGood = run.Started
			break
		} else if !run.Left {
			s.Failures++
		}
	}
	for _, v := range w.job.Volumes {
		lag := Lag{Source: v.Source, Lag: now.Sub(w.state.Since)}
		if r, ok := w.state.Replicas[v.Source]; ok {
			lag.Replica, lag.Lag = &r, now.Sub(r.Created)
		}
		s.Volumes = append(s.Volumes, lag)
		if w.job.Replicates() {
			s.Lag = max(s.Lag, lag.Lag)
		}
	}
	s.Late = w.job.RPO > 0 && s.Lag > time.Duration(w.job.RPO)
	return s
}

// percent is how far the run is, if all volumes take as long as each other.
func (r *Running) percent(volumes int) float64 {
	done := 0.0
	for _, p := range r.Volumes {
		step := 1.0
		if p.Step.Bytes > 0 {
			step = min(1, float64(p.Bytes)/float64(p.Step.Bytes))
		}
		done += (float64(p.Nth-1) + step) / float64(max(p.Of, 1))
	}
	return min(100, 100*done/float64(max(volumes, 1)))
}
