package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/lunarsan/lunar/internal/control"
	"github.com/lunarsan/lunar/stream/job"
)

// job has the verbs of replication jobs.
func (c *cli) job() *cobra.Command {
	return c.noun("job", "Replication jobs: take snapshots on schedules, send them, and keep them by rule",
		c.jobCreate(), c.jobModify(), c.jobList(), c.jobShow(), c.jobRun(), c.jobPause(), c.jobResume(), c.jobCancel(), c.jobDelete(),
		c.jobPrune(), c.jobExplain(), c.jobCheck(), c.jobVerify(), c.jobHistory())
}

// jobNames completes the names of jobs.
func jobNames(ctx context.Context, client *control.Client) (names []string) {
	list, _ := client.Jobs(ctx) // no daemon, nothing to complete
	for _, s := range list {
		names = append(names, s.Job.Name)
	}
	return names
}

func (c *cli) jobList() *cobra.Command {
	var o output
	return o.flag(c.verb("list", "Show the jobs, and how late they are", func(cmd *cobra.Command, _ []string) error {
		list, err := c.client().Jobs(cmd.Context())
		if err != nil {
			return err
		}
		return c.print(&o, list, func() {
			if len(list) == 0 {
				c.printf("no jobs; make one with lunar job create NAME --volume VOLUME\n")
				return
			}
			rows := [][]string{{"NAME", "STATE", "LAG", "RPO", "NEXT", "LAST", "SENT", "TOOK", "RATE", "VOLUMES", "TO"}}
			for _, s := range list {
				rows = append(rows, jobRow(&s))
			}
			c.table(rows)
			for _, s := range list {
				if s.Last != nil {
					c.jobTroubles(s.Job.Name, s.Last)
				}
			}
		})
	}))
}

func jobRow(s *job.Status) []string {
	row := []string{s.Job.Name, jobState(s), "-", "-", "-", "-", "-", "-", "-", fmt.Sprint(len(s.Job.Volumes)), jobWay(&s.Job)}
	if s.Job.Replicates() {
		row[2] = about(s.Lag)
	}
	if s.Job.RPO > 0 {
		row[3] = s.Job.RPO.String()
	}
	if !s.Next.IsZero() {
		row[4] = stampOf(s.Next)
	}
	if last := s.Last; last != nil {
		took := last.Ended.Sub(last.Started)
		row[5], row[6], row[7] = stampOf(last.Started), formatSize(last.Bytes()), about(took)
		if last.Bytes() > 0 {
			row[8] = formatSize(int64(float64(last.Bytes())/max(took.Seconds(), 0.001))) + "/s"
		}
	}
	return row
}

// jobState is how a job is, in a word.
func jobState(s *job.Status) string {
	switch {
	case s.Running != nil:
		return fmt.Sprintf("running %.0f%%", s.Running.Percent)
	case s.Last != nil && !s.Last.OK():
		return "failed"
	case s.Paused:
		return "paused"
	case s.Late:
		return "late"
	case s.Last == nil:
		return "new"
	}
	return "ok"
}

// jobWay is where the replicas of a job are.
func jobWay(j *job.Job) string {
	switch {
	case !j.Replicates():
		return "-"
	case j.Pull:
		return fmt.Sprintf("%s (from %s)", j.Root, j.Peer)
	case j.Peer != "":
		return j.Peer + ":" + j.Root
	}
	return j.Root
}

// stampOf writes a moment by this machine's clocks.
func stampOf(t time.Time) string { return t.Local().Format("2006-01-02 15:04:05") }

func (c *cli) jobShow() *cobra.Command {
	var o output
	return o.flag(c.completing(c.verb("show NAME", "Show what a job does, and how it is", func(cmd *cobra.Command, args []string) error {
		s, err := c.client().Job(cmd.Context(), args[0])
		return c.printed(&o, s, err, func() { c.showJob(&s) })
	}), jobNames))
}

func (c *cli) showJob(s *job.Status) {
	j := &s.Job
	c.printf("job %s: %s\n", j.Name, jobState(s))
	for _, line := range jobTerms(j) {
		c.printf("  %-12s %s\n", line[0], line[1])
	}
	if !s.Next.IsZero() {
		c.printf("  %-12s %s\n", "next run", stampOf(s.Next))
	}
	if r := s.Last; r != nil {
		c.printf("  %-12s %d, %s, %s in %s\n", "last run", r.Number, stampOf(r.Started), formatSize(r.Bytes()), about(r.Ended.Sub(r.Started)))
	}
	rows := [][]string{{"VOLUME", "NEWEST REPLICA", "GUID", "LAG"}}
	for _, v := range s.Volumes {
		row := []string{v.Source, "-", "-", "-"}
		if v.Replica != nil {
			row[1], row[2] = v.Replica.Name, fmt.Sprint(v.Replica.GUID)
		}
		if j.Replicates() {
			row[3] = about(v.Lag)
		}
		rows = append(rows, row)
	}
	c.table(rows)
	if s.Last != nil {
		c.jobTroubles(j.Name, s.Last)
	}
}

// jobTerms are what a job says, in the order of a run.
func jobTerms(j *job.Job) (lines [][2]string) {
	add := func(what, text string) {
		if text != "" {
			lines = append(lines, [2]string{what, text})
		}
	}
	zone := or(j.Zone, "UTC")
	add("schedule", or(strings.Join(j.Schedules, "; "), "when it is asked to")+", "+zone)
	if j.Existing {
		add("snapshots", "takes none")
	} else {
		add("snapshots", or(j.Prefix, j.Name)+"-TIME")
	}
	add("before", j.Before)
	add("after", j.After)
	if j.Replicates() {
		what := "each snapshot"
		if j.Newest {
			what = "the newest snapshot"
		}
		add("sends", what+" to "+jobWay(j))
		add("limit", j.Limit)
		add("compress", j.Compress)
	}
	add("keeps here", or(j.Keep.String(), "all"))
	switch {
	case j.AppendOnly:
		add("keeps there", "what the other side does")
	case j.Replicates():
		add("keeps there", or(j.KeepThere.String(), "all"))
	}
	if j.RPO > 0 {
		add("rpo", j.RPO.String())
	}
	return lines
}

// jobTroubles says what went wrong with a run, and the ways out.
func (c *cli) jobTroubles(name string, r *job.Run) {
	say := func(of string, p *job.Problem) {
		if p == nil {
			return
		}
		c.printf("job %s, run %d%s failed: %s\n", name, r.Number, of, strings.ReplaceAll(p.Says, "\n", "; "))
		if way := jobWayOut(name, p); way != "" {
			c.printf("  %s\n", way)
		}
	}
	say("", r.Problem)
	for _, v := range r.Volumes {
		say(", "+v.Source+",", v.Problem)
		for _, note := range v.Notes {
			c.printf("job %s, %s: %s\n", name, v.Source, note)
		}
	}
}

// jobWayOut is the way out of a problem, with the command that goes it.
func jobWayOut(name string, p *job.Problem) string {
	if p.Flag == "" {
		return p.Way
	}
	return fmt.Sprintf("lunar job run %s %s: %s", name, p.Flag, strings.TrimPrefix(p.Way, p.Flag+" "))
}
