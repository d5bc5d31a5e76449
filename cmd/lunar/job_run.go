package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/lunarsan/lunar/internal/control"
	"github.com/lunarsan/lunar/stream"
	"github.com/lunarsan/lunar/stream/job"
)

// jobAct is a verb that does something to a job, and says so.
func (c *cli) jobAct(use, short string, act func(*control.Client, context.Context, string) (job.Status, error), done string) *cobra.Command {
	var o output
	return o.flag(c.completing(c.verb(use, short, func(cmd *cobra.Command, args []string) error {
		s, err := act(c.client(), cmd.Context(), args[0])
		return c.printed(&o, s, err, func() { c.printf(done, args[0]) })
	}), jobNames))
}

func (c *cli) jobRun() *cobra.Command {
	var (
		a          job.Ask
		dry        bool
		background bool
		o          output
	)
	cmd := c.completing(c.verb("run NAME", "Have a job run now, and wait for it", func(cmd *cobra.Command, args []string) error {
		if a.Rollback && a.Reseed != "" {
			return misuse(cmd, "--rollback and --reseed: choose")
		}
		client := c.client()
		if dry {
			plans, err := client.PlanJob(cmd.Context(), args[0], a)
			return c.printed(&o, plans, err, func() { c.showPlans(args[0], plans) })
		}
		started, err := client.RunJob(cmd.Context(), args[0], a)
		if err != nil {
			return err
		}
		if background {
			return c.print(&o, started, func() {
				c.printf("run %d of job %s has begun; lunar job show %s tells how it is\n", started.Number, args[0], args[0])
			})
		}
		r, err := c.follow(cmd.Context(), client, args[0], started.Number)
		if err != nil {
			return err
		}
		if err := c.print(&o, r, func() { c.showRun(args[0], r) }); err != nil || r.OK() {
			return err
		}
		return c.jobFailed(args[0], r)
	}), jobNames)
	f := cmd.Flags()
	f.BoolVar(&a.Rollback, "rollback", false, "give up what is newer at the destination than what both ends have")
	reseedFlag(f, &a.Reseed)
	f.BoolVar(&a.NoTake, "no-take", false, "take no snapshot: send those that there are")
	f.BoolVar(&background, "background", false, "do not wait")
	dryRun(cmd, &dry)
	return o.flag(cmd)
}

// reseedFlag is the flag for giving up a destination.
func reseedFlag(f *pflag.FlagSet, r *stream.Reseed) {
	f.TextVar(r, "reseed", stream.Reseed(""), "where both ends have nothing in common, send everything, and then give up what the destination has; "+
		"=anyway: also where they have; =discard: give up its snapshots first")
	f.Lookup("reseed").NoOptDefVal = string(stream.Beside)
}

// jobPoll is how often the daemon is asked how far a run is.
const jobPoll = 200 * time.Millisecond

// follow waits for a run to end. Where it is given up the run goes on.
func (c *cli) follow(ctx context.Context, client *control.Client, name string, number int64) (*job.Run, error) {
	p := c.progress(name, 0)
	defer func() { p.done() }()
	for {
		s, err := client.Job(ctx, name)
		if err != nil {
			return nil, err
		}
		if s.Last != nil && s.Last.Number >= number {
			return c.runOf(ctx, client, name, number)
		}
		if r := s.Running; r != nil {
			var at, total int64
			for _, v := range r.Volumes {
				at, total = at+v.Bytes, total+max(v.Step.Bytes, v.Bytes)
			}
			p.show(at, total)
		}
		select {
		case <-ctx.Done():
			return nil, &control.Problem{Title: fmt.Sprintf("run %d of job %s goes on", number, name), Hint: "lunar job cancel " + name + " ends it."}
		case <-time.After(jobPoll):
		}
	}
}

// runOf finds a run that has ended. One that was left to the next has come to its end with that.
func (c *cli) runOf(ctx context.Context, client *control.Client, name string, number int64) (*job.Run, error) {
	runs, err := client.JobHistory(ctx, name)
	if err != nil {
		return nil, err
	}
	for i := range runs {
		if runs[i].Number >= number && !runs[i].Left {
			return &runs[i], nil
		}
	}
	return nil, &control.Problem{Title: fmt.Sprintf("run %d of job %s is forgotten", number, name), Hint: "lunar job history " + name + " has those that are not."}
}

// showRun tells what a run has done.
func (c *cli) showRun(name string, r *job.Run) {
	if r.Snapshot != "" {
		c.printf("took snapshot %s; writes stood still for %s\n", r.Snapshot, r.Still.Round(time.Microsecond))
	}
	for _, v := range r.Volumes {
		for _, d := range v.Done {
			c.printf("%s: %s in %s\n", v.Source, stepDone(&d), d.Took.Round(time.Millisecond))
		}
		if v.Destination != "" && len(v.Done) == 0 && v.Problem == nil {
			c.printf("%s: nothing to send\n", v.Source)
		}
		for _, p := range v.Pruned {
			c.printf("%s: destroyed %s%s\n", v.Source, p.Name, thereOf(p.There))
		}
		for _, note := range v.Notes {
			c.printf("%s: note: %s\n", v.Source, note)
		}
	}
	if r.OK() {
		c.printf("run %d of job %s is done: %s in %s\n", r.Number, name, formatSize(r.Bytes()), r.Ended.Sub(r.Started).Round(time.Millisecond))
	}
}

func thereOf(there bool) string {
	if there {
		return " at the destination"
	}
	return ""
}

func stepDone(d *stream.Done) string {
	switch d.Kind {
	case stream.Abandon:
		return "threw away a part of " + d.To
	case stream.Destroy:
		return "destroyed " + d.To + " at the destination"
	}
	what := fmt.Sprintf("sent %s, %s", d.To, formatSize(d.Bytes))
	switch {
	case d.From == "":
		return what + ", all of it"
	default:
		return what + " since " + d.From
	}
}

// jobFailed is the error of a run.
func (c *cli) jobFailed(name string, r *job.Run) error {
	var failed failures
	add := func(about string, p *job.Problem) {
		if p != nil {
			failed = append(failed, &control.Problem{Title: about + p.Says, Hint: or(jobWayOut(name, p), "lunar job check "+name+" looks at both ends.")})
		}
	}
	add("", r.Problem)
	for _, v := range r.Volumes {
		add(v.Source+": ", v.Problem)
	}
	return failed
}

// showPlans tells what a run would do.
func (c *cli) showPlans(name string, plans []job.VolumePlan) {
	for _, p := range plans {
		if p.Problem != nil {
			c.printf("%s: %s\n", p.Source, p.Problem.Says)
			if way := jobWayOut(name, p.Problem); way != "" {
				c.printf("  %s\n", way)
			}
			continue
		}
		if p.Takes {
			c.printf("%s: would take a snapshot first; what it adds is not in what follows\n", p.Source)
		}
		if p.Plan != nil {
			c.showPlan(p.Source, p.Plan)
		}
		if p.Plan == nil && !p.Takes && len(p.Pruned) == 0 {
			c.printf("%s: the rules keep all that there is\n", p.Source)
		}
		for _, d := range p.Pruned {
			c.printf("%s: would destroy %s%s: %s\n", p.Source, d.Name, thereOf(d.There), d.Why)
		}
	}
}

func (c *cli) showPlan(source string, p *stream.Plan) {
	if len(p.Steps) == 0 {
		c.printf("%s: nothing to send to %s\n", source, p.Destination)
	}
	total, known := int64(0), true
	when := ""
	if p.Beside {
		when = ", when the first stream has come"
	}
	for _, d := range p.Discards {
		c.printf("%s: would give up %s (GUID %d) at the destination%s\n", source, d.Name, d.GUID, when)
	}
	for i := range p.Steps {
		s := &p.Steps[i]
		switch {
		case s.Kind == stream.Abandon:
			c.printf("%s: would throw away a part of %s, %s\n", source, s.To.Name, formatSize(s.Bytes))
		case s.Kind == stream.Destroy: // it is among those given up
		default:
			since := "all of it"
			if s.From != nil {
				since = "since " + s.Send.From
			}
			size := "length not known"
			if s.Bytes >= 0 {
				size = "about " + formatSize(s.Bytes)
			}
			c.printf("%s: would send %s, %s (%s, GUID %d)\n", source, s.To.Name, since, size, s.To.GUID)
			total, known = total+max(s.Bytes, 0), known && s.Bytes >= 0
		}
	}
	if known && total > 0 {
		c.printf("%s: about %s in all\n", source, formatSize(total))
	}
}
