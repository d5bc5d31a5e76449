package main

import (
	"context"
	"fmt"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/lunarsan/lunar/internal/control"
)

// session has the verbs of sessions.
func (c *cli) session() *cobra.Command {
	return c.noun("session", "Sessions: who is logged in", c.sessionList(), c.sessionClose())
}

// sessionNumbers completes the numbers of sessions.
func sessionNumbers(ctx context.Context, client *control.Client) (numbers []string) {
	sessions, _ := client.Sessions(ctx) // no daemon, nothing to complete
	for _, s := range sessions {
		numbers = append(numbers, strconv.FormatUint(s.ID, 10))
	}
	return numbers
}

func (c *cli) sessionList() *cobra.Command {
	var o output
	return o.flag(c.verb("list", "Show the sessions", func(cmd *cobra.Command, _ []string) error {
		list, err := c.client().Sessions(cmd.Context())
		if err != nil {
			return err
		}
		return c.print(&o, list, func() {
			if len(list) == 0 {
				c.printf("no sessions\n")
				return
			}
			rows := [][]string{{"ID", "INITIATOR", "FROM", "TARGET", "TPG", "DIGESTS", "AGE"}}
			for _, s := range list {
				rows = append(rows, []string{
					strconv.FormatUint(s.ID, 10), s.Initiator, s.Peer, or(s.Target, "(discovery)"),
					strconv.Itoa(int(s.Group)), s.Digests, age(s.Since),
				})
			}
			c.table(rows)
		})
	}))
}

func (c *cli) sessionClose() *cobra.Command {
	var o output
	return o.flag(c.completing(c.verb("close ID", "Close a session; its initiator may log in again", func(cmd *cobra.Command, args []string) error {
		id, err := strconv.ParseUint(args[0], 10, 64)
		if err != nil {
			return &usageError{fmt.Sprintf("%q is not the number of a session", args[0]), "lunar session list shows the sessions."}
		}
		s, err := c.client().CloseSession(cmd.Context(), id)
		if err != nil {
			return err
		}
		return c.print(&o, s, func() { c.printf("closed session %d of %s\n", s.ID, s.Initiator) })
	}), sessionNumbers))
}
