package main

import (
	"github.com/spf13/cobra"

	"github.com/lunarsan/lunar/internal/control"
)

// COMSTAR's defaults are for discovery, and for targets that say nothing themselves. Here each
// target says what it asks, so that the defaults are discovery's, and what new targets get.

// What both of COMSTAR's commands may ask for, and the daemon has not.
const (
	radiusBecause = "the daemon checks CHAP secrets itself"
	radiusInstead = "Give the initiators' secrets to the daemon."
	isnsBecause   = "initiators find targets by asking the portals"
	isnsInstead   = "Give initiators the address of a portal."
)

func (c *cli) itModifyDefaults() *cobra.Command {
	var auth string
	cmd := c.verb("modify-defaults", "Change what discovery, and new targets, ask of initiators", func(cmd *cobra.Command, _ []string) error {
		f := cmd.Flags()
		for _, name := range []string{"radius-server", "radius-secret", "radius-secret-file"} {
			if f.Changed(name) {
				return notHere("--"+name, radiusBecause, radiusInstead)
			}
		}
		for _, name := range []string{"isns", "isns-server"} {
			if f.Changed(name) {
				return notHere("--"+name, isnsBecause, isnsInstead)
			}
		}
		if auth == "" {
			return misuse(cmd, "Error, no properties specified")
		}
		auth, err := c.itAuth(cmd.Context(), auth, false)
		if err != nil {
			return err
		}
		if _, err := c.client().ModifyDiscovery(cmd.Context(), control.DiscoveryModify{Auth: auth}); err != nil {
			return err
		}
		targets, err := c.client().Targets(cmd.Context())
		if err != nil {
			return err
		}
		for _, t := range targets {
			if chapWord(t.Auth) != auth {
				c.warn("target %s goes on to ask for %s: itadm modify-target -a %s %s", t.Name, chapWord(t.Auth), auth, t.Name)
			}
		}
		return nil
	})
	f := cmd.Flags()
	f.StringVarP(&auth, "auth-method", "a", "", "what is asked of initiators: `none|chap`")
	f.StringP("radius-server", "r", "", "not here: "+radiusBecause)
	f.BoolP("radius-secret", "d", false, "not here: "+radiusBecause)
	f.StringP("radius-secret-file", "D", "", "not here: "+radiusBecause)
	f.StringP("isns", "i", "", "not here: "+isnsBecause)
	f.StringP("isns-server", "I", "", "not here: "+isnsBecause)
	return cmd
}

func (c *cli) itListDefaults() *cobra.Command {
	return c.verb("list-defaults", "Show what discovery, and new targets, ask of initiators", func(cmd *cobra.Command, _ []string) error {
		d, err := c.client().Discovery(cmd.Context())
		if err != nil {
			return err
		}
		c.printf("iSCSI Target Default Properties:\n\n")
		for _, field := range [][2]string{
			{"alias:", "<none>"},
			{"auth:", chapWord(d.Auth)},
			{"radiusserver:", "<none>"},
			{"radiussecret:", "unset"},
			{"isns:", "disabled"},
			{"isnsserver:", "<none>"},
		} {
			c.printf("%-15s\t%s\n", field[0], field[1])
		}
		return nil
	})
}
