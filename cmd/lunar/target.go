package main

import (
	"context"
	"reflect"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/lunarsan/lunar/internal/control"
)

// target has the verbs of targets.
func (c *cli) target() *cobra.Command {
	return c.noun("target", "Targets: what initiators log in to",
		c.targetCreate(), c.targetList(), c.targetModify(), c.targetOnline(), c.targetOffline(), c.targetDelete())
}

// targetNames completes the names of targets.
func targetNames(ctx context.Context, client *control.Client) (names []string) {
	targets, _ := client.Targets(ctx) // no daemon, nothing to complete
	for _, t := range targets {
		names = append(names, t.Name)
	}
	return names
}

func (c *cli) targetCreate() *cobra.Command {
	var (
		r      control.TargetCreate
		secret string
		o      output
	)
	cmd := c.verb("create", "Make a target", func(cmd *cobra.Command, _ []string) (err error) {
		if r.SelfSecret, err = c.secret(secret); err != nil {
			return err
		}
		t, err := c.client().CreateTarget(cmd.Context(), r)
		if err != nil {
			return err
		}
		return c.print(&o, t, func() { c.printf("created target %s\n", t.Name) })
	})
	f := cmd.Flags()
	f.StringVarP(&r.Name, "name", "n", "", "its `IQN` (default: one made from the host's name)")
	f.StringVar(&r.Alias, "alias", "", "a `NAME` for people")
	f.StringSliceVarP(&r.Groups, "tpg", "t", nil, "the portal groups `TPG,...` that it is reached through (default: all)")
	f.StringSliceVar(&r.Initiators, "acl", nil, aclHelp+" (default: all)")
	f.StringVar(&r.Auth, "auth", "none", "what it asks of initiators, `AUTH`: none, chap, mutual to prove itself too, or radius to have a server check them")
	f.StringVar(&r.SelfUser, "chap-user", "", "the `NAME` that it proves itself with (default: its IQN)")
	f.StringVar(&secret, "chap-secret-file", "", "the `FILE` with the secret that it proves itself with; - for standard input")
	return o.flag(cmd)
}

func (c *cli) targetList() *cobra.Command {
	var (
		verbose bool
		o       output
	)
	cmd := c.verb("list", "Show the targets", func(cmd *cobra.Command, _ []string) error {
		list, err := c.client().Targets(cmd.Context())
		if err != nil {
			return err
		}
		return c.print(&o, list, func() {
			if len(list) == 0 {
				c.printf("no targets; make one with lunar target create\n")
				return
			}
			titles := []string{"NAME", "STATE", "SESSIONS"}
			if verbose {
				titles = append(titles, "AUTH", "PORTAL GROUPS", "INITIATORS", "CREATED", "ALIAS")
			}
			rows := [][]string{titles}
			for _, t := range list {
				row := []string{t.Name, t.State, strconv.Itoa(t.Sessions)}
				if verbose {
					row = append(row, t.Auth, or(strings.Join(t.Groups, ","), "all"), or(strings.Join(t.Initiators, ","), "all"), t.Created.Format("2006-01-02"), or(t.Alias, "-"))
				}
				rows = append(rows, row)
			}
			c.table(rows)
		})
	})
	cmd.Flags().BoolVarP(&verbose, "verbose", "v", false, "show more columns")
	return o.flag(cmd)
}

// aclHelp describes --acl.
const aclHelp = "the initiators `IQN,...` that may find it and log in"

func (c *cli) targetModify() *cobra.Command {
	var (
		name, alias, auth, user, secret string
		groups, acl                     []string
		force                           bool
		o                               output
	)
	cmd := c.completing(c.verb("modify IQN", "Change a target; sessions that may no longer be on it are closed", func(cmd *cobra.Command, args []string) (err error) {
		r := control.TargetModify{
			Name:       given(cmd, "name", &name),
			Alias:      given(cmd, "alias", &alias),
			Groups:     given(cmd, "tpg", &groups),
			Auth:       given(cmd, "auth", &auth),
			SelfUser:   given(cmd, "chap-user", &user),
			Initiators: given(cmd, "acl", &acl),
		}
		if r.SelfSecret, err = c.secret(secret); err != nil {
			return err
		}
		if reflect.ValueOf(r).IsZero() {
			return misuse(cmd, "%s needs something to change", cmd.CommandPath())
		}
		r.Force = force
		t, err := c.client().ModifyTarget(cmd.Context(), args[0], r)
		if err != nil {
			return err
		}
		return c.print(&o, t, func() {
			c.printf("modified target %s\n", t.Name)
			if r.Initiators != nil && len(t.Initiators) == 0 {
				c.printf("every initiator may log in to it now\n")
			}
		})
	}), targetNames)
	f := cmd.Flags()
	f.StringVarP(&name, "name", "n", "", "another `IQN`; all else stays, and initiators log in afresh")
	f.BoolVar(&force, "force", false, "close the sessions that are in the way of another name")
	f.StringVar(&alias, "alias", "", "a `NAME` for people")
	f.StringSliceVarP(&groups, "tpg", "t", nil, "the portal groups `TPG,...` that it is reached through; \"\" for all")
	f.StringSliceVar(&acl, "acl", nil, aclHelp+`; "" for all`)
	f.StringVar(&auth, "auth", "", "what it asks of initiators, `AUTH`: none, chap, mutual to prove itself too, or radius to have a server check them")
	f.StringVar(&user, "chap-user", "", "the `NAME` that it proves itself with")
	f.StringVar(&secret, "chap-secret-file", "", "the `FILE` with the secret that it proves itself with; - for standard input")
	return o.flag(cmd)
}

func (c *cli) targetOnline() *cobra.Command {
	var o output
	return o.flag(c.completing(c.verb("online IQN", "Let initiators log in to a target again", func(cmd *cobra.Command, args []string) error {
		t, err := c.client().OnlineTarget(cmd.Context(), args[0])
		if err != nil {
			return err
		}
		return c.print(&o, t, func() { c.printf("target %s is online\n", t.Name) })
	}), targetNames))
}

func (c *cli) targetOffline() *cobra.Command {
	var o output
	return o.flag(c.completing(c.verb("offline IQN", "Close a target's sessions and refuse logins", func(cmd *cobra.Command, args []string) error {
		t, err := c.client().OfflineTarget(cmd.Context(), args[0])
		if err != nil {
			return err
		}
		return c.print(&o, t, func() { c.printf("target %s is offline\n", t.Name) })
	}), targetNames))
}

func (c *cli) targetDelete() *cobra.Command {
	var (
		r control.TargetDelete
		o output
	)
	cmd := c.completing(c.verb("delete IQN", "End a target; the units stay", func(cmd *cobra.Command, args []string) error {
		t, err := c.client().DeleteTarget(cmd.Context(), args[0], r)
		if err != nil {
			return err
		}
		return c.print(&o, t, func() { c.printf("deleted target %s\n", t.Name) })
	}), targetNames)
	cmd.Flags().BoolVar(&r.Force, "force", false, "close its sessions")
	return o.flag(cmd)
}
