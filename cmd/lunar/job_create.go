package main

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/lunarsan/lunar/internal/control"
	"github.com/lunarsan/lunar/stream/job"
	"github.com/lunarsan/lunar/stream/retain"
)

// jobFlags are what a job is described with.
type jobFlags struct {
	job.Job
	volumes  []string
	to, from string
	retries  int
}

// describe adds the flags to cmd.
func (f *jobFlags) describe(c *cli, cmd *cobra.Command) {
	fs := cmd.Flags()
	fs.StringArrayVar(&f.volumes, "volume", nil, "a `VOLUME`: lu:GUID, a path or a dataset; VOLUME=NAME calls its replica NAME; repeated, and all are taken at one instant")
	fs.StringVar(&f.to, "to", "", "send to `PEER`; without it and --from replicas are on this machine")
	fs.StringVar(&f.from, "from", "", "the volumes are at `PEER`, and the replicas here")
	fs.StringVar(&f.Root, "root", "", "make replicas below `ROOT`, a dataset or a folder; without it there are none")
	fs.StringArrayVar(&f.Schedules, "schedule", nil, "run at `TIMES`, as in cron: \"0 * * * *\", @daily; repeated; \"\" for when it is asked to")
	fs.StringVar(&f.Zone, "zone", "", "the time `ZONE` of schedules and rules: Europe/Berlin (default UTC)")
	fs.StringVar(&f.Prefix, "prefix", "", "begin the names of snapshots with `PREFIX` (default: the job's name)")
	fs.BoolVar(&f.Existing, "existing", false, "take no snapshots: send those that there are")
	fs.BoolVar(&f.Newest, "newest", false, "send the newest snapshot alone, not each since the last run")
	fs.BoolVar(&f.History, "history", false, "begin with the oldest snapshot, and send all")
	fs.Var(&ruleFlag{&f.Keep}, "keep", "keep by this `RULE` here: hourly=24,daily=30,weekly=8,monthly=12,yearly=3,last=10,within=7d (default all)")
	fs.Var(&ruleFlag{&f.KeepThere}, "keep-there", "keep by this `RULE` at the destination (default all)")
	fs.Var(&spanFlag{&f.MinAge}, "min-age", "destroy nothing at the destination that is younger than `TIME`")
	fs.BoolVar(&f.AppendOnly, "append-only", false, "the destination lets nobody destroy anything: do not try")
	fs.Var(&spanFlag{&f.Unsent}, "unsent", "keep what was not sent for `TIME`, whatever --keep says (default as long as it takes)")
	fs.Var(&spanFlag{&f.RPO}, "rpo", "warn when the newest replica is older than `TIME`")
	fs.StringVar(&f.Before, "before", "", "run `COMMAND` before snapshots are taken")
	fs.StringVar(&f.After, "after", "", "run `COMMAND` after that, whatever became of it")
	fs.Var(&spanFlag{&f.HookTime}, "hook-time", "end such a command after `TIME` (default 1m)")
	fs.StringVar(&f.Limit, "limit", "", "send no more than `RATE` bytes a second: 20M, or \"08:00-18:00 20M, else 0\"")
	fs.StringVar(&f.Compress, "compress", "", "compress on the wire by `HOW`: auto, none, lz4, zstd, zstd-1, zstd-3, zstd-7, zstd-19")
	fs.IntVar(&f.Connections, "connections", 0, "use `N` connections to the peer (default 4, and 1 over ssh)")
	fs.IntVar(&f.Parallel, "parallel", 0, "send `N` volumes at a time (default 1)")
	fs.IntVar(&f.retries, "retries", 0, "try again `N` times after failures that may pass; -1: never (default 5)")
	c.completingFlag(cmd, "to", peerNames)
	c.completingFlag(cmd, "from", peerNames)
}

// apply changes j as the command line says.
func (f *jobFlags) apply(cmd *cobra.Command, j *job.Job) error {
	changed := cmd.Flags().Changed
	if changed("to") && changed("from") {
		return misuse(cmd, "--to and --from: a job sends, or fetches")
	}
	if changed("volume") {
		j.Volumes = nil
		for _, text := range f.volumes {
			source, replica, _ := strings.Cut(text, "=")
			j.Volumes = append(j.Volumes, job.Volume{Source: source, Replica: replica})
		}
	}
	switch {
	case changed("to"):
		j.Peer, j.Pull = f.to, false
	case changed("from"):
		j.Peer, j.Pull = f.from, true
	}
	for flag, set := range map[string]func(){
		"root": func() { j.Root = f.Root }, "schedule": func() { j.Schedules = slices.DeleteFunc(f.Schedules, isEmpty) }, "zone": func() { j.Zone = f.Zone },
		"prefix": func() { j.Prefix = f.Prefix }, "existing": func() { j.Existing = f.Existing }, "newest": func() { j.Newest = f.Newest },
		"history": func() { j.History = f.History }, "keep": func() { j.Keep = f.Keep }, "keep-there": func() { j.KeepThere = f.KeepThere },
		"min-age": func() { j.MinAge = f.MinAge }, "append-only": func() { j.AppendOnly = f.AppendOnly }, "unsent": func() { j.Unsent = f.Unsent },
		"rpo": func() { j.RPO = f.RPO }, "before": func() { j.Before = f.Before }, "after": func() { j.After = f.After },
		"hook-time": func() { j.HookTime = f.HookTime }, "limit": func() { j.Limit = f.Limit }, "compress": func() { j.Compress = f.Compress },
		"connections": func() { j.Connections = f.Connections }, "parallel": func() { j.Parallel = f.Parallel }, "retries": func() { j.Retry.Times = f.retries },
	} {
		if changed(flag) {
			set()
		}
	}
	return nil
}

func isEmpty(text string) bool { return text == "" }

func (c *cli) jobCreate() *cobra.Command {
	var (
		f jobFlags
		o output
	)
	cmd := c.verb("create NAME", "Make a job", func(cmd *cobra.Command, args []string) error {
		j := job.Job{Name: args[0]}
		if err := f.apply(cmd, &j); err != nil {
			return err
		}
		s, err := c.client().CreateJob(cmd.Context(), j)
		return c.printed(&o, s, err, func() {
			c.printf("created job %s\n", j.Name)
			if s.Next.IsZero() {
				c.printf("it has no schedule: lunar job run %s has it run\n", j.Name)
			} else {
				c.printf("it runs next at %s; lunar job check %s says whether it can\n", stampOf(s.Next), j.Name)
			}
		})
	})
	f.describe(c, cmd)
	return o.flag(cmd)
}

func (c *cli) jobModify() *cobra.Command {
	var (
		f jobFlags
		o output
	)
	cmd := c.completing(c.verb("modify NAME", "Change what a job does from its next run on", func(cmd *cobra.Command, args []string) error {
		if !anyChanged(cmd.Flags(), "json") {
			return misuse(cmd, "%s needs something to change", cmd.CommandPath())
		}
		client := c.client()
		s, err := client.Job(cmd.Context(), args[0])
		if err != nil {
			return err
		}
		if err := f.apply(cmd, &s.Job); err != nil {
			return err
		}
		s, err = client.ReplaceJob(cmd.Context(), args[0], s.Job)
		return c.printed(&o, s, err, func() {
			c.printf("modified job %s\n", args[0])
		})
	}), jobNames)
	f.describe(c, cmd)
	return o.flag(cmd)
}

// anyChanged reports whether the command line has any flag of the verb's own, but for some.
func anyChanged(fs *pflag.FlagSet, but ...string) (any bool) {
	skip := " " + strings.Join(but, " ") + " api api-fingerprint api-ca "
	fs.Visit(func(f *pflag.Flag) { any = any || !strings.Contains(skip, " "+f.Name+" ") })
	return any
}

// A ruleFlag is a rule of the command line; an empty one keeps all.
type ruleFlag struct{ *retain.Rule }

func (f *ruleFlag) Type() string { return "RULE" }

// String is for help texts, which leave out an empty one.
func (f *ruleFlag) String() string {
	if f.Rule == nil {
		return ""
	}
	return f.Rule.String()
}

func (f *ruleFlag) Set(text string) (err error) {
	if text == "" || text == "all" {
		*f.Rule = retain.Rule{}
		return nil
	}
	*f.Rule, err = retain.Parse(text)
	return err
}

// A spanFlag is a length of time of the command line.
type spanFlag struct{ *retain.Span }

func (f *spanFlag) Type() string { return "TIME" }

func (f *spanFlag) String() string {
	if f.Span == nil || *f.Span == 0 {
		return ""
	}
	return f.Span.String()
}

func (f *spanFlag) Set(text string) error {
	if text == "0" {
		*f.Span = 0
		return nil
	}
	return f.Span.UnmarshalText([]byte(text))
}

func (c *cli) jobPause() *cobra.Command {
	return c.jobAct("pause NAME", "Have a job's schedules not count; a run that is under way goes on", (*control.Client).PauseJob, "paused job %s\n")
}

func (c *cli) jobResume() *cobra.Command {
	return c.jobAct("resume NAME", "Have a job's schedules count again, from now on", (*control.Client).ResumeJob, "resumed job %s\n")
}

func (c *cli) jobCancel() *cobra.Command {
	return c.jobAct("cancel NAME", "End the run that is under way; the next goes on where it was", (*control.Client).CancelJob, "cancelled the run of job %s\n")
}

func (c *cli) jobDelete() *cobra.Command {
	var (
		q control.JobDelete
		o output
	)
	cmd := c.completing(c.verb("delete NAME", "End a job; its snapshots stay, and are held no more", func(cmd *cobra.Command, args []string) error {
		s, err := c.client().DeleteJob(cmd.Context(), args[0], q)
		return c.printed(&o, s, err, func() { c.printf("deleted job %s\n", args[0]) })
	}), jobNames)
	cmd.Flags().BoolVar(&q.Force, "force", false, "leave the job's holds and bookmarks, where a side does not answer any more")
	return o.flag(cmd)
}
