package job

import (
	"strings"
	"testing"
	"time"

	"github.com/lunarsan/lunar/stream/retain"
)

func vm1() Job {
	return Job{Name: "offsite", Volumes: []Volume{{Source: "tank/vm1"}}, Peer: "site", Root: "backup", Schedules: []string{"0 * * * *"}, Zone: "Europe/Berlin"}
}

func TestCheck(t *testing.T) {
	for _, good := range []func(*Job){
		func(*Job) {},
		func(j *Job) { j.Peer = "" },
		func(j *Job) { j.Pull = true },
		func(j *Job) { j.Root = "/srv/replicas" },
		func(j *Job) { j.Peer, j.Root = "", "" },
		func(j *Job) {
			j.Volumes = []Volume{{Source: "lu:600144f0"}, {Source: "lu:600144f1"}, {Source: "/a/disk"}, {Source: "/b/disk", Replica: "b/disk"}}
		},
		func(j *Job) { j.Schedules = nil },
	} {
		j := vm1()
		good(&j)
		if err := j.Check(); err != nil {
			t.Errorf("%+v: %v", j, err)
		}
	}
	for want, bad := range map[string]func(*Job){
		`"a:b" is no name of a job`:      func(j *Job) { j.Name = "a:b" },
		`"" is no name of a job`:         func(j *Job) { j.Name = "" },
		`is no name of a job: it`:        func(j *Job) { j.Name = strings.Repeat("a", 49) },
		`"-x" is no prefix`:              func(j *Job) { j.Prefix = "-x" },
		`needs a volume`:                 func(j *Job) { j.Volumes = nil },
		`"tank@a" is no volume`:          func(j *Job) { j.Volumes[0].Source = "tank@a" },
		`"-r" is no volume`:              func(j *Job) { j.Volumes[0].Source = "-r" },
		`volume tank/vm1 is there twice`: func(j *Job) { j.Volumes = append(j.Volumes, j.Volumes[0]) },
		`would both be backup/vm1: name one, like tank2/vm1=NAME`: func(j *Job) { j.Volumes = append(j.Volumes, Volume{Source: "tank2/vm1"}) },
		`"../x" is no name of a replica`:                          func(j *Job) { j.Volumes[0].Replica = "../x" },
		`"a//b" is no name of a replica`:                          func(j *Job) { j.Volumes[0].Replica = "a//b" },
		`"backup/" is no root`:                                    func(j *Job) { j.Root = "backup/" },
		`"/" is no root`:                                          func(j *Job) { j.Root = "/" },
		`a peer needs a root`:                                     func(j *Job) { j.Root = "" },
		`pulls needs a peer`:                                      func(j *Job) { j.Pull, j.Peer = true, "" },
		`no time zone "Mars"`:                                     func(j *Job) { j.Zone = "Mars" },
		`no time zone "Local"`:                                    func(j *Job) { j.Zone = "Local" },
		`"hourly" is no schedule`:                                 func(j *Job) { j.Schedules = []string{"hourly"} },
		`what is kept here: daily=-1`:                             func(j *Job) { j.Keep = retain.Rule{Daily: -1} },
		`what is kept there: hourly=-1`:                           func(j *Job) { j.KeepThere = retain.Rule{Hourly: -1} },
		`nothing to keep there`:                                   func(j *Job) { j.Root, j.Peer, j.KeepThere = "", "", retain.Rule{Last: 1} },
		`does nothing`:                                            func(j *Job) { j.Root, j.Peer, j.Existing = "", "", true },
		`its own affair`:                                          func(j *Job) { j.AppendOnly, j.KeepThere = true, retain.Rule{Last: 1} },
		`choose`:                                                  func(j *Job) { j.History, j.Newest = true, true },
		`nothing to run commands around`:                          func(j *Job) { j.Existing, j.Before = true, "true" },
		`kept by nobody`:                                          func(j *Job) { j.Schedules, j.RPO = nil, retain.Span(time.Hour) },
		`a job without a root has none`:                           func(j *Job) { j.Root, j.Peer, j.RPO = "", "", retain.Span(time.Hour) },
		`the rpo is less than nothing`:                            func(j *Job) { j.RPO = -1 },
	} {
		j := vm1()
		bad(&j)
		if err := j.Check(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

func TestReplica(t *testing.T) {
	for called, want := range map[string]string{
		"tank/vm1": "backup/vm1", "/srv/units/disk.img": "backup/disk.img", "site-a:tank/vm1": "backup/vm1", "site-a:lu:600144f0": "backup/600144f0",
	} {
		j := vm1()
		if got := j.Replica(Volume{Source: called}, called); got != want {
			t.Errorf("the replica of %s is %s, want %s", called, got, want)
		}
	}
}

func TestOwns(t *testing.T) {
	j := vm1()
	for name, want := range map[string]bool{
		"offsite-20261122T190000Z": true, j.snapshotName(time.Now()): true, FailbackName(j.Name, time.Now()): true, FailbackName("else", time.Now()): false,
		"offsite-mine": false, "offsite": false,
		"offsite-20261122T190000Z-kept": false, "offsite2-20261122T190000Z": false, "x-offsite-20261122T190000Z": false,
	} {
		if got := j.Owns(name); got != want {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
	}
}

func TestRetryAfter(t *testing.T) {
	r := Retry{Times: 6, Wait: retain.Span(10 * time.Second), Most: retain.Span(time.Minute)}
	var waits []time.Duration
	for failures := 1; ; failures++ {
		wait, again := r.after(failures)
		if !again {
			break
		}
		waits = append(waits, wait/time.Second)
	}
	if len(waits) != 6 || waits[0] != 10 || waits[1] != 20 || waits[2] != 40 || waits[5] != 60 {
		t.Errorf("it waits for %d", waits)
	}
	if _, again := (Retry{Times: -1}).after(1); again {
		t.Error("what should never be tried again is")
	}
}
