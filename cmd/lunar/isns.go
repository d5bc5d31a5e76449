package main

import (
	"github.com/spf13/cobra"

	"github.com/lunarsan/lunar/internal/control"
)

// isns has the verbs of the Internet Storage Name Service.
func (c *cli) isns() *cobra.Command {
	return c.noun("isns", "iSNS: the server where targets are registered", c.isnsShow(), c.isnsSet())
}

func (c *cli) isnsShow() *cobra.Command {
	var o output
	return o.flag(c.verb("show", "Show where targets are registered", func(cmd *cobra.Command, _ []string) error {
		i, err := c.client().ISNS(cmd.Context())
		if err != nil {
			return err
		}
		return c.print(&o, i, func() { c.showISNS(i) })
	}))
}

func (c *cli) showISNS(i control.ISNSInfo) {
	if i.Server == "" {
		c.printf("targets are registered nowhere; name an iSNS server with lunar isns set\n")
		return
	}
	c.printf("server   %s\n", i.Server)
	c.printf("entity   %s\n", i.Entity)
	if i.Disabled {
		c.printf("known    nothing: registration is disabled, until lunar isns set\n")
		return
	}
	if i.Registered {
		c.printf("known    %d targets at %d portals\n", i.Targets, i.Portals)
	} else {
		c.printf("known    nothing\n")
	}
	if !i.Heard.IsZero() {
		c.printf("answer   %s ago\n", age(i.Heard))
	}
	if i.Registered {
		c.printf("expires  %s after the last sign of life\n", seconds(i.Period))
	}
	if i.Trouble != "" {
		c.printf("trouble  %s\n", i.Trouble)
	}
}

func (c *cli) isnsSet() *cobra.Command {
	var o output
	cmd := c.verb("set ADDR[:PORT]", "Register targets at an iSNS server, or nowhere (off)", func(cmd *cobra.Command, args []string) error {
		server := args[0]
		if server == "off" {
			server = ""
		}
		i, err := c.client().ModifyISNS(cmd.Context(), control.ISNSModify{Server: &server, Disabled: new(false)})
		if err != nil {
			return err
		}
		return c.print(&o, i, func() {
			if i.Server == "" {
				c.printf("targets are registered nowhere\n")
			} else {
				c.printf("targets are registered at %s\n", i.Server)
			}
		})
	})
	cmd.Long = `Register all targets that are online at an iSNS server (RFC 4171), with the addresses where they are
reached, and keep that up to date. The port is 3205 unless given. A server that is away is tried
again. off takes the registration back.`
	return o.flag(cmd)
}
