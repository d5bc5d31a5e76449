package main

import (
	"github.com/spf13/cobra"

	"github.com/lunarsan/lunar/internal/control"
)

func (c *cli) luOnline() *cobra.Command {
	var o output
	return o.flag(c.completing(c.verb("online GUID", "Open a unit's store afresh, and show the unit if it was retired", func(cmd *cobra.Command, args []string) error {
		u, err := c.client().OnlineUnit(cmd.Context(), args[0])
		if err != nil {
			return err
		}
		return c.print(&o, u, func() { c.printf("unit %s is online\n", u.GUID) })
	}), unitNames))
}

func (c *cli) luOffline() *cobra.Command {
	var (
		r control.UnitTakeOffline
		o output
	)
	cmd := c.completing(c.verb("offline GUID", "Close a unit's store until lunar lu online; initiators keep the disk, and wait", func(cmd *cobra.Command, args []string) error {
		u, err := c.client().OfflineUnit(cmd.Context(), args[0], r)
		if err != nil {
			return err
		}
		return c.print(&o, u, func() {
			if r.Try {
				c.printf("would take unit %s offline\n", u.GUID)
				return
			}
			c.printf("unit %s is offline\n", u.GUID)
		})
	}), unitNames)
	f := cmd.Flags()
	f.StringVar(&r.Purpose, "for", control.ForRepair, "what initiators are told: `repair|maintenance`, until somebody has looked (02/04/03) or for minutes (02/04/01)")
	f.BoolVar(&r.Force, "force", false, "although sessions use it")
	dryRun(cmd, &r.Try)
	return o.flag(cmd)
}

func (c *cli) luRetire() *cobra.Command {
	var (
		r control.UnitRetire
		o output
	)
	cmd := c.completing(c.verb("retire GUID", "Show a unit no more, until lunar lu online; initiators are told that the disk is gone for good", func(cmd *cobra.Command, args []string) error {
		u, err := c.client().RetireUnit(cmd.Context(), args[0], r)
		if err != nil {
			return err
		}
		return c.print(&o, u, func() {
			if r.Try {
				c.printf("would retire unit %s from LUN %s\n", u.GUID, lunWords(u.LUNs))
				return
			}
			c.printf("unit %s is retired; it keeps its identity and LUN %s\n", u.GUID, lunWords(u.LUNs))
		})
	}), unitNames)
	cmd.Flags().BoolVar(&r.Force, "force", false, "although sessions use it")
	dryRun(cmd, &r.Try)
	return o.flag(cmd)
}

// dryRun gives a verb the flag that makes it tell what it would do.
func dryRun(cmd *cobra.Command, try *bool) {
	cmd.Flags().BoolVar(try, "dry-run", false, "tell what would be done, and do nothing")
}
