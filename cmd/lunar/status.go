package main

import (
	"strconv"

	"github.com/spf13/cobra"

	"github.com/lunarsan/lunar/internal/control"
)

// status shows how the daemon is.
func (c *cli) status() *cobra.Command {
	var o output
	return o.flag(c.verb("status", "Show how the daemon is", func(cmd *cobra.Command, _ []string) error {
		s, err := c.client().Status(cmd.Context())
		if err != nil {
			return err
		}
		return c.print(&o, s, func() { c.showStatus(s) })
	}))
}

func (c *cli) showStatus(s control.Status) {
	c.table([][]string{
		{"lunar", s.Version},
		{"process", strconv.Itoa(s.PID) + ", up " + age(s.Started)},
		{"state", s.StateDir},
		{"units", countUnits(s.Units)},
		{"targets", strconv.Itoa(s.Targets)},
		{"sessions", strconv.Itoa(s.Sessions)},
		{"memory", formatSize(s.Memory.InUse) + " of " + formatSize(s.Memory.Budget) + " for I/O"},
	})
	c.printf("\n")
	rows := [][]string{{"PORTAL", "GROUP", "STATE"}}
	for _, g := range s.Groups {
		for _, p := range g.Portals {
			rows = append(rows, []string{p.Address, g.Name, p.State})
		}
	}
	c.table(rows)
	if len(s.Alarms) > 0 {
		c.printf("\n")
	}
	for _, a := range s.Alarms {
		c.printf("alarm: %s\n", a)
	}
}

// countUnits writes how many units are in which state.
func countUnits(list []control.UnitInfo) string {
	counts := make(map[string]int)
	for _, u := range list {
		counts[u.State]++
	}
	text := strconv.Itoa(counts[control.UnitOnline]) + " online"
	for _, state := range []string{control.UnitOffline, control.UnitFailed, control.UnitRetired} {
		if n := counts[state]; n > 0 {
			text += ", " + strconv.Itoa(n) + " " + state
		}
	}
	return text
}
