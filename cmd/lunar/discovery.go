package main

import (
	"github.com/spf13/cobra"

	"github.com/lunarsan/lunar/internal/control"
)

// discovery has the verbs of SendTargets discovery.
func (c *cli) discovery() *cobra.Command {
	return c.noun("discovery", "Discovery: what an initiator must prove to learn the targets", c.discoveryShow(), c.discoveryModify())
}

func (c *cli) discoveryShow() *cobra.Command {
	var o output
	return o.flag(c.verb("show", "Show what discovery asks", func(cmd *cobra.Command, _ []string) error {
		d, err := c.client().Discovery(cmd.Context())
		if err != nil {
			return err
		}
		return c.print(&o, d, func() { c.printf("discovery asks for authentication: %s\n", d.Auth) })
	}))
}

func (c *cli) discoveryModify() *cobra.Command {
	var (
		r      control.DiscoveryModify
		secret string
		o      output
	)
	cmd := c.verb("modify", "Change what discovery asks", func(cmd *cobra.Command, _ []string) (err error) {
		if r.SelfSecret, err = c.secret(secret); err != nil {
			return err
		}
		d, err := c.client().ModifyDiscovery(cmd.Context(), r)
		if err != nil {
			return err
		}
		return c.print(&o, d, func() { c.printf("discovery asks for authentication: %s\n", d.Auth) })
	})
	f := cmd.Flags()
	f.StringVar(&r.Auth, "auth", "", "what it asks of initiators, `AUTH`: none, chap, mutual, or radius")
	f.StringVar(&r.SelfUser, "chap-user", "", "the `NAME` that the target proves itself with")
	f.StringVar(&secret, "chap-secret-file", "", "the `FILE` with the secret that the target proves itself with; - for standard input")
	_ = cmd.MarkFlagRequired("auth") // the flag is there
	return o.flag(cmd)
}
