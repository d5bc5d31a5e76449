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

// A pathFlags are the flags of what a portal group's paths are like.
type pathFlags struct {
	group       uint16
	state, mode string
	preferred   bool
}

func (p *pathFlags) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.Uint16Var(&p.group, "alua-group", 1, "put it into the target port group `N` of asymmetric access")
	f.StringVar(&p.state, "alua-state", "", "the `STATE` of that target port group: optimized, non-optimized, standby, unavailable or transitioning")
	f.BoolVar(&p.preferred, "preferred", false, "tell initiators to prefer that target port group")
	f.StringVar(&p.mode, "alua", "", "explicit: initiators may change the state too; implicit: they may not (`MODE`)")
}

// change is what the flags ask for.
func (p *pathFlags) change(cmd *cobra.Command) control.PathChange {
	return control.PathChange{
		Group:     given(cmd, "alua-group", &p.group),
		State:     given(cmd, "alua-state", &p.state),
		Preferred: given(cmd, "preferred", &p.preferred),
		Mode:      given(cmd, "alua", &p.mode),
	}
}

// pathWords is what a portal group's paths are like, as people read it.
func pathWords(g control.GroupInfo) string {
	words := g.ALUAState
	if g.Preferred {
		words += ", preferred"
	}
	if g.ALUA != "implicit" {
		words += ", " + g.ALUA
	}
	return words
}

// What portal groups may tell initiators.
const (
	announceHelp  = "what SendTargets says instead: `ADDR[:PORT]`, repeated; the port is the portal's if left out"
	redirectHelp  = "send initiators to `ADDR[:PORT]`"
	networkHelp   = "take connections from `NETWORK` alone: 10.0.0.0/8, or an address; repeated"
	permanentHelp = "tell initiators that the redirection is permanent"
)

func (c *cli) tpgCreate() *cobra.Command {
	var (
		r     control.GroupCreate
		paths pathFlags
		o     output
	)
	cmd := c.verb("create NAME ADDR[:PORT]...", "Make a portal group and listen", func(cmd *cobra.Command, args []string) error {
		r.Name, r.Portals = args[0], args[1:]
		r.PathChange = paths.change(cmd)
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
	f.Uint16Var(&r.Tag, "tag", 0, "the portal group tag `N` that initiators are told (default: the lowest that is free)")
	f.StringArrayVar(&r.Announce, "announce", nil, announceHelp)
	f.StringVar(&r.Redirect, "redirect", "", redirectHelp)
	f.BoolVar(&r.Permanent, "permanent", false, permanentHelp)
	f.StringArrayVar(&r.Networks, "network", nil, networkHelp)
	paths.flags(cmd)
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
			rows := [][]string{{"NAME", "TAG", "PORTAL", "STATE", "ALUA", "PATHS", "TELLS", "NETWORKS"}}
			for _, g := range list {
				tells := or(strings.Join(g.Announce, ","), "-")
				if g.Redirect != "" {
					tells = "moved to " + g.Redirect
				}
				portals := g.Portals
				if len(portals) == 0 {
					portals = []control.PortalInfo{{Address: "-", State: "-"}}
				}
				for _, p := range portals {
					rows = append(rows, []string{g.Name, strconv.Itoa(int(g.Tag)), p.Address, p.State, strconv.Itoa(int(g.ALUAGroup)), pathWords(g), tells, or(strings.Join(g.Networks, ","), "all")})
				}
			}
			c.table(rows)
		})
	}))
}

func (c *cli) tpgModify() *cobra.Command {
	var (
		announce  []string
		networks  []string
		redirect  string
		permanent bool
		paths     pathFlags
		o         output
	)
	cmd := c.completing(c.verb("modify NAME", "Change what a portal group tells initiators, whom it lets in, and what its paths are like", func(cmd *cobra.Command, args []string) error {
		if len(announce) == 1 && announce[0] == "" {
			announce = []string{} // null would be no change
		}
		if len(networks) == 1 && networks[0] == "" {
			networks = []string{} // null would be no change
		}
		r := control.GroupModify{
			Announce:   given(cmd, "announce", &announce),
			Redirect:   given(cmd, "redirect", &redirect),
			Permanent:  given(cmd, "permanent", &permanent),
			Networks:   given(cmd, "network", &networks),
			PathChange: paths.change(cmd),
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
	f.StringArrayVar(&networks, "network", nil, networkHelp+`; "" for all`)
	paths.flags(cmd)
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
