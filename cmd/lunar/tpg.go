package main

import (
	"context"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/lunarsan/lunar/internal/control"
)

// tpg has the verbs of portal groups.
func (c *cli) tpg() *cobra.Command {
	return c.noun("tpg", "Target portal groups: the addresses that targets are reached at",
		c.tpgCreate(), c.tpgList(), c.tpgModify(), c.tpgDelete())
}

// groupNames completes the names of portal groups.
func groupNames(ctx context.Context, client *control.Client) (names []string) {
	groups, _ := client.Groups(ctx) // no daemon, nothing to complete
	for _, g := range groups {
		names = append(names, g.Name)
	}
	return names
}

// What portal groups may tell initiators.
const (
	announceHelp  = "what SendTargets says instead: `ADDR[:PORT]`, repeated; the port is the portal's if left out"
	redirectHelp  = "send initiators to `ADDR[:PORT]`"
	permanentHelp = "tell initiators that the redirection is permanent"
)

func (c *cli) tpgCreate() *cobra.Command {
	var (
		r control.GroupCreate
		o output
	)
	cmd := c.verb("create NAME ADDR[:PORT]...", "Make a portal group and listen", func(cmd *cobra.Command, args []string) error {
		r.Name, r.Portals = args[0], args[1:]
		g, err := c.client().CreateGroup(cmd.Context(), r)
		if err != nil {
			return err
		}
		return c.print(&o, g, func() {
			c.printf("created portal group %s, tag %d\n", g.Name, g.Tag)
			for _, p := range g.Portals {
				if p.State != control.PortalListening {
					c.printf("not listening on %s yet, which is tried again: %s\n", p.Address, p.Reason)
				}
			}
		})
	})
	f := cmd.Flags()
	f.StringArrayVar(&r.Announce, "announce", nil, announceHelp)
	f.StringVar(&r.Redirect, "redirect", "", redirectHelp)
	f.BoolVar(&r.Permanent, "permanent", false, permanentHelp)
	return o.flag(cmd)
}

func (c *cli) tpgList() *cobra.Command {
	var o output
	return o.flag(c.verb("list", "Show the portal groups", func(cmd *cobra.Command, _ []string) error {
		list, err := c.client().Groups(cmd.Context())
		if err != nil {
			return err
		}
		return c.print(&o, list, func() {
			rows := [][]string{{"NAME", "TAG", "PORTAL", "STATE", "TELLS"}}
			for _, g := range list {
				tells := or(strings.Join(g.Announce, ","), "-")
				if g.Redirect != "" {
					tells = "moved to " + g.Redirect
				}
				for _, p := range g.Portals {
					rows = append(rows, []string{g.Name, strconv.Itoa(int(g.Tag)), p.Address, p.State, tells})
				}
			}
			c.table(rows)
		})
	}))
}

func (c *cli) tpgModify() *cobra.Command {
	var (
		announce  []string
		redirect  string
		permanent bool
		o         output
	)
	cmd := c.completing(c.verb("modify NAME", "Change what a portal group tells initiators", func(cmd *cobra.Command, args []string) error {
		var r control.GroupModify
		if cmd.Flags().Changed("announce") {
			r.Announce = &announce
			if len(announce) == 1 && announce[0] == "" {
				announce = nil
			}
		}
		if cmd.Flags().Changed("redirect") {
			r.Redirect = &redirect
		}
		if cmd.Flags().Changed("permanent") {
			r.Permanent = &permanent
		}
		if r == (control.GroupModify{}) {
			return misuse(cmd, "%s needs something to change", cmd.CommandPath())
		}
		g, err := c.client().ModifyGroup(cmd.Context(), args[0], r)
		if err != nil {
			return err
		}
		return c.print(&o, g, func() { c.printf("modified portal group %s\n", g.Name) })
	}), groupNames)
	f := cmd.Flags()
	f.StringArrayVar(&announce, "announce", nil, announceHelp+`; "" for the real addresses`)
	f.StringVar(&redirect, "redirect", "", redirectHelp+`; "" ends it`)
	f.BoolVar(&permanent, "permanent", false, permanentHelp)
	return o.flag(cmd)
}

func (c *cli) tpgDelete() *cobra.Command {
	var (
		r control.GroupDelete
		o output
	)
	cmd := c.completing(c.verb("delete NAME", "End a portal group", func(cmd *cobra.Command, args []string) error {
		g, err := c.client().DeleteGroup(cmd.Context(), args[0], r)
		if err != nil {
			return err
		}
		return c.print(&o, g, func() { c.printf("deleted portal group %s\n", g.Name) })
	}), groupNames)
	cmd.Flags().BoolVar(&r.Force, "force", false, "close its sessions")
	return o.flag(cmd)
}
