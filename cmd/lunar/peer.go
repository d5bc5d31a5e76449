package main

import (
	"context"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/lunarsan/lunar/internal/control"
)

// peer has the verbs of peers.
func (c *cli) peer() *cobra.Command {
	return c.noun("peer", "Peers: other daemons that volumes are sent to or come from",
		c.peerID(), c.peerAdd(), c.peerList(), c.peerShow(), c.peerModify(), c.peerRemove())
}

// peerNames completes the names of peers.
func peerNames(ctx context.Context, client *control.Client) (names []string) {
	peers, _ := client.Peers(ctx) // no daemon, nothing to complete
	for _, p := range peers {
		names = append(names, p.Name)
	}
	return names
}

func (c *cli) peerID() *cobra.Command {
	var o output
	return o.flag(c.verb("id", "Print the fingerprint by which peers know this daemon", func(cmd *cobra.Command, _ []string) error {
		id, err := c.client().PeerID(cmd.Context())
		if err != nil {
			return err
		}
		return c.print(&o, id, func() { c.printf("%s\n", id.Fingerprint) })
	}))
}

// peerFlags are the flags of what a peer is and may do.
func peerFlags(cmd *cobra.Command, r *control.PeerCreate) {
	f := cmd.Flags()
	f.StringVar(&r.Fingerprint, "fingerprint", "", "know it by this `FINGERPRINT`, which lunar peer id prints there")
	f.StringVar(&r.Address, "address", "", "reach it at `HOST[:PORT]` (default: it comes here)")
	f.StringArrayVar(&r.Roots, "root", nil, "let it make volumes and receive in the folder or dataset `ROOT`; repeated")
	f.StringArrayVar(&r.Sources, "source", nil, "let it take snapshots of, and read, lu:GUID, a path or a dataset; lu: alone is all units; repeated (`NAME`)")
	f.BoolVar(&r.AppendOnly, "append-only", false, "let it end nothing and take nothing back")
	f.StringVar(&r.MinAge, "min-age", "", "let it end no snapshot that is younger than `AGE`: 36h, 14d, 8w")
	f.BoolVar(&r.Failover, "failover", false, "let it take over what is replicated to it, and give it back")
	f.BoolVar(&r.Secrets, "secrets", false, "let CHAP secrets go along to it")
}

func (c *cli) peerAdd() *cobra.Command {
	var (
		r control.PeerCreate
		o output
	)
	cmd := c.verb("add NAME", "Make a peer known, and say what it may do here", func(cmd *cobra.Command, args []string) error {
		r.Name = args[0]
		p, err := c.client().CreatePeer(cmd.Context(), r)
		if err != nil {
			return err
		}
		return c.print(&o, p, func() { c.printf("added peer %s\n", p.Name) })
	})
	peerFlags(cmd, &r)
	return o.flag(cmd)
}

func (c *cli) peerModify() *cobra.Command {
	var (
		r control.PeerCreate
		o output
	)
	cmd := c.completing(c.verb("modify NAME", "Change a peer, or what it may do here", func(cmd *cobra.Command, args []string) error {
		without := func(list []string) []string { return slices.DeleteFunc(list, func(s string) bool { return s == "" }) }
		r.Roots, r.Sources = without(r.Roots), without(r.Sources)
		m := control.PeerModify{
			Fingerprint: given(cmd, "fingerprint", &r.Fingerprint),
			Address:     given(cmd, "address", &r.Address),
			Roots:       given(cmd, "root", &r.Roots),
			Sources:     given(cmd, "source", &r.Sources),
			AppendOnly:  given(cmd, "append-only", &r.AppendOnly),
			MinAge:      given(cmd, "min-age", &r.MinAge),
			Failover:    given(cmd, "failover", &r.Failover),
			Secrets:     given(cmd, "secrets", &r.Secrets),
		}
		if m == (control.PeerModify{}) {
			return misuse(cmd, "%s needs something to change", cmd.CommandPath())
		}
		p, err := c.client().ModifyPeer(cmd.Context(), args[0], m)
		if err != nil {
			return err
		}
		return c.print(&o, p, func() { c.printf("modified peer %s\n", p.Name) })
	}), peerNames)
	peerFlags(cmd, &r)
	return o.flag(cmd)
}

func (c *cli) peerList() *cobra.Command {
	var o output
	return o.flag(c.verb("list", "Show the peers", func(cmd *cobra.Command, _ []string) error {
		list, err := c.client().Peers(cmd.Context())
		if err != nil {
			return err
		}
		return c.print(&o, list, func() {
			if len(list) == 0 {
				c.printf("no peers; make one known with lunar peer add NAME\n")
				return
			}
			rows := [][]string{{"NAME", "ADDRESS", "MAY"}}
			for _, p := range list {
				rows = append(rows, []string{p.Name, or(p.Address, "-"), peerRights(p)})
			}
			c.table(rows)
		})
	}))
}

// peerRights is what a peer may do here, in words.
func peerRights(p control.PeerInfo) string {
	var words []string
	if len(p.Roots) > 0 {
		words = append(words, "receive in "+strings.Join(p.Roots, ", "))
	}
	if len(p.Sources) > 0 {
		words = append(words, "read "+strings.Join(p.Sources, ", "))
	}
	if p.AppendOnly {
		words = append(words, "append only")
	}
	if p.Failover {
		words = append(words, "take over")
	}
	return or(strings.Join(words, "; "), "nothing")
}

func (c *cli) peerShow() *cobra.Command {
	var o output
	return o.flag(c.completing(c.verb("show NAME", "Show a peer", func(cmd *cobra.Command, args []string) error {
		p, err := c.client().Peer(cmd.Context(), args[0])
		if err != nil {
			return err
		}
		return c.print(&o, p, func() {
			c.table([][]string{
				{"Name", p.Name},
				{"Fingerprint", p.Fingerprint},
				{"Address", or(p.Address, "it comes here")},
				{"May", peerRights(p)},
				{"Keeps", or(p.MinAge, "-")},
				{"Secrets", yesNo(p.Secrets)},
				{"Created", p.Created.Format("2006-01-02")},
			})
		})
	}), peerNames))
}

func (c *cli) peerRemove() *cobra.Command {
	var o output
	return o.flag(c.completing(c.verb("remove NAME", "Forget a peer; what it has sent stays", func(cmd *cobra.Command, args []string) error {
		p, err := c.client().DeletePeer(cmd.Context(), args[0])
		if err != nil {
			return err
		}
		return c.print(&o, p, func() { c.printf("removed peer %s\n", p.Name) })
	}), peerNames))
}
