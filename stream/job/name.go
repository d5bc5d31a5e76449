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

// FailbackName is the name of a snapshot that is sent the other way when a job's replicas have taken
// the place of the originals, and give it back. Two may be taken in one second.
func FailbackName(job string, at time.Time) string {
	return failbackPrefix(job) + at.UTC().Format("20060102T150405.000Z")
}

func failbackPrefix(job string) string { return "lunar-failback-" + job + "-" }

// Owns reports whether a snapshot of that name is the job's: a run took it, or a failback. Those of
// others are sent, too, and never destroyed.
func (j *Job) Owns(name string) bool {
	for _, prefix := range []string{j.prefix() + "-", failbackPrefix(j.Name)} {
		rest, ok := strings.CutPrefix(name, prefix)
		if _, err := time.Parse(stamp, rest); ok && err == nil { // which reads fractions of a second, too
			return true
		}
	}
	return false
}
