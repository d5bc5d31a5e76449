package main

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/lunarsan/lunar/internal/control"
)

// stmfadm says who sees what.
func (c *cli) stmfadm() *cobra.Command {
	hosts := comstarGroup{c, control.HostGroups, "hg", "host group", "Host Group"}
	targets := comstarGroup{c, control.TargetGroups, "tg", "target group", "Target Group"}
	verbs := []*cobra.Command{
		c.stmfCreateLU(), c.stmfDeleteLU(), c.stmfImportLU(), c.stmfListLU(), c.stmfModifyLU(), c.stmfOnlineLU(), c.stmfOfflineLU(),
		c.stmfAddView(), c.stmfListView(), c.stmfRemoveView(),
		c.stmfListTarget(), c.stmfOnlineTarget(), c.stmfOfflineTarget(), c.stmfListInitiator(), c.stmfListState(),
	}
	verbs = append(verbs, hosts.verbs()...)
	verbs = append(verbs, targets.verbs()...)
	return c.comstarCommand("stmfadm", "Say who sees which logical unit, as COMSTAR does", verbs...)
}

// verbosely gives a list of stmfadm the option that makes it print everything.
func verbosely(cmd *cobra.Command, verbose *bool) *cobra.Command {
	cmd.Flags().BoolVarP(verbose, "verbose", "v", false, "show everything")
	return cmd
}

// stmfField prints a property of what is listed.
func (c *cli) stmfField(name, value string) { c.printf("    %-18s: %s\n", name, value) }

// stateWord is a state in stmfadm's words: what does not work is offline.
func stateWord(online bool) string {
	if online {
		return "Online"
	}
	return "Offline"
}

// listed keeps of list, in the order of the operands, what they name; all without operands.
func listed[T any](list []T, operands []string, is func(T, string) bool) (found []T, err error) {
	if len(operands) == 0 {
		return list, nil
	}
	err = each(operands, func(name string) error {
		i := slices.IndexFunc(list, func(t T) bool { return is(t, name) })
		if i < 0 {
			return &control.Problem{Title: name + ": not found", Hint: "Without a name, all are shown."}
		}
		found = append(found, list[i])
		return nil
	})
	return found, err
}

func (c *cli) stmfListState() *cobra.Command {
	return c.verb("list-state", "Show that the service runs", func(cmd *cobra.Command, _ []string) error {
		if _, err := c.client().Status(cmd.Context()); err != nil {
			return err
		}
		for _, field := range [][2]string{
			{"Operational Status", "online"}, {"Config Status", "initialized"},
			{"ALUA Status", "disabled"}, {"ALUA Node", "0"}, // two nodes that stand in for each other, which this is not
		} {
			c.printf("%-18s: %s\n", field[0], field[1])
		}
		return nil
	})
}

func (c *cli) stmfListInitiator() *cobra.Command {
	var verbose bool
	cmd := c.verb("list-initiator [INITIATOR...]", "Show the initiators that are logged in", func(cmd *cobra.Command, args []string) error {
		sessions, err := c.client().Sessions(cmd.Context())
		if err != nil {
			return err
		}
		var names []string
		for _, s := range sessions {
			names = append(names, s.Initiator)
		}
		slices.Sort(names)
		names, err = listed(slices.Compact(names), args, strings.EqualFold)
		for _, name := range names {
			c.printf("Initiator: %s\n", name)
			for _, s := range sessions {
				if verbose && s.Initiator == name {
					c.stmfField("Target", or(s.Target, "-"))
				}
			}
		}
		return err
	})
	return verbosely(cmd, &verbose)
}
