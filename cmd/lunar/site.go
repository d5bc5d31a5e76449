package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/lunarsan/lunar/internal/control"
)

// site has the verbs of other sites' configurations.
func (c *cli) site() *cobra.Command {
	return c.noun("site", "Sites: the configurations that jobs have carried here, which are in use after a failover",
		c.siteList(), c.siteShow(), c.siteDiff(), c.siteRewrite(), c.siteRemove())
}

// siteNames completes the names of sites.
func siteNames(ctx context.Context, client *control.Client) (names []string) {
	sites, _ := client.Sites(ctx) // no daemon, nothing to complete
	for _, s := range sites {
		names = append(names, s.Name)
	}
	return names
}

func (c *cli) siteList() *cobra.Command {
	var o output
	return o.flag(c.verb("list", "Show what jobs have carried here", func(cmd *cobra.Command, _ []string) error {
		list, err := c.client().Sites(cmd.Context())
		if err != nil {
			return err
		}
		return c.print(&o, list, func() {
			if len(list) == 0 {
				c.printf("no sites; a job of a peer carries its configuration here at the end of each run\n")
				return
			}
			rows := [][]string{{"SITE", "SNAPSHOT", "TAKEN", "UNIT", "REPLICA"}}
			for _, s := range list {
				row := []string{s.Name, s.Snapshot, s.Taken.Format(time.RFC3339)}
				for _, v := range s.Volumes {
					rows = append(rows, append(row, v.Unit.String(), v.Replica))
					row = []string{"", "", ""}
				}
			}
			c.table(rows)
		})
	}))
}

func (c *cli) siteShow() *cobra.Command {
	var (
		r control.SiteShow
		o output
	)
	cmd := c.completing(c.verb("show SITE", "Print the configuration of a site as it would be here", func(cmd *cobra.Command, args []string) error {
		d, err := c.client().ShowSite(cmd.Context(), args[0], r)
		if err != nil {
			return err
		}
		return c.print(&o, d, func() {
			c.printf("%s", d.Document)
			for _, n := range d.Notes {
				c.printf("# %s\n", n)
			}
		})
	}), siteNames)
	cmd.Flags().Uint64Var(&r.Version, "version", 0, "show version `N` (default: the newest)")
	cmd.Flags().BoolVar(&r.There, "there", false, "show it as it came, without what is rewritten")
	return o.flag(cmd)
}

func (c *cli) siteDiff() *cobra.Command {
	var o output
	return o.flag(c.completing(c.verb("diff SITE", "Show what a failover would change of the configuration here", func(cmd *cobra.Command, args []string) error {
		plan, err := c.client().DiffSite(cmd.Context(), args[0])
		if err != nil {
			return err
		}
		return c.print(&o, plan, func() { c.plan(plan) })
	}), siteNames))
}

func (c *cli) siteRewrite() *cobra.Command {
	var (
		r                      control.SiteModify
		paths, portals, groups []string
		o                      output
	)
	cmd := c.completing(c.verb("rewrite SITE", "Say what is otherwise here: paths, portals and portal groups", func(cmd *cobra.Command, args []string) error {
		r.Rewrites = nil
		for _, side := range []struct {
			kind  string
			words []string
		}{{control.RewritePath, paths}, {control.RewritePortal, portals}, {control.RewritePortalGroup, groups}} {
			for _, w := range side.words {
				from, to, ok := strings.Cut(w, "=")
				if !ok {
					return &usageError{fmt.Sprintf("--%s: %q is no OLD=NEW", side.kind, w), "Write it OLD=NEW; OLD= takes a rewrite away."}
				}
				r.Rewrites = append(r.Rewrites, control.SiteRewrite{Kind: side.kind, From: from, To: to})
			}
		}
		s, err := c.client().ModifySite(cmd.Context(), args[0], r)
		if err != nil {
			return err
		}
		return c.print(&o, s, func() {
			if len(s.Rewrites) == 0 {
				c.printf("nothing is rewritten of site %s\n", s.Name)
				return
			}
			rows := [][]string{{"KIND", "THERE", "HERE"}}
			for _, w := range s.Rewrites {
				rows = append(rows, []string{w.Kind, w.From, w.To})
			}
			c.table(rows)
		})
	}), siteNames)
	f := cmd.Flags()
	f.StringArrayVar(&paths, "path", nil, "a replica's path that begins with OLD begins with NEW for the units here; repeated (`OLD=NEW`)")
	f.StringArrayVar(&portals, "portal", nil, "the portal OLD, with its port or without, is NEW here; repeated (`OLD=NEW`)")
	f.StringArrayVar(&groups, "portal-group", nil, "the portal group OLD is NEW here; repeated (`OLD=NEW`)")
	f.BoolVar(&r.Clear, "clear", false, "forget the rewrites that there are")
	return o.flag(cmd)
}

func (c *cli) siteRemove() *cobra.Command {
	var o output
	return o.flag(c.completing(c.verb("remove SITE", "Forget the configuration of a site; its replicas stay", func(cmd *cobra.Command, args []string) error {
		s, err := c.client().DeleteSite(cmd.Context(), args[0])
		if err != nil {
			return err
		}
		return c.print(&o, s, func() { c.printf("removed site %s\n", s.Name) })
	}), siteNames))
}
