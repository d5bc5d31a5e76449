package main

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/lunarsan/lunar/internal/control"
)

func (c *cli) tgtCreateTarget() *cobra.Command {
	var (
		kind, path string
		bytes      size
		lun        int
	)
	cmd := c.verb("target NAME", "Make a target, or one more logical unit of it", func(cmd *cobra.Command, args []string) error {
		switch {
		case kind != "disk":
			return notHere("-t "+kind, "only disks are served", "Leave it out.")
		case cmd.Flags().Changed("alias"):
			return notHere("-a", "the alias is where the local name is", "Leave it out.")
		case path == "":
			return notHere("a base directory", "stores are where they are", "Name the store: -b PATH, with -z SIZE if it is to be made.")
		}
		store, err := storePath(path)
		if err != nil {
			return err
		}
		return c.makeLUN(cmd.Context(), args[0], lun, store, bytes)
	})
	f := cmd.Flags()
	f.StringVarP(&kind, "type", "t", "disk", "disk; the older daemon's `TYPE`s tape, osd and raw are not here")
	f.IntVarP(&lun, "lun", "u", 0, "the `LUN` of the logical unit")
	f.VarP(&bytes, "size", "z", diskSizeHelp)
	f.StringP("alias", "a", "", "not here: the alias is where the local name is")
	f.StringVarP(&path, "backing-store", "b", "", "the `PATH` of its file or device")
	return cmd
}

func (c *cli) tgtModifyTarget() *cobra.Command {
	var (
		tpgt, acl string
		bytes     size
		lun       int
	)
	cmd := c.verb("target NAME", "Give a target an initiator or a target portal group more, or make a LUN larger", func(cmd *cobra.Command, args []string) error {
		f := cmd.Flags()
		switch {
		case f.Changed("alias"):
			return notHere("-a", "the alias is where the local name is", "lunar target modify --alias changes both.")
		case f.Changed("maxrecv"):
			return notHere("-m", "the daemon takes what suits it", "Change it at the initiator.")
		}
		t, err := c.tgtTarget(cmd.Context(), args[0])
		if err != nil {
			return err
		}
		var r control.TargetModify
		if tpgt != "" {
			groups := append(slices.Clone(t.Groups), tpgt)
			slices.Sort(groups)
			groups = slices.Compact(groups)
			r.Groups = &groups
		}
		if acl != "" {
			i, err := c.tgtInitiator(cmd.Context(), acl)
			if err != nil {
				return err
			}
			names := append(slices.Clone(t.Initiators), i.Name)
			r.Initiators = &names
		}
		if r.Groups != nil || r.Initiators != nil {
			if _, err := c.client().ModifyTarget(cmd.Context(), t.Name, r); err != nil {
				return err
			}
		}
		if bytes == 0 {
			return nil
		}
		l, err := c.findLUN(cmd.Context(), t, lun)
		if err == nil {
			_, err = c.client().ResizeUnit(cmd.Context(), l.Unit, control.UnitResize{Size: int64(bytes)})
		}
		return err
	})
	f := cmd.Flags()
	f.StringVarP(&tpgt, "tpgt", "p", "", "reach it through `TPGT` too; through it alone, if it was reached through all")
	f.StringVarP(&acl, "acl", "l", "", "let the initiator with the local `NAME` use it; it alone, if all could")
	f.StringP("alias", "a", "", "not here: the alias is where the local name is")
	f.StringP("maxrecv", "m", "", "not here: the daemon takes what suits it")
	f.VarP(&bytes, "size", "z", "the LUN's new size, with k, m, g, t, p or e behind it")
	f.IntVarP(&lun, "lun", "u", 0, "the `LUN` that is made larger")
	cmd.MarkFlagsOneRequired("tpgt", "acl", "alias", "maxrecv", "size")
	return cmd
}

func (c *cli) tgtDeleteTarget() *cobra.Command {
	var (
		tpgt, acl string
		lun       int
	)
	cmd := c.verb("target NAME", "Take an initiator, a target portal group or a LUN from a target; with its last LUN it ends", func(cmd *cobra.Command, args []string) error {
		ctx := cmd.Context()
		t, err := c.tgtTarget(ctx, args[0])
		if err != nil {
			return err
		}
		switch {
		case cmd.Flags().Changed("lun"):
			return c.deleteLUN(ctx, t, lun)
		case tpgt != "":
			left, err := without(t.Groups, tpgt, "target portal group")
			if err != nil {
				return err
			}
			_, err = c.client().ModifyTarget(ctx, t.Name, control.TargetModify{Groups: &left})
			return err
		}
		i, err := c.tgtInitiator(ctx, acl)
		if err != nil {
			return err
		}
		left, err := without(t.Initiators, i.Name, "initiator")
		if err != nil {
			return err
		}
		if len(left) == 0 {
			c.warn("every initiator may log in to it now")
		}
		_, err = c.client().ModifyTarget(ctx, t.Name, control.TargetModify{Initiators: &left})
		return err
	})
	f := cmd.Flags()
	f.IntVarP(&lun, "lun", "u", 0, "the `LUN`; its file or device stays")
	f.StringVarP(&acl, "acl", "l", "", "the local `NAME` of the initiator")
	f.StringVarP(&tpgt, "tpgt", "p", "", "the `TPGT`")
	cmd.MarkFlagsOneRequired("lun", "acl", "tpgt")
	cmd.MarkFlagsMutuallyExclusive("lun", "acl", "tpgt")
	return cmd
}

// without is list without name, which must be in it.
func without(list []string, name, what string) ([]string, error) {
	left := slices.DeleteFunc(slices.Clone(list), func(s string) bool { return s == name })
	if len(left) == len(list) {
		return nil, &control.Problem{Title: fmt.Sprintf("%s: not found", name), Hint: "It is no " + what + " of the target: iscsitadm list target -v shows them."}
	}
	if left == nil {
		left = []string{}
	}
	return left, nil
}

func (c *cli) tgtListTarget() *cobra.Command {
	var verbose bool
	cmd := c.verb("target [NAME]", "Show the targets", func(cmd *cobra.Command, args []string) error {
		list, err := c.client().Targets(cmd.Context())
		if err != nil {
			return err
		}
		sessions, err := c.client().Sessions(cmd.Context())
		if err != nil {
			return err
		}
		slices.SortStableFunc(list, func(a, b control.TargetInfo) int { return strings.Compare(localName(a), localName(b)) })
		list, missing := listed(list, args, isLocal)
		for _, t := range list {
			c.tgtLine(0, "Target", localName(t))
			c.tgtLine(1, "iSCSI Name", t.Name)
			c.tgtLine(1, "Connections", strconv.Itoa(t.Sessions))
			if !verbose {
				continue
			}
			if err := c.tgtShowTarget(cmd.Context(), t, sessions); err != nil {
				return err
			}
		}
		return missing
	})
	return verbosely(cmd, &verbose)
}

// tgtShowTarget prints who uses t and who may, and what it shows.
func (c *cli) tgtShowTarget(ctx context.Context, t control.TargetInfo, sessions []control.SessionStatus) error {
	luns, err := c.lunsOf(ctx, t)
	if err != nil {
		return err
	}
	initiators, err := c.client().Initiators(ctx)
	if err != nil {
		return err
	}
	for _, s := range sessions {
		if s.Target == t.Name {
			c.tgtLine(2, "Initiator", "")
			c.tgtLine(3, "iSCSI Name", s.Initiator)
			c.tgtLine(3, "Alias", or(s.Alias, "unknown"))
		}
	}
	c.tgtLine(1, "ACL list", "")
	for _, name := range t.Initiators {
		for _, i := range initiators {
			if i.Name == name {
				name = or(i.Alias, name)
				break
			}
		}
		c.tgtLine(2, "Initiator", name)
	}
	c.tgtLine(1, "TPGT list", "")
	for _, name := range t.Groups {
		c.tgtLine(2, "TPGT", name)
	}
	c.tgtLine(1, "LUN information", "")
	for _, l := range luns {
		c.tgtLine(2, "LUN", strconv.Itoa(l.LUN))
		for _, field := range [][2]string{
			{"GUID", l.unit.GUID}, {"VID", l.unit.Vendor}, {"PID", l.unit.Product}, {"Type", "disk"},
			{"Size", scaled(l.unit.Size)}, {"Backing store", l.unit.Path}, {"Status", l.unit.State},
		} {
			c.tgtLine(3, field[0], field[1])
		}
	}
	return nil
}
