package main

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"github.com/lunarsan/lunar/internal/control"
)

// hg has the verbs of host groups.
func (c *cli) hg() *cobra.Command {
	g := groupNoun{c, control.HostGroups, "host group"}
	return c.noun("hg", "Host groups: initiators that see the same units",
		g.create(), g.list(), c.hgModify(), g.addMember(), g.removeMember(), g.delete())
}

func (c *cli) hgModify() *cobra.Command {
	var (
		user, secret string
		none         bool
		o            output
	)
	cmd := c.completing(c.verb("modify NAME", "Change what any member of a host group may prove itself with", func(cmd *cobra.Command, args []string) error {
		r := control.HostGroupModify{CHAPUser: given(cmd, "chap-user", &user), NoCHAP: none}
		var err error
		if r.CHAPSecret, err = c.secret(secret); err != nil {
			return err
		}
		if r.CHAPUser == nil && len(r.CHAPSecret) == 0 && !none {
			return misuse(cmd, "%s needs something to change", cmd.CommandPath())
		}
		g, err := c.client().ModifyHostGroup(cmd.Context(), args[0], r)
		if err != nil {
			return err
		}
		return c.print(&o, g, func() { c.printf("modified host group %s\n", g.Name) })
	}), groupNoun{kind: control.HostGroups}.names)
	credentialFlags(cmd, &user, &secret, &none, "the `NAME` that its members prove themselves with (default: the group's)")
	return o.flag(cmd)
}

// A groupNoun makes the verbs that host groups and target groups share.
type groupNoun struct {
	*cli
	kind control.GroupKind
	word string
}

// names completes the names of groups.
func (g groupNoun) names(ctx context.Context, client *control.Client) (names []string) {
	groups, _ := client.MemberGroups(ctx, g.kind) // no daemon, nothing to complete
	for _, found := range groups {
		names = append(names, found.Name)
	}
	return names
}

func (g groupNoun) create() *cobra.Command {
	var o output
	return o.flag(g.verb("create NAME", "Make a "+g.word, func(cmd *cobra.Command, args []string) error {
		made, err := g.client().CreateMemberGroup(cmd.Context(), g.kind, control.MemberGroupCreate{Name: args[0]})
		if err != nil {
			return err
		}
		return g.print(&o, made, func() { g.printf("created %s %s\n", g.word, made.Name) })
	}))
}

func (g groupNoun) list() *cobra.Command {
	var o output
	return o.flag(g.verb("list", "Show the "+g.word+"s", func(cmd *cobra.Command, _ []string) error {
		list, err := g.client().MemberGroups(cmd.Context(), g.kind)
		if err != nil {
			return err
		}
		return g.print(&o, list, func() {
			if len(list) == 0 {
				g.printf("no %ss; make one with %s create NAME\n", g.word, cmd.Parent().CommandPath())
				return
			}
			rows := [][]string{{"NAME", "MEMBER"}}
			for _, found := range list {
				if len(found.Members) == 0 {
					rows = append(rows, []string{found.Name, "-"})
				}
				for _, m := range found.Members {
					rows = append(rows, []string{found.Name, m})
				}
			}
			g.table(rows)
		})
	}))
}

func (g groupNoun) addMember() *cobra.Command {
	var o output
	return o.flag(g.completing(g.verb("add-member NAME MEMBER...", "Put names into a "+g.word, func(cmd *cobra.Command, args []string) error {
		changed, err := g.client().AddMembers(cmd.Context(), g.kind, args[0], control.MembersChange{Members: args[1:]})
		if err != nil {
			return err
		}
		return g.print(&o, changed, func() { g.printf("added %s to %s %s\n", strings.Join(args[1:], ", "), g.word, changed.Name) })
	}), g.names))
}

func (g groupNoun) removeMember() *cobra.Command {
	var o output
	return o.flag(g.completing(g.verb("remove-member NAME MEMBER...", "Take names out of a "+g.word, func(cmd *cobra.Command, args []string) error {
		changed, err := g.client().RemoveMembers(cmd.Context(), g.kind, args[0], control.MembersChange{Members: args[1:]})
		if err != nil {
			return err
		}
		return g.print(&o, changed, func() { g.printf("removed %s from %s %s\n", strings.Join(args[1:], ", "), g.word, changed.Name) })
	}), g.names))
}

func (g groupNoun) delete() *cobra.Command {
	var o output
	return o.flag(g.completing(g.verb("delete NAME", "End a "+g.word+" that no view is for", func(cmd *cobra.Command, args []string) error {
		gone, err := g.client().DeleteMemberGroup(cmd.Context(), g.kind, args[0])
		if err != nil {
			return err
		}
		return g.print(&o, gone, func() { g.printf("deleted %s %s\n", g.word, gone.Name) })
	}), g.names))
}
