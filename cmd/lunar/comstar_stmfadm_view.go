package main

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/lunarsan/lunar/internal/control"
)

func (c *cli) stmfAddView() *cobra.Command {
	var (
		r   control.ViewAdd
		lun int
	)
	cmd := c.verb("add-view GUID", "Show a logical unit to a host group through a target group", func(cmd *cobra.Command, args []string) error {
		if err := checkGUID(args[0]); err != nil {
			return err
		}
		r.Unit, r.LUN = args[0], given(cmd, "lun", &lun)
		for _, group := range []struct {
			kind control.GroupKind
			name string
			word string
		}{{control.HostGroups, r.HostGroup, "invalid host group"}, {control.TargetGroups, r.TargetGroup, "invalid target group"}} {
			if group.name == "" {
				continue
			}
			if _, err := c.client().MemberGroup(cmd.Context(), group.kind, group.name); err != nil {
				return comstarWord{http.StatusNotFound: group.word}.of(group.name, err)
			}
		}
		v, err := c.client().AddView(cmd.Context(), r)
		if err != nil {
			return notFound.of(args[0], err)
		}
		if v.Warning != "" {
			c.warn("%s", v.Warning)
		}
		return nil
	})
	f := cmd.Flags()
	f.StringVarP(&r.HostGroup, "host-group", "h", "", "the `GROUP` of initiators that see it (default: all initiators)")
	f.StringVarP(&r.TargetGroup, "target-group", "t", "", "the `GROUP` of targets that show it (default: all targets)")
	f.IntVarP(&lun, "lun", "n", 0, "the `LUN` that they see it at (default: the lowest that is free)")
	return cmd
}

// luName gives a verb the option that names the logical unit whose views are meant.
func luName(cmd *cobra.Command, guid *string) *cobra.Command {
	cmd.Flags().StringVarP(guid, "lu-name", "l", "", "the logical unit's `GUID`")
	_ = cmd.MarkFlagRequired("lu-name") // the flag is there
	return cmd
}

// viewsOf are the views of a logical unit; it is an error if there are none.
func (c *cli) viewsOf(ctx context.Context, guid string) ([]control.ViewInfo, error) {
	if err := checkGUID(guid); err != nil {
		return nil, err
	}
	views, err := c.client().UnitViews(ctx, guid)
	if err != nil {
		return nil, notFound.of(guid, err)
	}
	if len(views) == 0 {
		return nil, &control.Problem{Title: guid + ": no views found", Hint: "Nobody sees it: stmfadm add-view shows it."}
	}
	return views, nil
}

func (c *cli) stmfListView() *cobra.Command {
	var guid string
	cmd := c.verb("list-view [ENTRY...]", "Show who sees a logical unit", func(cmd *cobra.Command, args []string) error {
		views, err := c.viewsOf(cmd.Context(), guid)
		if err != nil {
			return err
		}
		views, err = listed(views, args, func(v control.ViewInfo, entry string) bool { return strconv.Itoa(v.Entry) == entry })
		for _, v := range views {
			c.printf("View Entry: %d\n", v.Entry)
			for _, field := range [][2]string{{"Host group", or(v.HostGroup, "All")}, {"Target group", or(v.TargetGroup, "All")}, {"LUN", strconv.Itoa(v.LUN)}} {
				c.printf("    %-13s: %s\n", field[0], field[1])
			}
		}
		return err
	})
	return luName(cmd, &guid)
}

func (c *cli) stmfRemoveView() *cobra.Command {
	var (
		guid string
		all  bool
	)
	cmd := c.verb("remove-view [ENTRY...]", "Stop showing a logical unit to those whom views are for", func(cmd *cobra.Command, args []string) error {
		if !all && len(args) == 0 {
			return misuse(cmd, "no view entries specified")
		}
		views, err := c.viewsOf(cmd.Context(), guid)
		if err != nil {
			return err
		}
		if all {
			args = nil
			for _, v := range views {
				args = append(args, strconv.Itoa(v.Entry))
			}
		}
		return each(args, func(entry string) error {
			if strings.Trim(entry, "0123456789") != "" {
				return &usageError{entry + ": invalid input", "A view entry is a number: stmfadm list-view -l GUID shows them."}
			}
			_, err := c.client().RemoveView(cmd.Context(), guid+":"+entry)
			return notFound.of(fmt.Sprintf("%s: %s", guid, entry), err)
		})
	})
	cmd.Flags().BoolVarP(&all, "all", "a", false, "all views of the logical unit")
	return luName(cmd, &guid)
}
