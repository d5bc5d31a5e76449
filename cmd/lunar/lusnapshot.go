package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/lunarsan/lunar/internal/control"
)

func (c *cli) luSnapshot() *cobra.Command {
	var (
		r control.SnapshotTake
		h = hooks{says: c.stderr}
		o output
	)
	cmd := c.completing(c.verb("snapshot GUID... [NAME]", "Make a snapshot of a unit, or of several at one instant", func(cmd *cobra.Command, args []string) error {
		units := args
		if r.Name == "" && len(args) > 1 {
			if _, err := c.client().Unit(cmd.Context(), args[len(args)-1]); isMissing(err) {
				units, r.Name = args[:len(args)-1], args[len(args)-1]
			}
		}
		r.With = units[1:]
		var done control.SnapshotsTaken
		err := h.around(cmd.Context(), func() (err error) {
			done, err = c.client().TakeSnapshot(cmd.Context(), units[0], r)
			return err
		})
		if len(done.Units) == 0 {
			return err
		}
		return errors.Join(err, c.print(&o, done, func() {
			for _, u := range done.Units {
				c.printf("took %s@%s\n", u.Unit, u.Name)
			}
			if done.Stood > 0 {
				c.printf("writes stood still for %s\n", done.Stood.Round(10*time.Microsecond))
			}
		}))
	}), unitNames)
	cmd.Long = `Make a snapshot of a unit, or of several at one instant.

Writes of all of the units stand still meanwhile, and no snapshot has a write that came after one
that another lacks: it is what the disks would be after a loss of power at that instant. The last
argument is the snapshot's name if there is no such unit; without one it is called by the time.

--before runs a command first, which quiesces a virtual machine, say. --after runs one at the end,
whether or not there is a snapshot. Both run here, by the shell, in the environment of this
command, and are ended after --hook-time.`
	f := cmd.Flags()
	f.StringVar(&r.Name, "name", "", "call the snapshot `NAME`, and take every argument for a unit")
	h.flags(cmd)
	return o.flag(cmd)
}

// isMissing says that the daemon does not know what was named.
func isMissing(err error) bool {
	var p *control.Problem
	return errors.As(err, &p) && p.Status == 404
}

func (c *cli) luSnapshots() *cobra.Command {
	var o output
	return o.flag(c.completing(c.verb("snapshots GUID", "Show the snapshots of a unit, oldest first", func(cmd *cobra.Command, args []string) error {
		list, err := c.client().Snapshots(cmd.Context(), args[0])
		if err != nil {
			return err
		}
		return c.print(&o, list, func() {
			if len(list) == 0 {
				c.printf("no snapshots; make one with lunar lu snapshot %s\n", args[0])
				return
			}
			rows := [][]string{{"NAME", "CREATED", "SIZE", "USED", "HELD BY", "CLONES"}}
			for _, s := range list {
				name, length, used := "@"+s.Name, formatSize(s.Size), "-"
				if s.Used >= 0 {
					used = formatSize(s.Used)
				}
				if s.Bookmark {
					name, length, used = "#"+s.Name, "-", "-"
				}
				rows = append(rows, []string{name, s.Created.UTC().Format(time.RFC3339), length, used,
					or(strings.Join(s.Holds, ","), "-"), or(strings.Join(s.Clones, ","), "-")})
			}
			c.table(rows)
		})
	}), unitNames))
}

func (c *cli) luClone() *cobra.Command {
	var (
		r   control.SnapshotClone
		lun int
		o   output
	)
	cmd := c.completing(c.verb("clone GUID@NAME", "Make a unit that begins as a snapshot, and shares its space", func(cmd *cobra.Command, args []string) error {
		r.LUN = given(cmd, "lun", &lun)
		u, err := c.client().CloneSnapshot(cmd.Context(), args[0], r)
		if err != nil {
			return err
		}
		return c.print(&o, u, func() {
			c.printf("created unit %s: LUN %s, %s, a clone of %s\n", u.GUID, or(lunWords(u.LUNs), "-"), formatSize(u.Size), u.Clone)
		})
	}), snapshotNames)
	f := cmd.Flags()
	f.StringVar(&r.GUID, "guid", "", "its `NAA` identifier: 32 hexadecimal digits, the first a 6, or comstar for a new one of the form that COMSTAR's have (default: a new one)")
	f.StringVar(&r.Alias, "alias", "", "a `NAME` for people")
	f.IntVar(&lun, "lun", 0, "the LUN that initiators see it at (default: the lowest that is free)")
	f.BoolVar(&r.NoView, "no-view", false, "show it to nobody yet; see lunar view add")
	return o.flag(cmd)
}

func (c *cli) luRollback() *cobra.Command {
	var (
		r   control.SnapshotRollback
		yes bool
		o   output
	)
	cmd := c.completing(c.verb("rollback GUID@NAME", "Make a unit, which is offline, what it was at a snapshot; newer snapshots go", func(cmd *cobra.Command, args []string) error {
		if !yes && !r.Try {
			plan, err := c.client().RollbackUnit(cmd.Context(), args[0], control.SnapshotRollback{Try: true})
			if err != nil {
				return err
			}
			if !c.confirm(fmt.Sprintf("Give up what was written to unit %s since %s%s?", plan.GUID, plan.Snapshot, goneWords(plan.Gone))) {
				return &control.Problem{
					Title: fmt.Sprintf("rolling back unit %s would give up what was written to it since %s%s", plan.GUID, plan.Snapshot, goneWords(plan.Gone)),
					Hint:  "--yes does so.",
				}
			}
		}
		done, err := c.client().RollbackUnit(cmd.Context(), args[0], r)
		if err != nil {
			return err
		}
		return c.print(&o, done, func() {
			if r.Try {
				c.printf("would make unit %s what it was at %s%s\n", done.GUID, done.Snapshot, goneWords(done.Gone))
				return
			}
			c.printf("unit %s is what it was at %s%s\n", done.GUID, done.Snapshot, goneWords(done.Gone))
			c.printf("show it again with lunar lu online %s\n", done.GUID)
		})
	}), snapshotNames)
	cmd.Flags().BoolVarP(&yes, "yes", "y", false, "do not ask")
	dryRun(cmd, &r.Try)
	return o.flag(cmd)
}

// goneWords tell of snapshots that go.
func goneWords(names []string) string {
	if len(names) == 0 {
		return ""
	}
	return ", without " + strings.Join(names, ", ")
}

// deleteSnapshot ends a snapshot, for lu delete.
func (c *cli) deleteSnapshot(ctx context.Context, name string, try bool, o *output) error {
	s, err := c.client().DeleteSnapshot(ctx, name, control.SnapshotDelete{Try: try})
	if err != nil {
		return err
	}
	return c.print(o, s, func() {
		if try {
			c.printf("would delete snapshot %s\n", name)
			return
		}
		c.printf("deleted snapshot %s\n", name)
	})
}

// snapshotNames completes GUID@NAME.
func snapshotNames(ctx context.Context, client *control.Client) (names []string) {
	for _, guid := range unitNames(ctx, client) {
		list, _ := client.Snapshots(ctx, guid) // none to complete
		for _, s := range list {
			if !s.Bookmark {
				names = append(names, guid+"@"+s.Name)
			}
		}
	}
	slices.Sort(names)
	return names
}

// hooks are commands around a snapshot.
type hooks struct {
	before, after string
	time          time.Duration
	says          io.Writer // where to what they say goes
}

func (h *hooks) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&h.before, "before", "", "run `COMMAND` first, and make no snapshot if it fails")
	f.StringVar(&h.after, "after", "", "run `COMMAND` at the end, in any case")
	f.DurationVar(&h.time, "hook-time", time.Minute, "how long each of them may take")
}

// around runs f between the commands.
func (h *hooks) around(ctx context.Context, f func() error) (err error) {
	if h.after != "" {
		defer func() {
			// What the other command has stopped goes on, also when all else is given up.
			err = errors.Join(err, h.run(context.WithoutCancel(ctx), h.after))
		}()
	}
	if h.before != "" {
		if err := h.run(ctx, h.before); err != nil {
			return err
		}
	}
	return f()
}

// run runs a command by the shell.
func (h *hooks) run(ctx context.Context, command string) error {
	ctx, cancel := context.WithTimeout(ctx, h.time)
	defer cancel()
	cmd := exec.CommandContext(ctx, "/bin/sh", "-c", command)
	cmd.Env = os.Environ()
	cmd.Stdout, cmd.Stderr = h.says, h.says
	// What the command has started ends with it.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = time.Second
	err := cmd.Run()
	if ctx.Err() != nil {
		err = fmt.Errorf("it was ended after %s", h.time)
	}
	if err != nil {
		return &control.Problem{
			Title: fmt.Sprintf("the command %q failed: %v", command, err),
			Hint:  "--hook-time says how long it may take.",
		}
	}
	return nil
}
