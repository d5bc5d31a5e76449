package main

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/lunarsan/lunar/internal/control"
)

func (c *cli) stmfListTarget() *cobra.Command {
	var verbose bool
	cmd := c.verb("list-target [TARGET...]", "Show the targets, and who is logged in", func(cmd *cobra.Command, args []string) error {
		list, err := c.client().Targets(cmd.Context())
		if err != nil {
			return err
		}
		sessions, err := c.client().Sessions(cmd.Context())
		if err != nil {
			return err
		}
		list, err = listed(list, args, func(t control.TargetInfo, name string) bool { return strings.EqualFold(t.Name, name) })
		for _, t := range list {
			c.printf("Target: %s\n", t.Name)
			if verbose {
				c.showTarget(t, sessions)
			}
		}
		return err
	})
	return verbosely(cmd, &verbose)
}

// showTarget prints the properties of t, and those of the sessions that are with it.
func (c *cli) showTarget(t control.TargetInfo, sessions []control.SessionStatus) {
	c.stmfField("Operational Status", stateWord(t.State == control.TargetOnline))
	c.stmfField("Provider Name", "iscsit")
	c.stmfField("Alias", or(t.Alias, "-"))
	c.stmfField("Protocol", "iSCSI")
	var with []control.SessionStatus
	for _, s := range sessions {
		if s.Target == t.Name {
			with = append(with, s)
		}
	}
	c.stmfField("Sessions", strconv.Itoa(len(with)))
	for _, s := range with {
		c.printf("        Initiator: %s\n", s.Initiator)
		c.printf("            Alias: %s\n", or(s.Alias, "-"))
		c.printf("            Logged in since: %s\n", s.Since.Local().Format(time.ANSIC))
	}
}

func (c *cli) stmfOnlineTarget() *cobra.Command {
	return c.turnTarget("online-target TARGET", "Let initiators log in to a target again", func(ctx context.Context, name string) error {
		_, err := c.client().OnlineTarget(ctx, name)
		return err
	})
}

func (c *cli) stmfOfflineTarget() *cobra.Command {
	return c.turnTarget("offline-target TARGET", "Close a target's sessions and refuse logins", func(ctx context.Context, name string) error {
		_, err := c.client().OfflineTarget(ctx, name)
		return err
	})
}

func (c *cli) turnTarget(use, short string, turn func(ctx context.Context, name string) error) *cobra.Command {
	return c.verb(use, short, func(cmd *cobra.Command, args []string) error {
		return notFound.of(args[0], turn(cmd.Context(), args[0]))
	})
}
