package main

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/lunarsan/lunar/internal/control"
)

// iscsitadm is the command of the daemon before COMSTAR. It has its own way to put things:
//
//	local name    of a target, an initiator, or a portal group; here an alias, and of a portal
//	              group the name
//	LUN           a logical unit of one target; here a view for a target group that has the
//	              target's local name, and all initiators
//	ACL           the initiators that may use a target; here the target's
func (c *cli) iscsitadm() *cobra.Command {
	return c.comstarCommand("iscsitadm", "Make targets with logical units, as the daemon before COMSTAR does",
		c.noun("create", "Make a target, an initiator or a target portal group", c.tgtCreateTarget(), c.tgtCreateInitiator(), c.tgtCreateTPGT()),
		c.noun("list", "Show targets, initiators or target portal groups", c.tgtListTarget(), c.tgtListInitiator(), c.tgtListTPGT()),
		c.noun("modify", "Change a target, an initiator, a target portal group, or the daemon", c.tgtModifyTarget(), c.tgtModifyInitiator(), c.tgtModifyTPGT(), c.tgtModifyAdmin()),
		c.noun("delete", "End a target, an initiator or a target portal group", c.tgtDeleteTarget(), c.tgtDeleteInitiator(), c.tgtDeleteTPGT()),
		c.noun("show", "Show what the daemon does", c.tgtShowAdmin(), c.tgtShowStats()))
}

// tgtLine prints a field of what is listed, so deep below it.
func (c *cli) tgtLine(depth int, name, value string) {
	c.printf("%s\n", strings.TrimRight(strings.Repeat("    ", depth)+name+": "+value, " "))
}

// tgtTarget finds the target with a local name.
func (c *cli) tgtTarget(ctx context.Context, local string) (control.TargetInfo, error) {
	list, err := c.client().Targets(ctx)
	if err != nil {
		return control.TargetInfo{}, err
	}
	i := slices.IndexFunc(list, func(t control.TargetInfo) bool { return isLocal(t, local) })
	if i < 0 {
		return control.TargetInfo{}, &control.Problem{Status: http.StatusNotFound, Title: local + ": not found", Hint: "iscsitadm list target shows the targets."}
	}
	return list[i], nil
}

// localName is t's local name, as it is shown.
func localName(t control.TargetInfo) string { return or(t.Alias, t.Name) }

// isLocal reports whether local is t's local name; that of a target which the older daemon made
// ends its iSCSI name too.
func isLocal(t control.TargetInfo, local string) bool {
	return t.Alias == local || t.Name == strings.ToLower(local) || t.Alias == "" && strings.HasSuffix(t.Name, "."+strings.ToLower(local))
}

// tgtInitiator finds the initiator with a local name.
func (c *cli) tgtInitiator(ctx context.Context, local string) (control.InitiatorInfo, error) {
	list, err := c.client().Initiators(ctx)
	if err != nil {
		return control.InitiatorInfo{}, err
	}
	i := slices.IndexFunc(list, func(i control.InitiatorInfo) bool { return i.Alias == local || i.Name == strings.ToLower(local) })
	if i < 0 {
		return control.InitiatorInfo{}, &control.Problem{Status: http.StatusNotFound, Title: local + ": not found", Hint: "iscsitadm create initiator --iqn IQN " + local + " makes it known."}
	}
	return list[i], nil
}

func (c *cli) tgtCreateInitiator() *cobra.Command {
	var iqn string
	cmd := c.verb("initiator NAME", "Make an initiator known by a local name", func(cmd *cobra.Command, args []string) error {
		if _, err := c.tgtInitiator(cmd.Context(), args[0]); err == nil {
			return &control.Problem{Title: args[0] + ": already exists", Hint: "Choose another local name."}
		}
		_, err := c.client().CreateInitiator(cmd.Context(), control.InitiatorCreate{Name: iqn, Alias: args[0]})
		return err
	})
	cmd.Flags().StringVarP(&iqn, "iqn", "n", "", "its iSCSI `NAME`")
	_ = cmd.MarkFlagRequired("iqn") // the flag is there
	return cmd
}

func (c *cli) tgtModifyInitiator() *cobra.Command {
	var (
		user string
		ask  bool
	)
	cmd := c.verb("initiator NAME", "Change what an initiator proves itself with", func(cmd *cobra.Command, args []string) error {
		i, err := c.tgtInitiator(cmd.Context(), args[0])
		if err != nil {
			return err
		}
		secret, err := c.itSecret(cmd.Context(), &itCHAP{ask: ask})
		if err != nil {
			return err
		}
		changed, err := c.client().ModifyInitiator(cmd.Context(), i.Name, control.InitiatorModify{CHAPUser: given(cmd, "chap-name", &user), CHAPSecret: secret})
		if err != nil || changed.CHAPUser == "" {
			return err
		}
		c.warn("targets ask for it that are told to: itadm modify-target -a chap TARGET")
		return nil
	})
	f := cmd.Flags()
	f.StringVarP(&user, "chap-name", "H", "", "the `NAME` that it proves itself with; empty: its iSCSI name")
	f.BoolVarP(&ask, "chap-secret", "C", false, "ask for the secret, or read it from standard input")
	cmd.MarkFlagsOneRequired("chap-name", "chap-secret")
	return cmd
}

func (c *cli) tgtDeleteInitiator() *cobra.Command {
	cmd := c.verb("initiator NAME", "Forget an initiator", func(cmd *cobra.Command, args []string) error {
		i, err := c.tgtInitiator(cmd.Context(), args[0])
		if err == nil {
			_, err = c.client().DeleteInitiator(cmd.Context(), i.Name)
		}
		return err
	})
	deleteAll(cmd)
	return cmd
}

// deleteAll gives a verb the option that says that all of it is meant.
func deleteAll(cmd *cobra.Command) {
	cmd.Flags().BoolP("all", "A", false, "all of it")
	_ = cmd.MarkFlagRequired("all") // the flag is there
}

func (c *cli) tgtListInitiator() *cobra.Command {
	var verbose bool
	cmd := c.verb("initiator [NAME]", "Show the known initiators", func(cmd *cobra.Command, args []string) error {
		list, err := c.client().Initiators(cmd.Context())
		if err != nil {
			return err
		}
		list, err = listed(list, args, func(i control.InitiatorInfo, local string) bool { return i.Alias == local || i.Name == local })
		for _, i := range list {
			c.tgtLine(0, "Initiator", or(i.Alias, i.Name))
			c.tgtLine(1, "iSCSI Name", i.Name)
			c.tgtLine(1, "CHAP Name", map[bool]string{true: i.CHAPUser, false: notSet}[i.CHAPUser != "" && i.CHAPUser != i.Name])
			if verbose {
				c.tgtLine(1, "CHAP Secret", map[bool]string{true: "Set", false: notSet}[i.CHAPUser != ""])
			}
		}
		return err
	})
	return verbosely(cmd, &verbose)
}

// notSet is how iscsitadm says that there is nothing.
const notSet = "Not set"

func (c *cli) tgtShowStats() *cobra.Command {
	cmd := c.verb("stats [NAME]", "Say where the statistics are", func(*cobra.Command, []string) error {
		return notHere("show stats", "sessions and units count for themselves", "lunar top shows them live, lunar session list at once.")
	})
	cmd.Flags().IntP("interval", "I", 0, "not here")
	cmd.Flags().IntP("count", "N", 0, "not here")
	return cmd
}

// scaled writes a size as the older daemon did: with a decimal below ten.
func scaled(n int64) string {
	v, unit := float64(n), ""
	for _, u := range units {
		if v < 1024 {
			break
		}
		v, unit = v/1024, string(u)
	}
	if v < 10 && unit != "" {
		return fmt.Sprintf("%.1f%s", v, unit)
	}
	return fmt.Sprintf("%.0f%s", v, unit)
}
