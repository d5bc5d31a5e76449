package main

import (
	"context"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/lunarsan/lunar/internal/control"
)

// view has the verbs of views.
func (c *cli) view() *cobra.Command {
	return c.noun("view", "Views: which host group sees a unit on which target group, and where",
		c.viewAdd(), c.viewList(), c.viewRemove())
}

func (c *cli) viewAdd() *cobra.Command {
	var (
		r   control.ViewAdd
		lun int
		o   output
	)
	cmd := c.completing(c.verb("add GUID", "Show a unit to a host group on a target group", func(cmd *cobra.Command, args []string) error {
		r.Unit, r.LUN = args[0], given(cmd, "lun", &lun)
		v, err := c.client().AddView(cmd.Context(), r)
		if err != nil {
			return err
		}
		return c.print(&o, v, func() {
			c.printf("added view %d of unit %s: LUN %d\n", v.Entry, v.Unit, v.LUN)
			if v.Warning != "" {
				c.printf("%s\n", v.Warning)
			}
		})
	}), unitNames)
	f := cmd.Flags()
	f.Bool("help", false, "help for add") // leaves -h to the host group
	f.StringVarP(&r.HostGroup, "host-group", "h", "", "the `GROUP` of initiators that see it (default: all initiators)")
	f.StringVarP(&r.TargetGroup, "target-group", "t", "", "the `GROUP` of targets that show it (default: all targets)")
	f.IntVarP(&lun, "lun", "n", 0, "the LUN that they see it at (default: the lowest that is free)")
	c.completingFlag(cmd, "host-group", groupNoun{kind: control.HostGroups}.names)
	c.completingFlag(cmd, "target-group", groupNoun{kind: control.TargetGroups}.names)
	return o.flag(cmd)
}

// completingFlag makes cmd complete a flag's value with what list finds.
func (c *cli) completingFlag(cmd *cobra.Command, flag string, list func(context.Context, *control.Client) []string) {
	_ = cmd.RegisterFlagCompletionFunc(flag, func(cmd *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
		return list(cmd.Context(), c.client()), cobra.ShellCompDirectiveNoFileComp
	}) // fails only where there is no such flag
}

func (c *cli) viewList() *cobra.Command {
	var o output
	return o.flag(c.completing(c.verb("list [GUID]", "Show all views, or those of a unit", func(cmd *cobra.Command, args []string) error {
		list, err := c.views(cmd.Context(), args)
		if err != nil {
			return err
		}
		return c.print(&o, list, func() {
			if len(list) == 0 {
				c.printf("no views: nobody sees it; show a unit with lunar view add GUID\n")
				return
			}
			rows := [][]string{{"GUID", "ENTRY", "HOST GROUP", "TARGET GROUP", "LUN"}}
			for _, v := range list {
				rows = append(rows, []string{v.Unit, strconv.Itoa(v.Entry), or(v.HostGroup, "All"), or(v.TargetGroup, "All"), strconv.Itoa(v.LUN)})
			}
			c.table(rows)
		})
	}), unitNames))
}

// views are the views of the unit that is named, or all.
func (c *cli) views(ctx context.Context, unit []string) ([]control.ViewInfo, error) {
	if len(unit) == 0 {
		return c.client().Views(ctx)
	}
	return c.client().UnitViews(ctx, unit[0])
}

func (c *cli) viewRemove() *cobra.Command {
	var o output
	return o.flag(c.completing(c.verb("remove GUID ENTRY", "Stop showing a unit to those whom a view is for", func(cmd *cobra.Command, args []string) error {
		v, err := c.client().RemoveView(cmd.Context(), args[0]+":"+args[1])
		if err != nil {
			return err
		}
		return c.print(&o, v, func() { c.printf("removed view %d of unit %s: it was LUN %d\n", v.Entry, v.Unit, v.LUN) })
	}), unitNames))
}

// lunWords lists LUNs, as people read them.
func lunWords(luns []int) string {
	words := make([]string, 0, len(luns))
	for _, n := range luns {
		words = append(words, strconv.Itoa(n))
	}
	return or(strings.Join(words, ","), "-")
}
