package job

import (
	"time"

	"github.com/lunarsan/lunar/stream/retain"
)

// A Job takes snapshots of volumes on a schedule, has another place have them, too, and keeps as
// many as its rules promise.
type Job struct {
	Name    string   `json:"name" yaml:"name"`
	Volumes []Volume `json:"volumes" yaml:"volumes"`

	// Peer is the machine at the other end; empty: this one. A job that pulls has its volumes
	// there and the replicas here, another the other way round. Root is what the replicas are
	// made below: a dataset or a folder. A job without Root makes no replicas.
	Peer string `json:"peer,omitempty" yaml:"peer,omitempty"`
	Pull bool   `json:"pull,omitempty" yaml:"pull,omitempty"`
	Root string `json:"root,omitempty" yaml:"root,omitempty"`

	Schedules []string `json:"schedules,omitempty" yaml:"schedules,omitempty"` // see Schedule; none: when it is asked to
	Zone      string   `json:"zone,omitempty" yaml:"zone,omitempty"`           // whose clocks and calendar count: "Europe/Berlin"; empty: UTC
	Prefix    string   `json:"prefix,omitempty" yaml:"prefix,omitempty"`       // of the names of its snapshots; empty: its own name
	// Existing has the job take no snapshots, and send those that there are.
	Existing bool `json:"existing,omitempty" yaml:"existing,omitempty"`
	// Newest has it send the newest snapshot alone, rather than each since the last run; History
	// has the first run send all that there are, rather than the newest.
	Newest  bool `json:"newest,omitempty" yaml:"newest,omitempty"`
	History bool `json:"history,omitempty" yaml:"history,omitempty"`

	// Keep is which of the job's snapshots stay at the source, and KeepThere at the destination;
	// all do where a rule promises nothing.
	Keep      retain.Rule `json:"keep,omitzero" yaml:"keep,omitempty"`
	KeepThere retain.Rule `json:"keep_there,omitzero" yaml:"keep_there,omitempty"`
	// MinAge is how young a snapshot is that the job does not destroy at the destination.
	MinAge retain.Span `json:"min_age,omitempty" yaml:"min_age,omitempty"`
	// AppendOnly says that the destination lets nobody destroy anything: the job does not try to.
	AppendOnly bool `json:"append_only,omitempty" yaml:"append_only,omitempty"`
	// Unsent is how long snapshots that were not sent stay at the source whatever Keep says;
	// 0: as long as it takes.
	Unsent retain.Span `json:"unsent,omitempty" yaml:"unsent,omitempty"`

	RPO retain.Span `json:"rpo,omitempty" yaml:"rpo,omitempty"` // how old the newest replica may get; 0: nobody asks

	// Before and After are commands that are run on this machine around the taking of snapshots.
	// After is run whatever became of it. HookTime is what each may take; 0: a minute.
	Before   string      `json:"before,omitempty" yaml:"before,omitempty"`
	After    string      `json:"after,omitempty" yaml:"after,omitempty"`
	HookTime retain.Span `json:"hook_time,omitempty" yaml:"hook_time,omitempty"`

	// What who connects to the peer goes by.
	Limit       string `json:"limit,omitempty" yaml:"limit,omitempty"`             // "08:00-18:00 20M, else 0", bytes a second
	Compress    string `json:"compress,omitempty" yaml:"compress,omitempty"`       // of the wire; empty: what fits
	Connections int    `json:"connections,omitempty" yaml:"connections,omitempty"` // of a run's link; 0: as package wire has it
	Parallel    int    `json:"parallel,omitempty" yaml:"parallel,omitempty"`       // volumes at a time; 0: one

	Retry Retry `json:"retry,omitzero" yaml:"retry,omitempty"`
}

// A Volume is one that a job is about.
type Volume struct {
	Source string `json:"source" yaml:"source"` // "lu:" and a unit's name, a path, a dataset
	// Replica is what its replica is called below the root; empty: what the source's name ends in.
	Replica string `json:"replica,omitempty" yaml:"replica,omitempty"`
}

// A Retry says how a run tries again after a failure that may pass. The wait doubles each time;
// failures are counted anew when something has come through.
type Retry struct {
	Times int         `json:"times,omitempty" yaml:"times,omitempty"` // 0: usualRetries; -1: never
	Wait  retain.Span `json:"wait,omitempty" yaml:"wait,omitempty"`   // before the first; 0: usualWait
	Most  retain.Span `json:"most,omitempty" yaml:"most,omitempty"`   // that a wait gets; 0: usualMost
}

// What is done where a job does not say.
const (
	usualRetries  = 5
	usualWait     = 10 * time.Second
	usualMost     = 10 * time.Minute
	usualHookTime = time.Minute
)

// after is how long to wait after that many failures, and whether to try again.
func (r Retry) after(failures int) (time.Duration, bool) {
	times, wait, most := r.Times, time.Duration(r.Wait), time.Duration(r.Most)
	if times == 0 {
		times = usualRetries
	}
	if wait == 0 {
		wait = usualWait
	}
	if most == 0 {
		most = usualMost
	}
	for i := 1; i < failures && wait < most; i++ {
		wait *= 2
	}
	return min(wait, most), failures <= times
}

// Replicates reports whether the job makes replicas.
func (j *Job) Replicates() bool { return j.Root != "" }

// sourcePeer and destinationPeer are where the two ends are; empty: here.
func (j *Job) sourcePeer() string {
	if j.Pull {
		return j.Peer
	}
	return ""
}

func (j *Job) destinationPeer() string {
	if j.Pull {
		return ""
	}
	return j.Peer
}

func (j *Job) hookTime() time.Duration {
	if j.HookTime == 0 {
		return usualHookTime
	}
	return time.Duration(j.HookTime)
}
