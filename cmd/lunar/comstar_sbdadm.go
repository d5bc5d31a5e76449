package main

import (
	"context"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/lunarsan/lunar/internal/control"
)

// sbdadm makes logical units of files and devices.
func (c *cli) sbdadm() *cobra.Command {
	return c.comstarCommand("sbdadm", "Make logical units of files and devices, as COMSTAR does",
		c.sbdCreate(), c.sbdDelete(), c.sbdImport(), c.sbdList(), c.sbdModify())
}

// asCOMSTAR asks for a unit that initiators take for one of COMSTAR's. Nobody sees it until it
// has a view.
func asCOMSTAR(path string) control.UnitCreate {
	return control.UnitCreate{
		Path: path, GUID: control.GUIDAsCOMSTAR,
		Vendor: "SUN", Product: "COMSTAR", Revision: "1.0", Version: 5, NoView: true,
	}
}

const diskSizeHelp = "its size, with k, m, g, t, p or e behind it (default: that of the file or device)"

func (c *cli) sbdCreate() *cobra.Command {
	var bytes size
	cmd := c.verb("create-lu PATH", "Make a logical unit, which nobody sees until stmfadm add-view", func(cmd *cobra.Command, args []string) error {
		path, err := storePath(args[0])
		if err != nil {
			return err
		}
		r := asCOMSTAR(path)
		r.Size = int64(bytes)
		u, err := c.client().CreateUnit(cmd.Context(), r)
		if err != nil {
			return err
		}
		c.printf("Created the following LU:\n")
		c.sbdTable([]control.UnitInfo{u})
		return nil
	})
	cmd.Flags().VarP(&bytes, "disk-size", "s", diskSizeHelp)
	return cmd
}

func (c *cli) sbdImport() *cobra.Command {
	return c.verb("import-lu PATH", "Make a logical unit of a store that COMSTAR served, as its metadata say", func(cmd *cobra.Command, args []string) error {
		u, err := c.importLU(cmd.Context(), args[0])
		if err != nil {
			return err
		}
		c.printf("Imported the following LU:\n")
		c.sbdTable([]control.UnitInfo{u.UnitInfo})
		return nil
	})
}

// importLU imports the unit on what COMSTAR calls path, and says on stderr what was lost. A unit
// that was deleted with its views kept comes back as it was.
func (c *cli) importLU(ctx context.Context, path string) (u control.UnitImported, err error) {
	if path, err = storePath(path); err != nil {
		return u, err
	}
	list, err := c.client().Units(ctx)
	if err != nil {
		return u, err
	}
	for _, kept := range list {
		if kept.Path == path && !registered(kept) {
			u.UnitInfo, err = c.client().OnlineUnit(ctx, kept.GUID)
			return u, err
		}
	}
	if u, err = c.client().ImportUnit(ctx, control.UnitImport{Path: path, NeedMeta: true, NoView: true}); err != nil {
		return u, err
	}
	for _, lost := range u.Lost {
		c.warn("not carried: %s", lost)
	}
	return u, nil
}

// registered tells whether COMSTAR would know the unit. Of one that was deleted with its views
// kept, it knows the views alone.
func registered(u control.UnitInfo) bool { return u.State != control.UnitRetired }

func (c *cli) sbdList() *cobra.Command {
	return c.verb("list-lu", "Show the logical units", func(cmd *cobra.Command, _ []string) error {
		list, err := c.client().Units(cmd.Context())
		list = slices.DeleteFunc(list, func(u control.UnitInfo) bool { return !registered(u) })
		if err != nil || len(list) == 0 {
			return err
		}
		c.printf("\nFound %d LU(s)\n", len(list))
		c.sbdTable(list)
		return nil
	})
}

// sbdTable prints units as sbdadm does.
func (c *cli) sbdTable(list []control.UnitInfo) {
	c.printf("\n\t      GUID                    DATA SIZE           SOURCE\n")
	c.printf("%s  %s  %s\n", strings.Repeat("-", guidDigits), strings.Repeat("-", 19), strings.Repeat("-", 16))
	for _, u := range list {
		c.printf("%s  %-19d  %s\n", u.GUID, u.Size, u.Path)
	}
}

func (c *cli) sbdModify() *cobra.Command {
	var bytes size
	cmd := c.verb("modify-lu PATH|GUID", "Change a logical unit's size", func(cmd *cobra.Command, args []string) error {
		if bytes == 0 {
			return misuse(cmd, "%s needs something to change", cmd.CommandPath())
		}
		return c.resizeLU(cmd.Context(), args[0], strings.HasPrefix(args[0], "/"), bytes)
	})
	cmd.Flags().VarP(&bytes, "disk-size", "s", "its new size, with k, m, g, t, p or e behind it")
	return cmd
}

func (c *cli) resizeLU(ctx context.Context, name string, byPath bool, bytes size) error {
	u, err := c.findLU(ctx, name, byPath)
	if err != nil {
		return err
	}
	_, err = c.client().ResizeUnit(ctx, u.GUID, control.UnitResize{Size: int64(bytes)})
	return err
}

// findLU finds the unit that name, a GUID or the path of a store, is for.
func (c *cli) findLU(ctx context.Context, name string, byPath bool) (u control.UnitInfo, err error) {
	if !byPath {
		if err := checkGUID(name); err != nil {
			return u, err
		}
		u, err = c.client().Unit(ctx, name)
		return u, notFound.of(name, err)
	}
	path, err := storePath(name)
	if err != nil {
		return u, err
	}
	list, err := c.client().Units(ctx)
	if err != nil {
		return u, err
	}
	i := slices.IndexFunc(list, func(u control.UnitInfo) bool { return u.Path == path })
	if i < 0 {
		return u, &control.Problem{Title: name + ": not found", Hint: "No logical unit is on it: sbdadm list-lu shows them."}
	}
	return list[i], nil
}

func (c *cli) sbdDelete() *cobra.Command {
	var keep bool
	cmd := c.verb("delete-lu GUID", "End a logical unit and its views; its file or device stays", func(cmd *cobra.Command, args []string) error {
		return c.deleteLU(cmd.Context(), args[0], keep)
	})
	keepViews(cmd, &keep)
	return cmd
}

func keepViews(cmd *cobra.Command, keep *bool) {
	cmd.Flags().BoolVarP(keep, "keep-views", "k", false, "keep the views of the logical unit, for import-lu")
}

// deleteLU ends the unit of guid, and leaves its store. With its views kept, it is retired.
func (c *cli) deleteLU(ctx context.Context, guid string, keepViews bool) error {
	if err := checkGUID(guid); err != nil {
		return err
	}
	var err error
	if keepViews {
		_, err = c.client().RetireUnit(ctx, guid, control.UnitRetire{})
	} else {
		_, err = c.client().DeleteUnit(ctx, guid, control.UnitDelete{})
	}
	return wordsBusy.of(guid, err)
}
