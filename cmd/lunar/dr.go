package main

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/lunarsan/lunar/internal/control"
)

// dr has the verbs of disaster recovery.
func (c *cli) dr() *cobra.Command {
	return c.noun("dr", "Disaster recovery: show replicas to hosts, for a test or because the other site has failed",
		c.drTest(), c.drList(), c.drShow(), c.drEnd(), c.drFailover(), c.drFailback(), c.drReclaim())
}

// drNames completes the names of tests and failovers.
func drNames(ctx context.Context, client *control.Client) (names []string) {
	list, _ := client.DRs(ctx) // no daemon, nothing to complete
	for _, d := range list {
		names = append(names, d.Name)
	}
	return names
}

// agreed shows the plan, asks, and tells whether to go on. What nobody can be asked about needs --yes.
func (c *cli) agreed(cmd *cobra.Command, yes bool, plan func(), question string) error {
	if yes {
		return nil
	}
	if isTerminal(c.stdin) {
		plan()
		if c.confirm(question) {
			return nil
		}
	}
	return &control.Problem{Title: "nothing was done", Hint: cmd.CommandPath() + " --yes does not ask; --dry-run shows the plan."}
}

func (c *cli) drTest() *cobra.Command {
	var (
		r   control.DRTest
		at  string
		yes bool
		o   output
	)
	cmd := c.completing(c.verb("test JOB", "Show the replicas of a job to hosts on clones, while the job goes on", func(cmd *cobra.Command, args []string) (err error) {
		r.Job = args[0]
		if r.At, err = timeOf(at, time.Now()); err != nil {
			return err
		}
		dry := r.DryRun
		r.DryRun = true
		d, err := c.client().TestDR(cmd.Context(), r)
		if err != nil || dry {
			return c.printed(&o, d, err, func() { c.drPlan(d) })
		}
		if err := c.agreed(cmd, yes, func() { c.drPlan(d) }, "Do it?"); err != nil {
			return err
		}
		r.DryRun, r.Name = false, d.Name
		d, err = c.client().TestDR(cmd.Context(), r)
		return c.printed(&o, d, err, func() {
			c.printf("DR test %s shows snapshot %s of %s, taken %s\n", d.Name, d.Snapshot, d.Site, d.Taken.Format(time.RFC3339))
			c.drUnits(d)
			for _, w := range d.Warnings {
				c.printf("warning: %s\n", w)
			}
		})
	}), jobsCarried)
	f := cmd.Flags()
	f.StringVar(&at, "at", "", "show the newest snapshot that is not younger than `TIME`: 2026-11-22T09:00:00Z, 2026-11-22, or an age like 3h")
	f.StringVar(&r.Snapshot, "snapshot", "", "show the snapshot `NAME`")
	f.StringArrayVar(&r.Hosts, "host", nil, "show it to the initiator `IQN`; repeated")
	f.StringVar(&r.HostGroup, "host-group", "", "show it to the initiators of `GROUP`")
	f.BoolVar(&r.Fresh, "fresh-identity", false, "give the units identities of their own instead of the originals'")
	f.StringArrayVar(&r.Units, "unit", nil, "show this unit of the job alone; repeated (`GUID`)")
	f.StringVar(&r.Name, "name", "", "call the test `NAME` (default: as the job)")
	f.BoolVarP(&yes, "yes", "y", false, "do not ask")
	c.completingFlag(cmd, "host-group", groupNoun{kind: control.HostGroups}.names)
	dryRun(cmd, &r.DryRun)
	return o.flag(cmd)
}

// printed prints v unless err says that there is none.
func (c *cli) printed(o *output, v any, err error, text func()) error {
	if err != nil {
		return err
	}
	return c.print(o, v, text)
}

// jobsCarried completes the jobs whose configuration is here.
func jobsCarried(ctx context.Context, client *control.Client) (names []string) {
	sites, _ := client.Sites(ctx) // no daemon, nothing to complete
	for _, s := range sites {
		names = append(names, s.Job)
	}
	return names
}

// drPlan prints what would be done.
func (c *cli) drPlan(d control.DRInfo) {
	for _, line := range d.Plan {
		c.printf("%s\n", line)
	}
	for _, w := range d.Warnings {
		c.printf("warning: %s\n", w)
	}
}

// drUnits prints the units that are shown.
func (c *cli) drUnits(d control.DRInfo) {
	rows := [][]string{{"GUID", "LUN", "STATE", "ORIGINAL", "REPLICA", "HEADER"}}
	for _, u := range d.Units {
		rows = append(rows, []string{u.GUID, strconv.Itoa(u.LUN), or(u.State, "-"), u.Original, u.Replica, or(u.Header, "-")})
	}
	c.table(rows)
}

func (c *cli) drList() *cobra.Command {
	var o output
	return o.flag(c.verb("list", "Show the DR tests and failovers", func(cmd *cobra.Command, _ []string) error {
		list, err := c.client().DRs(cmd.Context())
		if err != nil {
			return err
		}
		return c.print(&o, list, func() {
			if len(list) == 0 {
				c.printf("no DR tests and no failovers\n")
				return
			}
			rows := [][]string{{"NAME", "KIND", "PHASE", "SITE", "SNAPSHOT", "UNITS", "HOSTS"}}
			for _, d := range list {
				rows = append(rows, []string{d.Name, d.Kind, d.Phase, d.Site, d.Snapshot, strconv.Itoa(len(d.Units)), or(d.HostGroup, "-")})
			}
			c.table(rows)
		})
	}))
}

func (c *cli) drShow() *cobra.Command {
	var o output
	return o.flag(c.completing(c.verb("show NAME", "Show a DR test or a failover, and what was done for it", func(cmd *cobra.Command, args []string) error {
		d, err := c.client().DR(cmd.Context(), args[0])
		return c.printed(&o, d, err, func() {
			c.printf("%s %s of %s: %s\n", d.Kind, d.Name, d.Site, d.Phase)
			if d.Problem != "" {
				c.printf("it goes no further: %s\n", d.Problem)
			}
			c.printf("snapshot %s, taken %s\n", d.Snapshot, d.Taken.Format(time.RFC3339))
			c.drUnits(d)
			for _, s := range d.Steps {
				c.printf("%s  %s\n", s.Time.Format(time.RFC3339), s.What)
			}
		})
	}), drNames))
}

func (c *cli) drEnd() *cobra.Command {
	var (
		r   control.DREnd
		yes bool
		o   output
	)
	cmd := c.completing(c.verb("end NAME", "Throw a DR test away, with all that hosts have written to it", func(cmd *cobra.Command, args []string) error {
		dry := r.Try
		r.Try = true
		d, err := c.client().EndDR(cmd.Context(), args[0], r)
		plan := func() { c.drPlan(d) }
		if err != nil || dry {
			return c.printed(&o, d, err, plan)
		}
		if err := c.agreed(cmd, yes, plan, fmt.Sprintf("End %s %s?", d.Kind, d.Name)); err != nil {
			return err
		}
		r.Try = false
		d, err = c.client().EndDR(cmd.Context(), args[0], r)
		return c.printed(&o, d, err, func() { c.printf("ended %s %s\n", d.Kind, d.Name) })
	}), drNames)
	cmd.Flags().BoolVar(&r.Force, "force", false, "although hosts use it")
	cmd.Flags().BoolVarP(&yes, "yes", "y", false, "do not ask")
	dryRun(cmd, &r.Try)
	return o.flag(cmd)
}

// timeOf reads a time of an operator: a date, with a time of day or without, in UTC unless it says
// otherwise, or how long ago; nil: none was said.
func timeOf(s string, now time.Time) (*time.Time, error) {
	if s == "" {
		return nil, nil
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04", "2006-01-02 15:04", time.DateOnly} {
		if t, err := time.Parse(layout, s); err == nil {
			if layout == time.DateOnly {
				t = t.Add(24*time.Hour - time.Second) // the end of the day
			}
			return &t, nil
		}
	}
	if ago, err := time.ParseDuration(s); err == nil && ago >= 0 {
		t := now.Add(-ago)
		return &t, nil
	}
	return nil, &usageError{fmt.Sprintf("--at: %q is no time", s), "Write it 2026-11-22T09:00:00Z, 2026-11-22, or 3h for three hours ago."}
}
