package job

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/lunarsan/lunar/stream"
)

// A need is why a job cannot do without a snapshot of a volume that it sends; empty: it can.
type need string

const (
	goesOn need = "the newest that both ends have" // the next increment goes on from it
	unsent need = "not sent yet"
)

// by is the need of another job.
func (n need) by(job string) string {
	if n == goesOn {
		return "job " + job + " goes on from it"
	}
	return "job " + job + " has not sent it yet"
}

// needs tells what the job needs of the snapshots of its source, by their places, as far as the
// source alone knows: by the bookmark of what the destination has confirmed. So disks do not fill
// while a link is down with what was sent before. Where nothing was confirmed yet, all from first on
// are to be sent.
func (j *checked) needs(now time.Time, source []stream.Snapshot, first int) func(at int) need {
	cursor, confirmed := stream.Cursor(j.Name, source)
	if confirmed {
		first = cursor
	}
	return func(at int) need {
		s := &source[at]
		switch {
		case !j.Replicates():
		case confirmed && s.GUID == source[cursor].GUID:
			return goesOn
		case at < first, j.Newest:
		case j.Unsent == 0 || now.Sub(s.Created) < time.Duration(j.Unsent):
			return unsent
		}
		return ""
	}
}

// first is the snapshot that the first run begins with, or has begun with; len(source): one that is
// yet to come.
func (j *checked) first(source []stream.Snapshot) int {
	if j.History {
		return 0
	}
	for at := range source {
		if slices.Contains(source[at].Holds, stream.Tag(j.Name)) {
			return at
		}
	}
	return len(source)
}

// needsOf tells what jobs need, in words.
func needsOf(jobs []*checked, now time.Time, source []stream.Snapshot) func(at int) []string {
	needs := make([]func(int) need, len(jobs))
	for i, j := range jobs {
		needs[i] = j.needs(now, source, j.first(source))
	}
	return func(at int) (words []string) {
		for i, j := range jobs {
			if n := needs[i](at); n != "" {
				words = append(words, n.by(j.Name))
			}
		}
		return words
	}
}

// others are the other jobs of this machine that send a volume at an end, whatever they call it.
func (e *errand) others(ctx context.Context, end End, peer, called string, v stream.Volume) (jobs []*checked) {
	for _, j := range e.r.jobs() {
		if j.Name == e.job.Name || !j.Replicates() || j.sourcePeer() != peer {
			continue
		}
		for _, o := range j.Volumes {
			is := o.Source == called
			if !is {
				// One that cannot be found is not this one.
				other, err := end.Volume(ctx, o.Source)
				is = err == nil && other.Name() == v.Name()
			}
			if is {
				jobs = append(jobs, j)
				break
			}
		}
	}
	return jobs
}

// jobs are all jobs, as they are now.
func (r *Runner) jobs() (all []*checked) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, w := range r.workers {
		all = append(all, w.as())
	}
	slices.SortFunc(all, func(a, b *checked) int { return strings.Compare(a.Name, b.Name) })
	return all
}
