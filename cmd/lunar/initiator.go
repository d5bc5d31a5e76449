package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/lunarsan/lunar/internal/control"
)

// initiator has the verbs of known initiators.
func (c *cli) initiator() *cobra.Command {
	return c.noun("initiator", "Initiators: who logs in, and what they prove themselves with",
		c.initiatorCreate(), c.initiatorList(), c.initiatorModify(), c.initiatorDelete())
}

// initiatorNames completes the names of initiators.
func initiatorNames(ctx context.Context, client *control.Client) (names []string) {
	initiators, _ := client.Initiators(ctx) // no daemon, nothing to complete
	for _, i := range initiators {
		names = append(names, i.Name)
	}
	return names
}

// The flags of a CHAP credential.
const (
	userHelp   = "the `NAME` that it proves itself with (default: its IQN)"
	secretHelp = "the `FILE` with its secret, 12 bytes at least; - for standard input"

	radiusUserHelp = "who it is to a RADIUS server, by `NAME` (default: its CHAP user, or its IQN)"
)

func (c *cli) initiatorCreate() *cobra.Command {
	var (
		r      control.InitiatorCreate
		secret string
		o      output
	)
	cmd := c.verb("create IQN", "Make an initiator known", func(cmd *cobra.Command, args []string) (err error) {
		r.Name = args[0]
		if r.CHAPSecret, err = c.secret(secret); err != nil {
			return err
		}
		i, err := c.client().CreateInitiator(cmd.Context(), r)
		if err != nil {
			return err
		}
		return c.print(&o, i, func() { c.printf("created initiator %s\n", i.Name) })
	})
	f := cmd.Flags()
	f.StringVar(&r.Alias, "alias", "", "a `NAME` for people")
	f.StringVar(&r.CHAPUser, "chap-user", "", userHelp)
	f.StringVar(&secret, "chap-secret-file", "", secretHelp)
	f.StringVar(&r.RADIUSUser, "radius-user", "", radiusUserHelp)
	return o.flag(cmd)
}

func (c *cli) initiatorList() *cobra.Command {
	var o output
	return o.flag(c.verb("list", "Show the known initiators", func(cmd *cobra.Command, _ []string) error {
		list, err := c.client().Initiators(cmd.Context())
		if err != nil {
			return err
		}
		return c.print(&o, list, func() {
			if len(list) == 0 {
				c.printf("no initiators are known; without CHAP they need not be\n")
				return
			}
			rows := [][]string{{"NAME", "CHAP USER", "RADIUS USER", "ALIAS"}}
			for _, i := range list {
				rows = append(rows, []string{i.Name, or(i.CHAPUser, "-"), or(i.RADIUSUser, "-"), or(i.Alias, "-")})
			}
			c.table(rows)
		})
	}))
}

func (c *cli) initiatorModify() *cobra.Command {
	var (
		user, secret, radiusUser string
		none                     bool
		o                        output
	)
	cmd := c.completing(c.verb("modify IQN", "Change what an initiator proves itself with", func(cmd *cobra.Command, args []string) error {
		r := control.InitiatorModify{NoCHAP: none}
		r.CHAPUser, r.RADIUSUser = given(cmd, "chap-user", &user), given(cmd, "radius-user", &radiusUser)
		var err error
		if r.CHAPSecret, err = c.secret(secret); err != nil {
			return err
		}
		if r.CHAPUser == nil && r.RADIUSUser == nil && len(r.CHAPSecret) == 0 && !none {
			return misuse(cmd, "%s needs something to change", cmd.CommandPath())
		}
		i, err := c.client().ModifyInitiator(cmd.Context(), args[0], r)
		if err != nil {
			return err
		}
		return c.print(&o, i, func() { c.printf("modified initiator %s\n", i.Name) })
	}), initiatorNames)
	credentialFlags(cmd, &user, &secret, &none, userHelp)
	cmd.Flags().StringVar(&radiusUser, "radius-user", "", radiusUserHelp)
	return o.flag(cmd)
}

// credentialFlags are the flags that change a credential.
func credentialFlags(cmd *cobra.Command, user, secret *string, none *bool, userHelp string) {
	f := cmd.Flags()
	f.StringVar(user, "chap-user", "", userHelp)
	f.StringVar(secret, "chap-secret-file", "", secretHelp)
	f.BoolVar(none, "no-chap", false, "forget its secret")
	cmd.MarkFlagsMutuallyExclusive("no-chap", "chap-user")
	cmd.MarkFlagsMutuallyExclusive("no-chap", "chap-secret-file")
}

func (c *cli) initiatorDelete() *cobra.Command {
	var o output
	return o.flag(c.completing(c.verb("delete IQN", "Forget an initiator; its sessions stay", func(cmd *cobra.Command, args []string) error {
		i, err := c.client().DeleteInitiator(cmd.Context(), args[0])
		if err != nil {
			return err
		}
		return c.print(&o, i, func() { c.printf("deleted initiator %s\n", i.Name) })
	}), initiatorNames))
}
