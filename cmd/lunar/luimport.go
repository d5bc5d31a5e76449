package main

import (
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/lunarsan/lunar/internal/control"
)

func (c *cli) luImport() *cobra.Command {
	var (
		r   control.UnitImport
		lun int
		o   output
	)
	cmd := c.verb("import PATH", "Make a unit on a store that COMSTAR served, as COMSTAR's metadata say", func(cmd *cobra.Command, args []string) (err error) {
		if r.Path, err = filepath.Abs(args[0]); err != nil {
			return fmt.Errorf("finding %s: %w", args[0], err)
		}
		if r.Meta != "" {
			if r.Meta, err = filepath.Abs(r.Meta); err != nil {
				return fmt.Errorf("finding %s: %w", r.Meta, err)
			}
		}
		r.LUN = given(cmd, "lun", &lun)
		u, err := c.client().ImportUnit(cmd.Context(), r)
		if err != nil {
			return err
		}
		return c.print(&o, u, func() {
			if r.AsOriginal {
				c.showOriginal(u.UnitInfo)
			}
			c.printf("imported unit %s: LUN %s, %s, on %s\n", u.GUID, lunWords(u.LUNs), formatSize(u.Size), u.Path)
			if u.Metadata != "" {
				c.printf("COMSTAR's metadata, version %s, say so; its data begin at byte %d\n", u.Metadata, u.Offset)
			} else if !r.AsOriginal {
				c.printf("there is no metadata of COMSTAR in it: it was taken whole\n")
				c.printf("COMSTAR keeps those of a zvol in a property, or in a file that --meta names\n")
			}
			for _, lost := range u.Lost {
				c.printf("not carried: %s\n", lost)
			}
			if r.GUID == "" && u.Metadata == "" && !r.AsOriginal {
				c.printf("the GUID is new; delete the unit and import it with --guid if sbdadm list-lu shows the old one\n")
			}
		})
	})
	f := cmd.Flags()
	f.StringVar(&r.Meta, "meta", "", "the `FILE` that COMSTAR keeps the metadata in, where it was told to")
	f.StringVar(&r.GUID, "guid", "", "its `NAA` identifier, where no metadata have it (default: a new one)")
	f.IntVar(&lun, "lun", 0, "the LUN that initiators see it at (default: the lowest that is free)")
	f.BoolVar(&r.AsOriginal, "as-original", false, asOriginalHelp)
	f.BoolVar(&r.NoView, "no-view", false, "show it to nobody yet; see lunar view add")
	return o.flag(cmd)
}
