package main

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/lunarsan/lunar/internal/control"
)

// itadm says what initiators log in to, and how.
func (c *cli) itadm() *cobra.Command {
	return c.comstarCommand("itadm", "Say what initiators log in to, and how, as COMSTAR does",
		c.itCreateTarget(), c.itModifyTarget(), c.itDeleteTarget(), c.itListTarget(),
		c.itCreateTPG(), c.itDeleteTPG(), c.itListTPG(),
		c.itCreateInitiator(), c.itModifyInitiator(), c.itDeleteInitiator(), c.itListInitiator(),
		c.itModifyDefaults(), c.itListDefaults())
}

// An itCHAP are the options of a CHAP name and secret.
type itCHAP struct {
	user, file string
	ask        bool
	what       string // is asked for; empty: a CHAP secret
}

func (o *itCHAP) flags(cmd *cobra.Command) *cobra.Command {
	f := cmd.Flags()
	f.StringVarP(&o.user, "chap-user", "u", "", "the `NAME` that it proves itself with (default: its own)")
	f.BoolVarP(&o.ask, "chap-secret", "s", false, "ask for the secret, or read it from standard input")
	f.StringVarP(&o.file, "chap-secret-file", "S", "", "the `FILE` with the secret")
	cmd.MarkFlagsMutuallyExclusive("chap-secret", "chap-secret-file")
	return cmd
}

// itSecret is what the options say, or a person at the terminal; nil: nothing.
func (c *cli) itSecret(ctx context.Context, o *itCHAP) (control.Secret, error) {
	if !o.ask {
		return c.secret(o.file)
	}
	if isTerminal(c.stdin) {
		return c.askSecret(ctx, "Enter "+or(o.what, "CHAP secret")+": ")
	}
	return c.secret("-")
}

// itColumn prints a cell of a list in as many columns, and more for one that is longer.
func (c *cli) itColumn(width int, cell string) {
	c.printf("%-*s", width, cell)
	if len(cell) >= width {
		c.printf("\t")
	}
}

func (c *cli) itCreateInitiator() *cobra.Command {
	var chap itCHAP
	return chap.flags(c.verb("create-initiator INITIATOR", "Make an initiator known", func(cmd *cobra.Command, args []string) error {
		secret, err := c.itSecret(cmd.Context(), &chap)
		if err != nil {
			return err
		}
		r := control.InitiatorCreate{Name: args[0], CHAPUser: chap.user, CHAPSecret: secret}
		if len(secret) == 0 { // a RADIUS server may have that
			r.CHAPUser, r.RADIUSUser = "", chap.user
		}
		_, err = c.client().CreateInitiator(cmd.Context(), r)
		return instead(err, http.StatusConflict, "Initiator "+args[0]+" already exists")
	}))
}

func (c *cli) itModifyInitiator() *cobra.Command {
	var chap itCHAP
	return chap.flags(c.verb("modify-initiator INITIATOR", "Change what an initiator proves itself with", func(cmd *cobra.Command, args []string) error {
		secret, err := c.itSecret(cmd.Context(), &chap)
		if err != nil {
			return err
		}
		r := control.InitiatorModify{CHAPUser: given(cmd, "chap-user", &chap.user), CHAPSecret: secret}
		if len(secret) == 0 { // a RADIUS server may have that
			list, err := c.client().Initiators(cmd.Context())
			if err != nil {
				return err
			}
			for _, i := range list {
				if strings.EqualFold(i.Name, args[0]) && i.CHAPUser == "" {
					r.CHAPUser, r.RADIUSUser = nil, r.CHAPUser
				}
			}
		}
		_, err = c.client().ModifyInitiator(cmd.Context(), args[0], r)
		return instead(err, http.StatusNotFound, "Error, initiator "+args[0]+" not found.")
	}))
}

func (c *cli) itDeleteInitiator() *cobra.Command {
	return c.verb("delete-initiator INITIATOR", "Forget an initiator; its sessions stay", func(cmd *cobra.Command, args []string) error {
		_, err := c.client().DeleteInitiator(cmd.Context(), args[0])
		return instead(err, http.StatusNotFound, "Initiator "+args[0]+" not found")
	})
}

func (c *cli) itListInitiator() *cobra.Command {
	var verbose bool
	cmd := c.verb("list-initiator [INITIATOR]", "Show the known initiators", func(cmd *cobra.Command, args []string) error {
		list, err := c.client().Initiators(cmd.Context())
		if err != nil {
			return err
		}
		list, err = listed(list, args, func(i control.InitiatorInfo, name string) bool { return strings.EqualFold(i.Name, name) })
		if len(list) > 0 {
			c.printf("%-61s%-10s%-7s\n", "INITIATOR NAME", "CHAPUSER", "SECRET")
		}
		for _, i := range list {
			c.itColumn(61, i.Name)
			c.itColumn(15, or(or(i.RADIUSUser, i.CHAPUser), "<none>"))
			c.printf("%-4s\n", setWord(i.CHAPUser != ""))
		}
		return err
	})
	return verbosely(cmd, &verbose)
}

func setWord(set bool) string {
	if set {
		return "set"
	}
	return "unset"
}

func (c *cli) itCreateTPG() *cobra.Command {
	return c.verb("create-tpg NAME ADDRESS[:PORT]...", "Make a target portal group and listen", func(cmd *cobra.Command, args []string) error {
		return c.createTPG(cmd.Context(), args[0], args[1:])
	})
}

// createTPG makes a portal group. As with COMSTAR, one whose name is a number from 2 has that for
// its tag, unless another has it.
func (c *cli) createTPG(ctx context.Context, name string, portals []string) error {
	r := control.GroupCreate{Name: name, Portals: portals}
	list, err := c.client().Groups(ctx)
	if err != nil {
		return err
	}
	if n, err := strconv.ParseUint(name, 10, 16); err == nil && n >= 2 &&
		!slices.ContainsFunc(list, func(g control.GroupInfo) bool { return g.Tag == uint16(n) }) {
		r.Tag = uint16(n)
	}
	_, err = c.client().CreateGroup(ctx, r)
	return err
}

func (c *cli) itDeleteTPG() *cobra.Command {
	var r control.GroupDelete
	cmd := c.verb("delete-tpg NAME", "End a target portal group", func(cmd *cobra.Command, args []string) error {
		_, err := c.client().DeleteGroup(cmd.Context(), args[0], r)
		return instead(err, http.StatusNotFound, "Target portal group "+args[0]+" does not exist.")
	})
	cmd.Flags().BoolVarP(&r.Force, "force", "f", false, "close its sessions")
	return cmd
}

func (c *cli) itListTPG() *cobra.Command {
	var verbose bool
	cmd := c.verb("list-tpg [NAME]", "Show the target portal groups but for the default one", func(cmd *cobra.Command, args []string) error {
		list, err := c.client().Groups(cmd.Context())
		if err != nil {
			return err
		}
		list = withoutDefault(list)
		list, err = listed(list, args, func(g control.GroupInfo, name string) bool { return g.Name == name })
		if len(list) > 0 {
			c.printf("%-30s%-9s\n", "TARGET PORTAL GROUP", "PORTAL COUNT")
		}
		for _, g := range list {
			c.itColumn(30, g.Name)
			c.printf("%-9d\n", len(g.Portals))
			if verbose {
				c.printf("    portals:\t%s\n", or(strings.Join(addresses(g), ","), "<none>"))
			}
		}
		return err
	})
	return verbosely(cmd, &verbose)
}

// withoutDefault are the portal groups that somebody made.
func withoutDefault(list []control.GroupInfo) (made []control.GroupInfo) {
	for _, g := range list {
		if g.Name != control.DefaultGroup {
			made = append(made, g)
		}
	}
	return made
}

func addresses(g control.GroupInfo) (list []string) {
	for _, p := range g.Portals {
		list = append(list, p.Address)
	}
	return list
}
