package main

import (
	"context"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/lunarsan/lunar/internal/control"
)

func (c *cli) tgtCreateTPGT() *cobra.Command {
	return c.verb("tpgt TPGT", "Make a target portal group, which gets its addresses later", func(cmd *cobra.Command, args []string) error {
		if n, err := strconv.ParseUint(args[0], 10, 16); err != nil || n == 0 {
			return &usageError{args[0] + ": invalid target portal group tag", "Choose a number from 1 to 65535."}
		}
		return instead(c.createTPG(cmd.Context(), args[0], nil), http.StatusConflict, args[0]+": already exists")
	})
}

// tgtGroup finds a portal group.
func (c *cli) tgtGroup(ctx context.Context, name string) (control.GroupInfo, error) {
	list, err := c.client().Groups(ctx)
	if err != nil {
		return control.GroupInfo{}, err
	}
	i := slices.IndexFunc(list, func(g control.GroupInfo) bool { return g.Name == name })
	if i < 0 {
		return control.GroupInfo{}, &control.Problem{Status: http.StatusNotFound, Title: name + ": not found", Hint: "iscsitadm list tpgt shows the target portal groups."}
	}
	return list[i], nil
}

// addressWord leaves iSCSI's own port out of an address.
func addressWord(address string) string {
	host, port, err := net.SplitHostPort(address)
	if err != nil || port != strconv.Itoa(control.DefaultPort) {
		return address
	}
	return host
}

func (c *cli) tgtModifyTPGT() *cobra.Command {
	var address string
	cmd := c.verb("tpgt TPGT", "Make a target portal group listen on one more address", func(cmd *cobra.Command, args []string) error {
		g, err := c.tgtGroup(cmd.Context(), args[0])
		if err == nil {
			_, err = c.client().ModifyPortals(cmd.Context(), g.Name, control.PortalsModify{Portals: append(addresses(g), address)})
		}
		return err
	})
	cmd.Flags().StringVarP(&address, "ip-address", "i", "", "the `ADDRESS[:PORT]`")
	_ = cmd.MarkFlagRequired("ip-address") // the flag is there
	return cmd
}

func (c *cli) tgtDeleteTPGT() *cobra.Command {
	var (
		address string
		all     bool
	)
	cmd := c.verb("tpgt TPGT", "End a target portal group, or take an address from it", func(cmd *cobra.Command, args []string) error {
		g, err := c.tgtGroup(cmd.Context(), args[0])
		if err != nil {
			return err
		}
		if all {
			_, err = c.client().DeleteGroup(cmd.Context(), g.Name, control.GroupDelete{})
			return err
		}
		left := addresses(g)
		left = slices.DeleteFunc(left, func(a string) bool { return a == address || addressWord(a) == strings.Trim(address, "[]") })
		if len(left) == len(g.Portals) {
			return &control.Problem{Title: address + ": not found", Hint: "iscsitadm list tpgt -v shows the addresses."}
		}
		_, err = c.client().ModifyPortals(cmd.Context(), g.Name, control.PortalsModify{Portals: left})
		return err
	})
	f := cmd.Flags()
	f.BoolVarP(&all, "all", "A", false, "all of it")
	f.StringVarP(&address, "ip-address", "i", "", "the `ADDRESS[:PORT]` alone")
	cmd.MarkFlagsOneRequired("all", "ip-address")
	cmd.MarkFlagsMutuallyExclusive("all", "ip-address")
	return cmd
}

func (c *cli) tgtListTPGT() *cobra.Command {
	var verbose bool
	cmd := c.verb("tpgt [TPGT]", "Show the target portal groups but for the default one", func(cmd *cobra.Command, args []string) error {
		list, err := c.client().Groups(cmd.Context())
		if err != nil {
			return err
		}
		list, err = listed(withoutDefault(list), args, func(g control.GroupInfo, name string) bool { return g.Name == name })
		for _, g := range list {
			c.tgtLine(0, "TPGT", g.Name)
			switch {
			case !verbose:
				c.tgtLine(1, "IP Address count", strconv.Itoa(len(g.Portals)))
			case len(g.Portals) == 0:
				c.tgtLine(1, "IP Address", notSet)
			default:
				for _, a := range addresses(g) {
					c.tgtLine(1, "IP Address", addressWord(a))
				}
			}
		}
		return err
	})
	return verbosely(cmd, &verbose)
}
