package job

import (
	"errors"
	"fmt"
	"path"
	"regexp"
	"strings"
	"time"
)

// legalName is what names of jobs and prefixes look like: they are parts of names of snapshots,
// tags and bookmarks, where a colon divides.
var legalName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.-]*$`)

// maxName is the longest name of a job, or prefix (bytes): ZFS takes 255 for all of a name.
const maxName = 48

// A checked job is one that nothing is wrong with, with what its texts mean.
type checked struct {
	Job
	zone      *time.Location
	schedules []Schedule
}

// Check says everything that is wrong with the job.
func (j *Job) Check() error {
	_, err := j.check()
	return err
}

func (j *Job) check() (*checked, error) {
	c := &checked{Job: *j}
	var wrong []error
	say := func(format string, args ...any) { wrong = append(wrong, fmt.Errorf(format, args...)) }
	if !legalName.MatchString(j.Name) || len(j.Name) > maxName {
		say("%q is no name of a job: it has letters, digits, _ . and -, %d at most", j.Name, maxName)
	}
	if j.Prefix != "" && (!legalName.MatchString(j.Prefix) || len(j.Prefix) > maxName) {
		say("%q is no prefix: it has letters, digits, _ . and -, %d at most", j.Prefix, maxName)
	}
	j.checkVolumes(say)
	j.checkWays(say)
	j.checkNumbers(say)
	var err error
	if c.zone, err = time.LoadLocation(j.Zone); err != nil || j.Zone == "Local" {
		say("there is no time zone %q: write one like Europe/Berlin", j.Zone)
	}
	for _, text := range j.Schedules {
		s, err := ParseSchedule(text)
		if err != nil {
			wrong = append(wrong, err)
		}
		c.schedules = append(c.schedules, s)
	}
	return c, errors.Join(wrong...)
}

func (j *Job) checkNumbers(say func(string, ...any)) {
	for _, n := range []struct {
		what string
		n    int64
	}{
		{"the least age", int64(j.MinAge)}, {"the time for what was not sent", int64(j.Unsent)}, {"the rpo", int64(j.RPO)}, {"the time for commands", int64(j.HookTime)},
		{"the number of connections", int64(j.Connections)}, {"the number of volumes at a time", int64(j.Parallel)},
		{"the wait before a retry", int64(j.Retry.Wait)}, {"the longest wait", int64(j.Retry.Most)},
	} {
		if n.n < 0 {
			say("%s is less than nothing", n.what)
		}
	}
	for _, side := range []struct {
		what string
		err  error
	}{{"what is kept here", j.Keep.Check()}, {"what is kept there", j.KeepThere.Check()}} {
		if side.err != nil {
			say("%s: %w", side.what, side.err)
		}
	}
	switch {
	case j.RPO == 0:
	case len(j.Schedules) == 0:
		say("an rpo without a schedule is kept by nobody")
	case !j.Replicates():
		say("an rpo is how old replicas get: a job without a root has none")
	}
}

func (j *Job) checkVolumes(say func(string, ...any)) {
	if len(j.Volumes) == 0 {
		say("a job needs a volume")
	}
	sources, replicas := map[string]bool{}, map[string]string{}
	for _, v := range j.Volumes {
		if v.Source == "" || v.Source[0] == '-' || strings.ContainsAny(v.Source, "@#\x00\n") {
			say("%q is no volume", v.Source)
		}
		if sources[v.Source] {
			say("volume %s is there twice", v.Source)
		}
		sources[v.Source] = true
		if v.Replica != "" && !legalReplica(v.Replica) {
			say("%q is no name of a replica below the root", v.Replica)
		}
		if !j.Replicates() || v.Replica == "" && strings.HasPrefix(v.Source, "lu:") {
			continue // its name is known when the unit is
		}
		name := j.Replica(v, v.Source)
		if other, taken := replicas[name]; taken {
			say("the replicas of %s and %s would both be %s: name one, like %s=NAME", other, v.Source, name, v.Source)
		}
		replicas[name] = v.Source
	}
}

func (j *Job) checkWays(say func(string, ...any)) {
	if !j.Replicates() {
		switch {
		case j.Peer != "" || j.Pull:
			say("a job with a peer needs a root for the replicas")
		case !j.KeepThere.Everything():
			say("a job without a root has nothing to keep there")
		case j.Existing && j.Keep.Everything():
			say("a job that takes no snapshots, sends none and destroys none does nothing")
		}
	} else if root := j.Root; root[0] == '-' || strings.ContainsAny(root, "@#\x00\n") || path.Clean(root) != root || root == "/" {
		say("%q is no root: write a folder like /srv/replicas, or a dataset like backup/site-a", root)
	}
	if j.Pull && j.Peer == "" {
		say("a job that pulls needs a peer")
	}
	if j.AppendOnly && !j.KeepThere.Everything() {
		say("what an append-only destination keeps is its own affair: leave the rule for there out, and have a job there prune")
	}
	if j.History && j.Newest {
		say("all of the history, and the newest alone: choose")
	}
	if j.Existing && (j.Before != "" || j.After != "") {
		say("there is nothing to run commands around: the job takes no snapshots")
	}
}

// replicaName is what the parts of a replica's name look like, in a dataset and in a folder.
var replicaName = regexp.MustCompile(`^[A-Za-z0-9_.:][A-Za-z0-9_.: -]*$`)

func legalReplica(name string) bool {
	for part := range strings.SplitSeq(name, "/") {
		if !replicaName.MatchString(part) || part == "." || part == ".." {
			return false
		}
	}
	return len(name) < 200
}

// Replica is the destination's name for a volume whose source calls itself called, a dataset or
// a path.
func (j *Job) Replica(v Volume, called string) string {
	name := v.Replica
	if name == "" {
		name = path.Base(called)
		if !strings.Contains(called, "/") { // "lu:" and a GUID
			name = called[strings.LastIndexByte(called, ':')+1:]
		}
	}
	return j.Root + "/" + name
}
