package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/lunarsan/lunar/internal/control"
)

// config has the verbs of the configuration as a whole.
func (c *cli) config() *cobra.Command {
	return c.noun("config", "The configuration as a whole: write it, read it, compare it",
		c.configExport(), c.configApply(), c.configDiff(), c.configHistory(), c.configRollback(), c.configImport())
}

func (c *cli) configExport() *cobra.Command {
	var r control.ConfigExport
	cmd := c.verb("export", "Print the configuration as a YAML document", func(cmd *cobra.Command, _ []string) error {
		exported, err := c.client().ExportConfig(cmd.Context(), r)
		if err != nil {
			return err
		}
		c.printf("%s", exported.Document)
		return nil
	})
	cmd.Flags().BoolVar(&r.Secrets, "secrets", false, "with the CHAP secrets: keep the document as safe as them")
	return cmd
}

func (c *cli) configApply() *cobra.Command {
	var (
		r   control.ConfigApply
		yes bool
		o   output
	)
	cmd := c.verb("apply [FILE]", "Make the configuration that of a document: all of it, or nothing", func(cmd *cobra.Command, args []string) (err error) {
		if r.Document, err = c.document(args, control.MaxDocument); err != nil {
			return err
		}
		return c.reconfigure(&o, yes, r.DryRun, func(dry bool, base *uint64) (control.ConfigPlan, error) {
			r.DryRun, r.Base = dry, base
			return c.client().ApplyConfig(cmd.Context(), r)
		})
	})
	f := cmd.Flags()
	f.BoolVar(&r.Prune, "prune", false, "remove what the document does not name; the stores of units stay")
	f.BoolVar(&r.Force, "force", false, "although sessions end, or units become other disks")
	f.BoolVarP(&yes, "yes", "y", false, "do not ask")
	dryRun(cmd, &r.DryRun)
	return o.flag(cmd)
}

func (c *cli) configDiff() *cobra.Command {
	var (
		exitCode bool
		o        output
	)
	cmd := c.verb("diff [FILE]", "Show how the configuration differs from a document", func(cmd *cobra.Command, args []string) error {
		text, err := c.document(args, control.MaxDocument)
		if err != nil {
			return err
		}
		plan, err := c.client().ApplyConfig(cmd.Context(), control.ConfigApply{Document: text, Prune: true, DryRun: true})
		if err != nil {
			return err
		}
		if err := c.print(&o, plan, func() { c.plan(plan) }); err != nil {
			return err
		}
		if exitCode && len(plan.Steps) > 0 {
			return &control.Problem{Title: "the configuration differs", Hint: "lunar config apply --prune makes it that of the document."}
		}
		return nil
	})
	cmd.Flags().BoolVar(&exitCode, "exit-code", false, "fail if there is a difference")
	return o.flag(cmd)
}

// reconfigure shows a plan and carries it out: do tells it alone where dry says so, and does it only
// if base, where it is not nil, is still what the plan was made for. At a terminal it asks first;
// what is read from a pipe has been decided on.
func (c *cli) reconfigure(o *output, yes, dry bool, do func(dry bool, base *uint64) (control.ConfigPlan, error)) error {
	ask := !yes && !dry && isTerminal(c.stdin)
	plan, err := do(dry || ask, nil)
	if err != nil {
		return err
	}
	if ask && len(plan.Steps) > 0 {
		c.plan(plan)
		if !c.confirm("Do it?") {
			return errors.New("nothing was changed")
		}
		if plan, err = do(false, &plan.Base); err != nil {
			return err
		}
		c.offline(plan)
		c.printf("done\n")
		return nil
	}
	return c.print(o, plan, func() {
		c.plan(plan)
		c.offline(plan)
		if plan.Applied && len(plan.Steps) > 0 {
			c.printf("done\n")
		}
	})
}

// plan prints what would be done.
func (c *cli) plan(p control.ConfigPlan) {
	for _, l := range p.Lost {
		c.printf("not carried: %s\n", l)
	}
	for _, s := range p.Steps {
		c.printf("%s\n", strings.TrimSpace(fmt.Sprintf("%s %s %s", s.Action, s.Kind, s.Name)))
		for _, d := range s.Details {
			c.printf("    %s\n", d)
		}
	}
	if len(p.Steps) == 0 {
		c.printf("there is nothing to change\n")
	}
	for _, n := range p.Notes {
		c.printf("note: %s\n", n)
	}
	for _, w := range p.Warnings {
		c.printf("warning: %s\n", w)
	}
	how := "needs --force"
	if p.Applied {
		how = "forced"
	}
	for _, r := range p.Risks {
		c.printf("%s: %s\n", how, r)
	}
}

func (c *cli) offline(p control.ConfigPlan) {
	for _, u := range p.Offline {
		c.printf("offline: %s\n", u)
	}
}

// document reads the file that is named, or standard input.
func (c *cli) document(args []string, most int64) (string, error) {
	in, name := c.stdin, "standard input"
	if len(args) > 0 && args[0] != "-" {
		name = args[0]
		f, err := os.Open(name)
		if err != nil {
			return "", &control.Problem{Title: fmt.Sprintf("cannot read the document: %v", err), Hint: "Name a file, or - for standard input."}
		}
		defer func() { _ = f.Close() }() // it was only read
		in = f
	}
	text, err := io.ReadAll(io.LimitReader(in, most+1))
	if err != nil {
		return "", fmt.Errorf("reading %s: %w", name, err)
	}
	if int64(len(text)) > most {
		return "", &control.Problem{Title: fmt.Sprintf("%s has more than %s", name, formatSize(most)), Hint: "Is it the right file?"}
	}
	return string(text), nil
}

func (c *cli) configHistory() *cobra.Command {
	var o output
	return o.flag(c.verb("history", "Show who changed the configuration, when and what", func(cmd *cobra.Command, _ []string) error {
		list, err := c.client().ConfigHistory(cmd.Context())
		if err != nil {
			return err
		}
		return c.print(&o, list, func() {
			if len(list) == 0 {
				c.printf("the configuration was never changed\n")
				return
			}
			rows := [][]string{{"NUMBER", "TIME", "WHO", "WHAT"}}
			for _, change := range list {
				what := change.Changes[0]
				if more := len(change.Changes) - 1; more > 0 {
					what += fmt.Sprintf(", and %d more", more)
				}
				rows = append(rows, []string{strconv.FormatUint(change.Number, 10), change.Time.Format(time.RFC3339), change.Who, what})
			}
			c.table(rows)
		})
	}))
}

func (c *cli) configRollback() *cobra.Command {
	var (
		r   control.ConfigRollback
		yes bool
		o   output
	)
	cmd := c.verb("rollback N", "Make the configuration what it was after change N", func(cmd *cobra.Command, args []string) error {
		return c.reconfigure(&o, yes, r.DryRun, func(dry bool, base *uint64) (control.ConfigPlan, error) {
			r.DryRun, r.Base = dry, base
			return c.client().RollbackConfig(cmd.Context(), args[0], r)
		})
	})
	f := cmd.Flags()
	f.BoolVar(&r.Force, "force", false, "although sessions end, or units become other disks")
	f.BoolVarP(&yes, "yes", "y", false, "do not ask")
	dryRun(cmd, &r.DryRun)
	return o.flag(cmd)
}

func (c *cli) configImport() *cobra.Command {
	var (
		r   control.ConfigImport
		yes bool
		o   output
	)
	cmd := c.verb("import [FILE]", "Add what an export of COMSTAR, or of the daemon before it, describes", func(cmd *cobra.Command, args []string) (err error) {
		if r.Export, err = c.document(args, control.MaxImport); err != nil {
			return err
		}
		return c.reconfigure(&o, yes, r.DryRun, func(dry bool, base *uint64) (control.ConfigPlan, error) {
			r.DryRun, r.Base = dry, base
			return c.client().ImportConfig(cmd.Context(), r)
		})
	})
	f := cmd.Flags()
	f.StringVar(&r.From, "from", "", "what made the export: `svccfg|stmf`, for svccfg export -a iscsitgt or svccfg export -a stmf")
	f.StringArrayVar(&r.MapPaths, "map-path", nil, "stores at and below OLD are below NEW here: `OLD=NEW`, repeated")
	f.StringArrayVar(&r.MapPortals, "map-portal", nil, "the address OLD is NEW here: `OLD=NEW`, repeated")
	f.BoolVar(&r.DropGroups, "drop-tpg", false, "leave the portal groups out: targets are where the daemon listens")
	f.BoolVar(&r.Force, "force", false, "although sessions end, or units become other disks")
	f.BoolVarP(&yes, "yes", "y", false, "do not ask")
	dryRun(cmd, &r.DryRun)
	_ = cmd.MarkFlagRequired("from") // the flag is there
	return o.flag(cmd)
}
