package control

import (
	"time"

	"github.com/lunarsan/lunar/stream/job"
)

// What travels of jobs, beside what package job has.

// A JobStarted is a run that has begun.
type JobStarted struct {
	Number int64 `json:"number"`
}

// A JobPrune asks for the snapshots to go that a job's rules do not keep.
type JobPrune struct {
	DryRun bool `json:"dry_run,omitempty"`
}

// A PrunedJob is what became of that.
type PrunedJob struct {
	Volumes []job.VolumeRun `json:"volumes"`
	Problem string          `json:"problem,omitempty"` // why the destination is not in it
}

// A JobDelete asks for a job to end.
type JobDelete struct {
	Force bool `json:"force,omitempty"` // although what it holds of volumes cannot be let go of
}

// A JobExplained is why a job's snapshots are where they are.
type JobExplained struct {
	Volumes []job.Explanation `json:"volumes"`
	Problem string            `json:"problem,omitempty"` // why the destination is not in it
}

// A peerTake asks a peer for a snapshot of volumes, of one instant.
type peerTake struct {
	Volumes  []string `json:"volumes"`
	Snapshot string   `json:"snapshot"`
}

// A peerTaken tells for how long writes stood still for it.
type peerTaken struct {
	Still time.Duration `json:"still"` // ns
}

// A peerCheck asks a peer whether its account may do with a volume what a job needs.
type peerCheck struct {
	Volume      string `json:"volume"`
	Destination bool   `json:"destination"`
}

// A peerConfiguration asks a peer for the configuration of what a job has pulled.
type peerConfiguration struct {
	Job      string       `json:"job"`
	Snapshot string       `json:"snapshot"`
	Taken    time.Time    `json:"taken"`
	Volumes  []peerVolume `json:"volumes"`
}

// A peerVolume is a volume of a peer, and its replica here.
type peerVolume struct {
	Source  string `json:"source"`
	Replica string `json:"replica"`
}
