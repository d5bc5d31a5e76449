package main

import (
	"github.com/spf13/cobra"

	"github.com/lunarsan/lunar/internal/control"
)

// tg has the verbs of target groups.
func (c *cli) tg() *cobra.Command {
	g := groupNoun{c, control.TargetGroups, "target group"}
	return c.noun("tg", "Target groups: targets that show the same units",
		g.create(), g.list(), g.addMember(), g.removeMember(), g.delete())
}
