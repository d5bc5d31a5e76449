package job

import (
	"strings"
	"time"
)

// stamp is when a snapshot was taken, in its name: the names of a prefix sort by it.
const stamp = "20060102T150405Z"

func (j *Job) prefix() string {
	if j.Prefix != "" {
		return j.Prefix
	}
	return j.Name
}

// snapshotName is the name of a snapshot that the job takes: "hourly-20261122T190000Z".
func (j *Job) snapshotName(at time.Time) string {
	return j.prefix() + "-" + at.UTC().Format(stamp)
}

// Owns reports whether a snapshot of that name is the job's. Those of others are sent, too, and
// never destroyed.
func (j *Job) Owns(name string) bool {
	rest, ok := strings.CutPrefix(name, j.prefix()+"-")
	if !ok {
		return false
	}
	_, err := time.Parse(stamp, rest)
	return err == nil
}
