package main

import (
	"context"
	"net/http"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/lunarsan/lunar/internal/control"
)

// An itTarget are the options that say what a target is like.
type itTarget struct {
	chap              itCHAP
	auth, name, alias string
	groups            []string
}

func (o *itTarget) flags(cmd *cobra.Command) *cobra.Command {
	f := o.chap.flags(cmd).Flags()
	f.StringVarP(&o.auth, "auth-method", "a", "default", "what it asks of initiators: `radius|chap|none|default`")
	f.StringVarP(&o.name, "node-name", "n", "", "its iSCSI `NAME`")
	f.StringVarP(&o.alias, "alias", "l", "", "a `NAME` for people")
	f.StringSliceVarP(&o.groups, "tpg-tag", "t", nil, "the target portal groups `TPG,...` that it is reached through, or default")
	return cmd
}

// tpgs are the portal groups; none: all.
func (o *itTarget) tpgs() []string {
	if len(o.groups) > 0 && o.groups[0] == "default" {
		return []string{}
	}
	return o.groups
}

// itAuth is how the daemon calls COMSTAR's way to authenticate: with a secret of its own a target
// proves itself too.
func (c *cli) itAuth(ctx context.Context, word string, proves bool) (string, error) {
	if word == "default" {
		d, err := c.client().Discovery(ctx)
		if err != nil {
			return "", err
		}
		word = chapWord(d.Auth)
	}
	if word == "chap" && proves {
		return "mutual", nil
	}
	return word, nil
}

// chapWord is how COMSTAR calls the daemon's way to authenticate.
func chapWord(auth string) string {
	if auth == "mutual" {
		return "chap"
	}
	return auth
}

func (c *cli) itCreateTarget() *cobra.Command {
	var o itTarget
	return o.flags(c.verb("create-target [TARGET]", "Make a target", func(cmd *cobra.Command, args []string) error {
		secret, err := c.itSecret(cmd.Context(), &o.chap)
		if err != nil {
			return err
		}
		auth, err := c.itAuth(cmd.Context(), o.auth, len(secret) > 0)
		if err != nil {
			return err
		}
		if o.name == "" && len(args) > 0 {
			o.name = args[0]
		}
		t, err := c.client().CreateTarget(cmd.Context(), control.TargetCreate{
			Name: o.name, Alias: o.alias, Groups: o.tpgs(), Auth: auth, SelfUser: o.chap.user, SelfSecret: secret,
		})
		if err != nil && o.name != "" {
			return instead(err, http.StatusConflict, "iSCSI target "+o.name+" already configured")
		}
		if err != nil {
			return err
		}
		c.printf("Target %s successfully created\n", t.Name)
		return nil
	}))
}

func (c *cli) itModifyTarget() *cobra.Command {
	var o itTarget
	var force bool
	cmd := o.flags(c.verb("modify-target TARGET", "Change a target", func(cmd *cobra.Command, args []string) error {
		secret, err := c.itSecret(cmd.Context(), &o.chap)
		if err != nil {
			return err
		}
		r := control.TargetModify{Name: given(cmd, "node-name", &o.name), Force: force, Alias: given(cmd, "alias", &o.alias), SelfUser: given(cmd, "chap-user", &o.chap.user), SelfSecret: secret}
		if groups := o.tpgs(); cmd.Flags().Changed("tpg-tag") {
			r.Groups = &groups
		}
		if cmd.Flags().Changed("auth-method") || len(secret) > 0 {
			t, err := c.findTarget(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			if !cmd.Flags().Changed("auth-method") {
				o.auth = chapWord(t.Auth)
			}
			auth, err := c.itAuth(cmd.Context(), o.auth, len(secret) > 0 || t.SelfUser != "")
			if err != nil {
				return err
			}
			r.Auth = &auth
		}
		t, err := c.client().ModifyTarget(cmd.Context(), args[0], r)
		if err != nil {
			return instead(err, http.StatusNotFound, "Target "+args[0]+" not found")
		}
		c.printf("Target %s successfully modified\n", t.Name)
		return nil
	}))
	cmd.Flags().BoolVarP(&force, "force", "f", false, "close the sessions that are in the way of another name")
	return cmd
}

// findTarget finds the target name.
func (c *cli) findTarget(ctx context.Context, name string) (control.TargetInfo, error) {
	list, err := c.client().Targets(ctx)
	if err != nil {
		return control.TargetInfo{}, err
	}
	for _, t := range list {
		if strings.EqualFold(t.Name, name) {
			return t, nil
		}
	}
	return control.TargetInfo{}, &control.Problem{Title: "Target " + name + " not found", Hint: "itadm list-target shows the targets."}
}

func (c *cli) itDeleteTarget() *cobra.Command {
	var r control.TargetDelete
	cmd := c.verb("delete-target TARGET", "End a target; the logical units stay", func(cmd *cobra.Command, args []string) error {
		_, err := c.client().DeleteTarget(cmd.Context(), args[0], r)
		err = instead(err, http.StatusConflict, "The target is online or busy. Use the -f (force) option, or 'stmfadm offline-target "+args[0]+"'")
		return instead(err, http.StatusNotFound, "Target "+args[0]+" not found")
	})
	cmd.Flags().BoolVarP(&r.Force, "force", "f", false, "close its sessions")
	return cmd
}

func (c *cli) itListTarget() *cobra.Command {
	var verbose bool
	cmd := c.verb("list-target [TARGET]", "Show the targets", func(cmd *cobra.Command, args []string) error {
		list, err := c.client().Targets(cmd.Context())
		if err != nil {
			return err
		}
		groups, err := c.client().Groups(cmd.Context())
		if err != nil {
			return err
		}
		defaults, err := c.client().Discovery(cmd.Context())
		if err != nil {
			return err
		}
		list, err = listed(list, args, func(t control.TargetInfo, name string) bool { return strings.EqualFold(t.Name, name) })
		if len(list) > 0 {
			c.printf("%-61s%-9s%-9s\n", "TARGET NAME", "STATE", "SESSIONS")
		}
		for _, t := range list {
			c.itColumn(61, t.Name)
			c.printf("%-9s%-9d\n", t.State, t.Sessions)
			if verbose {
				c.itShowTarget(t, groups, chapWord(defaults.Auth))
			}
		}
		return err
	})
	return verbosely(cmd, &verbose)
}

// itShowTarget prints what t is like.
func (c *cli) itShowTarget(t control.TargetInfo, groups []control.GroupInfo, defaultAuth string) {
	auth := chapWord(t.Auth)
	if auth == defaultAuth {
		auth += " (defaults)"
	}
	var tags []string
	for _, name := range t.Groups {
		for _, g := range groups {
			if g.Name == name {
				tags = append(tags, name+" = "+strconv.Itoa(int(g.Tag)))
			}
		}
	}
	for _, field := range [][2]string{
		{"alias:", or(t.Alias, "-")},
		{"auth:", auth},
		{"targetchapuser:", or(t.SelfUser, "-")},
		{"targetchapsecret:", setWord(t.SelfUser != "")},
		{"tpg-tags:", or(strings.Join(tags, ","), "default")},
	} {
		c.printf("\t%-20s\t%s\n", field[0], field[1])
	}
}
