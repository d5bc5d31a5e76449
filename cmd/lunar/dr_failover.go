package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/spf13/cobra"

	"github.com/lunarsan/lunar/internal/control"
)

func (c *cli) drFailover() *cobra.Command {
	var (
		r   control.DRFailover
		at  string
		yes bool
		o   output
	)
	cmd := c.completing(c.verb("failover JOB", "Put the replicas of a job in the place of the originals", func(cmd *cobra.Command, args []string) (err error) {
		r.Job = args[0]
		if r.At, err = timeOf(at, time.Now()); err != nil {
			return err
		}
		return c.takeOver(cmd, &o, yes, &r.DryRun, func() (control.DRInfo, error) { return c.client().FailoverDR(cmd.Context(), r) },
			func(d control.DRInfo) {
				c.printf("%s: snapshot %s of %s has taken the place of the originals\n", d.Name, d.Snapshot, d.Site)
				c.drUnits(d)
			})
	}), jobsCarried)
	f := cmd.Flags()
	f.StringVar(&at, "at", "", "go back to the newest snapshot that is not younger than `TIME`: 2026-11-22T09:00:00Z, 2026-11-22, or an age like 3h; what is newer stays in the replica")
	f.StringVar(&r.Snapshot, "snapshot", "", "go back to the snapshot `NAME`")
	f.BoolVar(&r.NoSource, "no-source", false, "do not ask the other site, which has failed: take over with the newest snapshot that is here")
	f.BoolVar(&r.Force, "force", false, "although hosts use the originals, or the configuration here changes at a cost")
	f.BoolVarP(&yes, "yes", "y", false, "do not ask")
	dryRun(cmd, &r.DryRun)
	return o.flag(cmd)
}

func (c *cli) drFailback() *cobra.Command {
	var (
		r   control.DRFailback
		yes bool
		o   output
	)
	cmd := c.completing(c.verb("failback JOB", "Give back what was taken over, with what has changed since", func(cmd *cobra.Command, args []string) error {
		r.Job = args[0]
		return c.takeOver(cmd, &o, yes, &r.DryRun, func() (control.DRInfo, error) { return c.client().FailbackDR(cmd.Context(), r) },
			func(d control.DRInfo) { c.printf("%s: %s has its units back\n", d.Name, d.Site) })
	}), jobsCarried)
	f := cmd.Flags()
	f.BoolVar(&r.Force, "force", false, "although hosts use the units here, or what is newer at the other site goes")
	f.BoolVarP(&yes, "yes", "y", false, "do not ask")
	dryRun(cmd, &r.DryRun)
	return o.flag(cmd)
}

// takeOver shows the plan of what ask asks for, asks whether to do it, has it done, and waits for its end.
func (c *cli) takeOver(cmd *cobra.Command, o *output, yes bool, dry *bool, ask func() (control.DRInfo, error), done func(control.DRInfo)) error {
	only := *dry
	*dry = true
	d, err := ask()
	plan := func() {
		c.drPlan(d)
		for _, risk := range d.Risks {
			c.printf("needs --force: %s\n", risk)
		}
	}
	if err != nil || only {
		return c.printed(o, d, err, plan)
	}
	if err := c.agreed(cmd, yes, plan, "Do it?"); err != nil {
		return err
	}
	*dry = false
	if d, err = ask(); err == nil {
		d, err = c.settled(cmd.Context(), d)
	}
	return c.printed(o, d, err, func() { done(d) })
}

// drPause is between two looks at what is under way.
const drPause = 200 * time.Millisecond

// settled waits until nothing is done any more with a failover, and says on standard error what was
// done meanwhile.
func (c *cli) settled(ctx context.Context, d control.DRInfo) (control.DRInfo, error) {
	told := len(d.Steps)
	for {
		now, err := c.client().DR(ctx, d.Name)
		switch {
		case isGone(err): // it was given back
			d.Phase, d.Busy = control.DREnded, false
			return d, nil
		case err != nil:
			return d, err
		}
		d = now
		for ; told < len(d.Steps); told++ {
			c.warn("%s", d.Steps[told].What)
		}
		if !d.Busy {
			break
		}
		select {
		case <-time.After(drPause):
		case <-ctx.Done():
			return d, ctx.Err()
		}
	}
	if d.Problem != "" {
		return d, &control.Problem{Title: fmt.Sprintf("%s is %s: %s", d.Name, d.Phase, d.Problem), Hint: "Ask for it again when that is mended: it goes on."}
	}
	return d, nil
}

func (c *cli) drReclaim() *cobra.Command {
	var (
		yes bool
		o   output
	)
	cmd := c.completing(c.verb("reclaim JOB", "Take back here what another site has taken over, without what was written there", func(cmd *cobra.Command, args []string) error {
		d, err := c.client().DR(cmd.Context(), args[0])
		if err != nil {
			return err
		}
		plan := func() {
			for _, u := range d.Units {
				c.printf("bring unit %s online, as it was at %s\n", u.GUID, d.Begun.Format(time.RFC3339))
			}
			c.printf("let job %s run again\n", args[0])
		}
		if err := c.agreed(cmd, yes, plan, "Are the units there offline?"); err != nil {
			return err
		}
		d, err = c.client().ReclaimDR(cmd.Context(), args[0])
		return c.printed(&o, d, err, func() { c.printf("job %s has its units back\n", args[0]) })
	}), drNames)
	cmd.Flags().BoolVarP(&yes, "yes", "y", false, "do not ask")
	return o.flag(cmd)
}

// isGone reports whether err says that something is not there.
func isGone(err error) bool {
	var p *control.Problem
	return errors.As(err, &p) && p.Status == http.StatusNotFound
}
