package job

import (
	"slices"
	"time"

	"github.com/lunarsan/lunar/stream"
)

// A State is what is remembered of a job.
type State struct {
	Since  time.Time `json:"since"` // it is known
	Paused bool      `json:"paused,omitempty"`
	// Heeded is up to when the schedules were heeded: what was due since was missed.
	Heeded time.Time `json:"heeded"`
	Next   int64     `json:"next"`           // number of the next run
	Runs   []Run     `json:"runs,omitempty"` // the newest at the end
	// Replicas are the newest snapshots that are known to be at both ends, by the source's name.
	Replicas map[string]Replica `json:"replicas,omitempty"`
}

// A Replica is the newest snapshot of a volume that the destination has.
type Replica struct {
	Name    string    `json:"name"`
	GUID    uint64    `json:"guid,string"`
	Created time.Time `json:"created"`
	Seen    time.Time `json:"seen"` // when it was known last
}

// A Run is one time that a job was at work.
type Run struct {
	Number  int64     `json:"number"`
	Trigger Trigger   `json:"trigger"`
	Due     time.Time `json:"due,omitzero"`
	Started time.Time `json:"started"`
	Ended   time.Time `json:"ended,omitzero"`

	Snapshot string        `json:"snapshot,omitempty"` // that was taken
	Still    time.Duration `json:"still,omitempty"`    // how long writes stood still for it (ns)
	// Left says that the run was left to the one after it, which sends what this has taken.
	Left    bool        `json:"left,omitempty"`
	Problem *Problem    `json:"problem,omitempty"` // with the run itself; volumes have their own
	Volumes []VolumeRun `json:"volumes,omitempty"`
}

// A Trigger is why a run began.
type Trigger string

// The triggers.
const (
	Scheduled Trigger = "schedule"
	Missed    Trigger = "missed" // the schedule, while nobody was there to heed it
	Asked     Trigger = "asked"
)

// A VolumeRun is what a run did for a volume.
type VolumeRun struct {
	Source      string `json:"source"`
	Destination string `json:"destination,omitempty"`
	stream.Outcome
	Bytes   int64    `json:"bytes"` // that were sent
	Pruned  []Pruned `json:"pruned,omitempty"`
	Problem *Problem `json:"problem,omitempty"`
}

// A Pruned is a snapshot that was destroyed, or would be.
type Pruned struct {
	There bool   `json:"there,omitempty"` // at the destination
	Name  string `json:"name"`
	GUID  uint64 `json:"guid,string"`
	Used  int64  `json:"used"` // what that gives back (bytes); -1: not known
	Why   string `json:"why"`
}

// A Problem is what went wrong, and the way out where one is known.
type Problem struct {
	Says string `json:"says"`
	Way  string `json:"way,omitempty"`
	Flag string `json:"flag,omitempty"` // of lunar job run: "--rollback" or "--reseed"
}

// OK reports whether the run did all that it should.
func (r *Run) OK() bool {
	return r.Problem == nil && !slices.ContainsFunc(r.Volumes, func(v VolumeRun) bool { return v.Problem != nil })
}

// Bytes are what the run has sent.
func (r *Run) Bytes() (n int64) {
	for _, v := range r.Volumes {
		n += v.Bytes
	}
	return n
}

// What is remembered at most, of a job and of a run's volume.
const (
	maxRuns  = 200
	maxDone  = 20
	maxNotes = 20
)

// remember puts a run that has ended into the history.
func (s *State) remember(r Run) {
	for i := range r.Volumes {
		v := &r.Volumes[i]
		v.Done = v.Done[:min(len(v.Done), maxDone)]
		v.Notes = v.Notes[:min(len(v.Notes), maxNotes)]
		v.Pruned = v.Pruned[:min(len(v.Pruned), maxDone)]
	}
	s.Runs = append(s.Runs, r)
	if n := len(s.Runs) - maxRuns; n > 0 {
		s.Runs = slices.Clone(s.Runs[n:])
	}
}

// Last is the newest run that was not left to another; nil: there is none.
func (s *State) Last() *Run {
	for i := range slices.Backward(s.Runs) {
		if !s.Runs[i].Left {
			return &s.Runs[i]
		}
	}
	return nil
}
