package main

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"github.com/lunarsan/lunar/internal/control"
)

// COMSTAR's defaults are for discovery, and for targets that say nothing themselves. Here each
// target says what it asks, so that the defaults are discovery's, and what new targets get.

// noServer is what COMSTAR's commands call no server at all.
const noServer = "none"

// An itDefaults are the options of itadm modify-defaults.
type itDefaults struct {
	auth             string
	radius, isns     []string
	registers        string // enable, disable; empty: as it is
	askSecret        bool
	radiusSecretFile string
}

func (c *cli) itModifyDefaults() *cobra.Command {
	var o itDefaults
	cmd := c.verb("modify-defaults", "Change what discovery, and new targets, ask of initiators, and which servers are asked", func(cmd *cobra.Command, _ []string) error {
		if cmd.Flags().NFlag() == 0 {
			return misuse(cmd, "Error, no properties specified")
		}
		auth := func() error { return c.itDefaultAuth(cmd.Context(), o.auth) }
		radius := func() error {
			return c.itRADIUS(cmd.Context(), o.radius, itCHAP{file: o.radiusSecretFile, ask: o.askSecret, what: "RADIUS secret"})
		}
		isns := func() error { return c.itISNS(cmd, o.registers, o.isns) }
		steps := []func() error{radius, isns, auth}
		if o.auth != "radius" { // nobody may need the servers when they go
			steps = []func() error{auth, radius, isns}
		}
		for _, step := range steps {
			if err := step(); err != nil {
				return err
			}
		}
		return nil
	})
	f := cmd.Flags()
	f.StringVarP(&o.auth, "auth-method", "a", "", "what is asked of initiators: `radius|chap|none`")
	f.StringSliceVarP(&o.radius, "radius-server", "r", nil, "the RADIUS servers `SERVER[:PORT],...` that check CHAP, or none")
	f.BoolVarP(&o.askSecret, "radius-secret", "d", false, "ask for the secret that they share with this machine, or read it from standard input")
	f.StringVarP(&o.radiusSecretFile, "radius-secret-file", "D", "", "the `FILE` with that secret")
	f.StringVarP(&o.registers, "isns", "i", "", "register targets at the iSNS server: `enable|disable`")
	f.StringSliceVarP(&o.isns, "isns-server", "I", nil, "the iSNS server `SERVER[:PORT]`, or none")
	cmd.MarkFlagsMutuallyExclusive("radius-secret", "radius-secret-file")
	return cmd
}

// itDefaultAuth changes what discovery asks, and names the targets that go on as they are.
func (c *cli) itDefaultAuth(ctx context.Context, word string) error {
	if word == "" {
		return nil
	}
	auth, err := c.itAuth(ctx, word, false)
	if err != nil {
		return err
	}
	if _, err := c.client().ModifyDiscovery(ctx, control.DiscoveryModify{Auth: auth}); err != nil {
		return err
	}
	targets, err := c.client().Targets(ctx)
	if err != nil {
		return err
	}
	for _, t := range targets {
		if chapWord(t.Auth) != auth {
			c.warn("target %s goes on to ask for %s: itadm modify-target -a %s %s", t.Name, chapWord(t.Auth), auth, t.Name)
		}
	}
	return nil
}

// itRADIUS changes which RADIUS servers are asked, and the secret that is shared with them.
func (c *cli) itRADIUS(ctx context.Context, servers []string, secret itCHAP) (err error) {
	var r control.RADIUSModify
	if r.Secret, err = c.itSecret(ctx, &secret); err != nil {
		return err
	}
	if len(servers) > 0 {
		if servers[0] == noServer {
			servers = []string{}
		}
		r.Servers = &servers
	}
	if r.Servers == nil && r.Secret == nil {
		return nil
	}
	_, err = c.client().ModifyRADIUS(ctx, r)
	return err
}

// itISNS changes where targets are registered, and whether.
func (c *cli) itISNS(cmd *cobra.Command, registers string, servers []string) error {
	var r control.ISNSModify
	switch {
	case len(servers) > 1:
		return notHere("a second iSNS server", "targets are registered at one", "Name one.")
	case len(servers) == 1 && servers[0] == noServer:
		r.Server = new("")
	case len(servers) == 1:
		r.Server = &servers[0]
	}
	now, err := c.client().ISNS(cmd.Context())
	if err != nil {
		return err
	}
	switch registers {
	case "enable", "disable":
		r.Disabled = new(registers == "disable")
		if registers == "enable" && now.Server == "" && (r.Server == nil || *r.Server == "") {
			return &control.Problem{Title: "there is no iSNS server", Hint: "Name one too: --isns-server SERVER."}
		}
	case "":
		if r.Server != nil && now.Server == "" { // a server alone is remembered
			r.Disabled = new(true)
		}
	default:
		return misuse(cmd, "%q is neither enable nor disable", registers)
	}
	if r.Server == nil && r.Disabled == nil {
		return nil
	}
	_, err = c.client().ModifyISNS(cmd.Context(), r)
	return err
}

func (c *cli) itListDefaults() *cobra.Command {
	return c.verb("list-defaults", "Show what discovery, and new targets, ask of initiators, and which servers are asked", func(cmd *cobra.Command, _ []string) error {
		d, err := c.client().Discovery(cmd.Context())
		if err != nil {
			return err
		}
		radius, err := c.client().RADIUS(cmd.Context())
		if err != nil {
			return err
		}
		isns, err := c.client().ISNS(cmd.Context())
		if err != nil {
			return err
		}
		registers := "disabled"
		if isns.Server != "" && !isns.Disabled {
			registers = "enabled"
		}
		c.printf("iSCSI Target Default Properties:\n\n")
		for _, field := range [][2]string{
			{"alias:", "<none>"},
			{"auth:", chapWord(d.Auth)},
			{"radiusserver:", or(radiusServers(radius), "<none>")},
			{"radiussecret:", setWord(radius.Secret)},
			{"isns:", registers},
			{"isnsserver:", or(isns.Server, "<none>")},
		} {
			c.printf("%-15s\t%s\n", field[0], field[1])
		}
		return nil
	})
}

// radiusServers lists the RADIUS servers.
func radiusServers(r control.RADIUSInfo) string {
	names := make([]string, 0, len(r.Servers))
	for _, s := range r.Servers {
		names = append(names, s.Server)
	}
	return strings.Join(names, ",")
}
