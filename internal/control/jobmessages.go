package control

import "time"

// What travels of jobs, beside what package job has.

// A JobStarted is a run that has begun.
type JobStarted struct {
	Number int64 `json:"number"`
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
