package main

import (
	"context"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/lunarsan/lunar/internal/control"
)

// What iscsitadm modify admin sets, and why it is not here. What ends with "disable" may be said:
// it is so.
var adminOptions = [...]struct {
	name, short, because, instead string
	isSwitch                      bool
}{
	{"base-directory", "d", "stores are where they are", "Name the store: iscsitadm create target -b PATH -z SIZE NAME.", false},
	{"chap-name", "H", "each target has its own", "itadm modify-target -a chap -u NAME -S FILE TARGET", false},
	{"chap-secret", "C", "each target has its own", "itadm modify-target -a chap -u NAME -S FILE TARGET", false},
	{"fast-write-ack", "f", "the write cache is each unit's own", "stmfadm modify-lu -p wcd=false GUID", true},
}

func (c *cli) tgtModifyAdmin() *cobra.Command {
	var (
		radiusAccess, isnsAccess string
		radius, isns             []string
		askSecret                bool
	)
	cmd := c.verb("admin", "Say which RADIUS and iSNS servers are asked", func(cmd *cobra.Command, _ []string) error {
		if cmd.Flags().NFlag() == 0 {
			return misuse(cmd, "%s needs something to change", cmd.CommandPath())
		}
		for _, o := range adminOptions {
			f := cmd.Flags().Lookup(o.name)
			if f.Changed && (!o.isSwitch || f.Value.String() != "disable") {
				return notHere("--"+o.name, o.because, o.instead)
			}
		}
		access := func() error { return c.tgtRADIUSAccess(cmd, radiusAccess) }
		servers := func() error { return c.itRADIUS(cmd.Context(), radius, itCHAP{ask: askSecret, what: "RADIUS secret"}) }
		steps := []func() error{servers, access}
		if radiusAccess == "disable" { // nobody may need the servers when they go
			steps = []func() error{access, servers}
		}
		for _, step := range steps {
			if err := step(); err != nil {
				return err
			}
		}
		return c.itISNS(cmd, isnsAccess, isns)
	})
	f := cmd.Flags()
	for _, o := range adminOptions {
		if o.name == "chap-secret" {
			f.BoolP(o.name, o.short, false, "not here: "+o.because)
			continue
		}
		f.StringP(o.name, o.short, "", "not here: "+o.because)
	}
	f.StringVarP(&radiusAccess, "radius-access", "R", "", "have RADIUS servers check the CHAP of those that are asked for it: `enable|disable`")
	f.StringSliceVarP(&radius, "radius-server", "r", nil, "the RADIUS servers `SERVER[:PORT],...`, or none")
	f.BoolVarP(&askSecret, "radius-secret", "P", false, "ask for the secret that they share with this machine, or read it from standard input")
	f.StringVarP(&isnsAccess, "isns-access", "S", "", "register targets at the iSNS server: `enable|disable`")
	f.StringSliceVarP(&isns, "isns-server", "s", nil, "the iSNS server `SERVER[:PORT]`, or none")
	return cmd
}

// tgtRADIUSAccess has all who ask for CHAP ask a RADIUS server, or themselves again.
func (c *cli) tgtRADIUSAccess(cmd *cobra.Command, word string) error {
	ctx := cmd.Context()
	switch word {
	case "":
		return nil
	case "enable", "disable":
	default:
		return misuse(cmd, "%q is neither enable nor disable", word)
	}
	becomes := func(auth string, proves bool) string {
		switch {
		case word == "enable" && (auth == "chap" || auth == "mutual"):
			return "radius"
		case word == "disable" && auth == "radius" && proves:
			return "mutual"
		case word == "disable" && auth == "radius":
			return "chap"
		}
		return auth
	}
	d, err := c.client().Discovery(ctx)
	if err != nil {
		return err
	}
	if auth := becomes(d.Auth, false); auth != d.Auth && d.SelfUser == "" {
		if _, err := c.client().ModifyDiscovery(ctx, control.DiscoveryModify{Auth: auth}); err != nil {
			return err
		}
	}
	targets, err := c.client().Targets(ctx)
	if err != nil {
		return err
	}
	slices.SortStableFunc(targets, func(a, b control.TargetInfo) int { return strings.Compare(localName(a), localName(b)) })
	for _, t := range targets {
		if auth := becomes(t.Auth, t.SelfUser != ""); auth != t.Auth {
			if _, err := c.client().ModifyTarget(ctx, t.Name, control.TargetModify{Auth: &auth}); err != nil {
				return err
			}
		} else if t.Auth == "none" {
			c.warn("target %s goes on to ask for none: itadm modify-target -a %s %s", localName(t), map[string]string{"enable": "radius", "disable": "chap"}[word], t.Name)
		}
	}
	return nil
}

func (c *cli) tgtShowAdmin() *cobra.Command {
	return c.verb("admin", "Show which RADIUS and iSNS servers are asked", func(cmd *cobra.Command, _ []string) error {
		ctx := cmd.Context()
		radius, err := c.client().RADIUS(ctx)
		if err != nil {
			return err
		}
		isns, err := c.client().ISNS(ctx)
		if err != nil {
			return err
		}
		asked, err := c.asksRADIUS(ctx)
		if err != nil {
			return err
		}
		able := map[bool]string{true: "Enabled", false: "Disabled"}
		c.printf("iscsitadm:\n")
		for _, field := range [][2]string{
			{"Base Directory", notSet}, {"CHAP Name", notSet},
			{"RADIUS Access", able[asked]}, {"RADIUS Server", or(radiusServers(radius), notSet)},
			{"iSNS Access", able[isns.Server != "" && !isns.Disabled]}, {"iSNS Server", or(isns.Server, notSet)},
			{"Fast Write ACK", "Disabled"},
		} {
			c.tgtLine(1, field[0], field[1])
		}
		return nil
	})
}

// asksRADIUS reports whether anybody asks for a proof by RADIUS.
func (c *cli) asksRADIUS(ctx context.Context) (bool, error) {
	d, err := c.client().Discovery(ctx)
	if err != nil || d.Auth == "radius" {
		return err == nil, err
	}
	targets, err := c.client().Targets(ctx)
	for _, t := range targets {
		if t.Auth == "radius" {
			return true, nil
		}
	}
	return false, err
}
