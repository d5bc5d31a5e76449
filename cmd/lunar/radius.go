package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/lunarsan/lunar/internal/control"
)

// radius has the verbs of the RADIUS servers.
func (c *cli) radius() *cobra.Command {
	return c.noun("radius", "RADIUS: the servers that know the initiators' secrets", c.radiusShow(), c.radiusSet())
}

func (c *cli) radiusShow() *cobra.Command {
	var o output
	return o.flag(c.verb("show", "Show which servers are asked, and what they said", func(cmd *cobra.Command, _ []string) error {
		r, err := c.client().RADIUS(cmd.Context())
		if err != nil {
			return err
		}
		return c.print(&o, r, func() { c.showRADIUS(r) })
	}))
}

func (c *cli) showRADIUS(r control.RADIUSInfo) {
	if len(r.Servers) == 0 {
		c.printf("no RADIUS server is asked; name some with lunar radius set\n")
	} else {
		rows := [][]string{{"SERVER", "ACCEPTED", "REJECTED", "UNANSWERED", "ANSWER", "TROUBLE"}}
		for _, s := range r.Servers {
			heard := "-"
			if !s.Heard.IsZero() {
				heard = age(s.Heard) + " ago"
			}
			rows = append(rows, []string{s.Server, fmt.Sprint(s.Accepted), fmt.Sprint(s.Rejected), fmt.Sprint(s.Unanswered), heard, or(s.Trouble, "-")})
		}
		c.table(rows)
	}
	switch {
	case r.Reason != "":
		c.printf("their secret is not known: %s\n", r.Reason)
	case len(r.Servers) > 0 && !r.Secret:
		c.printf("nobody can be asked without a secret: lunar radius set --secret-file FILE\n")
	}
	if r.Unsigned {
		c.printf("answers without a Message-Authenticator are believed\n")
	}
}

func (c *cli) radiusSet() *cobra.Command {
	var (
		secret   string
		unsigned bool
		o        output
	)
	cmd := c.verb("set [SERVER[:PORT]...]", "Have RADIUS servers asked, or none (off)", func(cmd *cobra.Command, args []string) error {
		r := control.RADIUSModify{Unsigned: given(cmd, "unsigned", &unsigned)}
		switch {
		case len(args) == 1 && args[0] == "off":
			r.Servers, r.NoSecret, r.Unsigned = &[]string{}, true, new(false)
		case len(args) > 0:
			r.Servers = &args
		}
		var err error
		if r.Secret, err = c.secret(secret); err != nil {
			return err
		}
		if r.Servers == nil && r.Secret == nil && r.Unsigned == nil {
			return misuse(cmd, "%s needs something to change", cmd.CommandPath())
		}
		i, err := c.client().ModifyRADIUS(cmd.Context(), r)
		if err != nil {
			return err
		}
		return c.print(&o, i, func() { c.showRADIUS(i) })
	})
	cmd.Long = `Have RADIUS servers (RFC 2865) asked whether an initiator has proved itself by CHAP, where a target
or discovery says --auth radius. The first that answers decides; up to three are asked, each three
times within three seconds. All of them share one secret with this machine. The port is 1812 unless
given. off forgets the servers and the secret.

Requests are signed with a Message-Authenticator, and answers without one are discarded, since they
may be forged (CVE-2024-3596). --unsigned believes them, for servers that cannot do better.`
	f := cmd.Flags()
	f.StringVar(&secret, "secret-file", "", "the `FILE` with the secret that the servers share with this machine; - for standard input")
	f.BoolVar(&unsigned, "unsigned", false, "believe answers without a Message-Authenticator")
	return o.flag(cmd)
}
