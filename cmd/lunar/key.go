package main

import (
	"github.com/spf13/cobra"

	"github.com/lunarsan/lunar/stream/wire"
)

// key has the verbs of the key that this site proves itself with.
func (c *cli) key() *cobra.Command {
	return c.noun("key", "The key that this site proves itself with to others", c.keyShow())
}

// keyShow prints what another site has to know of ours.
func (c *cli) keyShow() *cobra.Command {
	var path string
	var o output
	cmd := c.verb("show", "Print the fingerprint of our key, which the other site has to know", func(*cobra.Command, []string) error {
		id, err := c.identity(path)
		if err != nil {
			return err
		}
		shown := struct {
			Fingerprint wire.Fingerprint `json:"fingerprint"`
		}{id.Fingerprint()}
		return c.print(&o, shown, func() { c.printf("%s\n", shown.Fingerprint) })
	})
	cmd.Long = `Print the fingerprint of our key, which the other site has to know. The key is made if there is
none. The fingerprint is no secret; that it is ours has to be sure: compare it on the telephone, say.`
	cmd.Flags().StringVar(&path, "key", "", "the key is in `FILE` (otherwise in the daemon's state)")
	return o.flag(cmd)
}
