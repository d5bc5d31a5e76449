package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/lunarsan/lunar/internal/control"
	"github.com/lunarsan/lunar/stream"
	"github.com/lunarsan/lunar/stream/job"
)

func (c *cli) jobExplain() *cobra.Command {
	var o output
	return o.flag(c.completing(c.verb("explain NAME", "Say of each snapshot why it is kept, and why it is or is not at the other end", func(cmd *cobra.Command, args []string) error {
		x, err := c.client().ExplainJob(cmd.Context(), args[0])
		return c.printed(&o, x, err, func() { c.showExplained(args[0], &x) })
	}), jobNames))
}

func (c *cli) showExplained(name string, x *control.JobExplained) {
	for i := range x.Volumes {
		v := &x.Volumes[i]
		if i > 0 {
			c.printf("\n")
		}
		c.explainSide(v.Source, v.Here)
		if v.Destination != "" {
			c.printf("\n")
			c.explainSide(v.Destination, v.There)
		}
		if p := v.Partial; p != nil {
			c.printf("\nof %s (GUID %d), %s have come of a stream that was cut\n", p.Name, p.GUID, formatSize(p.Bytes))
		}
		switch {
		case v.Problem != nil:
			c.printf("\nnothing is sent: %s\n", v.Problem.Says)
			if way := jobWayOut(name, v.Problem); way != "" {
				c.printf("  %s\n", way)
			}
		case v.Common != nil:
			c.printf("\nthe newest that both have is %s (GUID %d); the next run does %s\n", v.Common.Name, v.Common.GUID, plural(v.Steps, "step"))
		case v.Steps > 0:
			c.printf("\nboth have nothing in common yet; the next run does %s\n", plural(v.Steps, "step"))
		case v.Destination != "":
			c.printf("\nboth have nothing yet; the next run begins\n")
		}
	}
	if x.Problem != "" {
		c.printf("\nnothing is known of the destination: %s\n", x.Problem)
	}
}

func (c *cli) explainSide(name string, all []job.Explained) {
	if len(all) == 0 {
		c.printf("%s has no snapshots\n", name)
		return
	}
	c.printf("%s:\n", name)
	rows := [][]string{{"SNAPSHOT", "GUID", "TAKEN", "", "WHY", "OTHER END"}}
	for _, s := range all {
		verdict := "keep"
		if !s.Keep {
			verdict = "drop"
		}
		rows = append(rows, []string{s.Name, fmt.Sprint(s.GUID), s.Created.UTC().Format(time.RFC3339), verdict, s.Why, or(s.Sent, "-")})
	}
	c.table(rows)
}

func (c *cli) jobPrune() *cobra.Command {
	var (
		q       control.JobPrune
		explain bool
		o       output
	)
	cmd := c.completing(c.verb("prune NAME", "Destroy the snapshots of a job that its rules do not keep", func(cmd *cobra.Command, args []string) error {
		client := c.client()
		if explain {
			x, err := client.ExplainJob(cmd.Context(), args[0])
			return c.printed(&o, x, err, func() { c.showExplained(args[0], &x) })
		}
		pruned, err := client.PruneJob(cmd.Context(), args[0], q)
		if err != nil {
			return err
		}
		if err := c.print(&o, pruned, func() { c.showPruned(pruned.Volumes, q.DryRun) }); err != nil {
			return err
		}
		var failed failures
		if pruned.Problem != "" {
			failed = append(failed, &control.Problem{Title: "the destination was not pruned: " + pruned.Problem, Hint: "lunar job check " + args[0] + " looks at both ends."})
		}
		for _, v := range pruned.Volumes {
			if v.Problem != nil {
				failed = append(failed, &control.Problem{Title: v.Source + ": " + v.Problem.Says, Hint: jobWayOut(args[0], v.Problem)})
			}
		}
		if len(failed) > 0 {
			return failed
		}
		return nil
	}), jobNames)
	cmd.Flags().BoolVar(&explain, "explain", false, "say of each snapshot why it would stay or go, and do nothing")
	dryRun(cmd, &q.DryRun)
	return o.flag(cmd)
}

func (c *cli) showPruned(volumes []job.VolumeRun, dry bool) {
	verb, n := "destroyed", 0
	if dry {
		verb = "would destroy"
	}
	var freed int64
	for _, v := range volumes {
		for _, d := range v.Pruned {
			n++
			freed += max(d.Used, 0)
			c.printf("%s: %s %s%s: %s\n", v.Source, verb, d.Name, thereOf(d.There), d.Why)
		}
		for _, note := range v.Notes {
			c.printf("%s: %s\n", v.Source, note)
		}
	}
	switch {
	case n == 0:
		c.printf("the rules keep all that there is\n")
	case freed > 0:
		c.printf("%s %s, which held %s alone\n", verb, plural(n, "snapshot"), formatSize(freed))
	}
}

func (c *cli) jobCheck() *cobra.Command {
	var o output
	return o.flag(c.completing(c.verb("check NAME", "Look for what would make a run of a job fail", func(cmd *cobra.Command, args []string) error {
		found, err := c.client().CheckJob(cmd.Context(), args[0])
		if err != nil {
			return err
		}
		wrong := 0
		err = c.print(&o, found, func() {
			for _, f := range found {
				if f.Problem == nil {
					c.printf("ok    %s\n", f.What)
					continue
				}
				c.printf("WRONG %s: %s\n", f.What, strings.ReplaceAll(f.Problem.Says, "\n", "; "))
				if way := jobWayOut(args[0], f.Problem); way != "" {
					c.printf("      %s\n", way)
				}
			}
		})
		for _, f := range found {
			if f.Problem != nil {
				wrong++
			}
		}
		if err == nil && wrong > 0 {
			err = &control.Problem{Title: fmt.Sprintf("job %s: %s", args[0], plural(wrong, "problem"))}
		}
		return err
	}), jobNames))
}

func (c *cli) jobVerify() *cobra.Command {
	var o output
	return o.flag(c.completing(c.verb("verify NAME", "Compare volumes with their replicas, without sending them", func(cmd *cobra.Command, args []string) error {
		answer, err := c.client().VerifyJob(cmd.Context(), args[0])
		if err != nil {
			return err
		}
		var failed failures
		for _, v := range answer {
			switch {
			case v.Problem != nil:
				failed = append(failed, &control.Problem{Title: v.Source + " could not be compared: " + v.Problem.Says, Hint: jobWayOut(args[0], v.Problem)})
			case !v.Verdict.Same():
				failed = append(failed, &control.Problem{Title: fmt.Sprintf("%s and its replica differ, at the snapshot with GUID %d", v.Source, v.Verdict.GUID),
					Hint: "lunar job run " + args[0] + " --reseed=anyway makes the replica anew."})
			}
		}
		err = c.print(&o, answer, func() {
			for _, v := range answer {
				if v.Verdict != nil {
					c.showVerdict(v.Verdict)
				}
			}
		})
		if err == nil && len(failed) > 0 {
			err = failed
		}
		return err
	}), jobNames))
}

func (c *cli) showVerdict(v *stream.Verdict) {
	for _, s := range v.Sides {
		c.printf("%s  %s  %s\n", s.Root, formatSize(s.Size), s.Snapshot)
	}
	verdict := "both have other bytes"
	if v.Same() {
		verdict = "both have the same"
	}
	c.printf("%s (GUID %d)\n", verdict, v.GUID)
	for _, r := range v.Differs {
		c.printf("differs: %s at byte %d\n", formatSize(r.Length), r.Offset)
	}
}

func (c *cli) jobHistory() *cobra.Command {
	var (
		n int
		o output
	)
	cmd := c.completing(c.verb("history NAME", "Show the runs of a job", func(cmd *cobra.Command, args []string) error {
		runs, err := c.client().JobHistory(cmd.Context(), args[0])
		if err != nil {
			return err
		}
		if n > 0 && len(runs) > n {
			runs = runs[len(runs)-n:]
		}
		return c.print(&o, runs, func() {
			if len(runs) == 0 {
				c.printf("job %s has not run yet\n", args[0])
				return
			}
			rows := [][]string{{"RUN", "WHY", "BEGAN", "TOOK", "SNAPSHOT", "SENT", "DESTROYED", "RESULT"}}
			for i := range runs {
				rows = append(rows, historyRow(&runs[i]))
			}
			c.table(rows)
		})
	}), jobNames)
	cmd.Flags().IntVarP(&n, "number", "n", 20, "show the last `N` runs; 0: all that are remembered")
	return o.flag(cmd)
}

func historyRow(r *job.Run) []string {
	pruned, result := 0, "ok"
	for _, v := range r.Volumes {
		pruned += len(v.Pruned)
		if v.Problem != nil {
			result = v.Source + ": " + v.Problem.Says
		}
	}
	switch {
	case r.Left:
		result = "left to the next run"
	case r.Problem != nil:
		result = r.Problem.Says
	}
	return []string{fmt.Sprint(r.Number), string(r.Trigger), stampOf(r.Started), about(r.Ended.Sub(r.Started)), or(r.Snapshot, "-"),
		formatSize(r.Bytes()), fmt.Sprint(pruned), strings.ReplaceAll(result, "\n", "; ")}
}
