package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/lunarsan/lunar/internal/control"
)

// A luProps are the properties PROPERTY=VALUE of a logical unit that a command line has.
type luProps []string

func (p *luProps) flag(cmd *cobra.Command, valid string) {
	cmd.Flags().StringArrayVarP((*[]string)(p), "lu-prop", "p", nil, "a property, `PROPERTY=VALUE`, repeated: "+valid)
}

// each calls take with each property's name, in small letters, and value.
func (p luProps) each(take func(name, value string) error) error {
	for _, property := range p {
		name, value, ok := strings.Cut(property, "=")
		if !ok {
			return &usageError{property + ": invalid property specifier- prop=val", "Properties are written like alias=disk1."}
		}
		if err := take(strings.ToLower(name), value); err != nil {
			return err
		}
	}
	return nil
}

// trueFalse reads the value of a property that is on or off.
func trueFalse(name, value string) (bool, error) {
	switch strings.ToLower(value) {
	case "true":
		return true, nil
	case "false":
		return false, nil
	}
	return false, &usageError{fmt.Sprintf("%s: invalid property value specified: %s", name, value), "Choose true or false."}
}

var errProperty = errors.New("invalid property")

// luPropNotHere refuses a property that COMSTAR has and the daemon has not.
func luPropNotHere(name string) error {
	switch name {
	case "mgmt-url":
		return notHere(name, "initiators are shown no management URL", "Leave it out.")
	case "meta":
		return notHere(name, "a unit's properties are in the daemon's state", "For a unit that COMSTAR made with metadata in a file: lunar lu import STORE --meta FILE.")
	case "oui", "host-id":
		return notHere(name, "GUIDs are made of this machine's own", "Give the whole GUID: -p guid=600144F0…, 32 hexadecimal digits.")
	}
	return errProperty
}

func (c *cli) stmfCreateLU() *cobra.Command {
	var (
		props luProps
		bytes size
	)
	cmd := c.verb("create-lu PATH", "Make a logical unit, which nobody sees until stmfadm add-view", func(cmd *cobra.Command, args []string) error {
		path, err := storePath(args[0])
		if err != nil {
			return err
		}
		r := asCOMSTAR(path)
		r.Size = int64(bytes)
		if err := props.each(func(name, value string) error { return setNew(&r, name, value) }); err != nil {
			return err
		}
		u, err := c.client().CreateUnit(cmd.Context(), r)
		if err != nil {
			return err
		}
		c.printf("Logical unit created: %s\n", strings.ToUpper(u.GUID))
		return nil
	})
	cmd.Flags().VarP(&bytes, "size", "s", diskSizeHelp)
	props.flag(cmd, "alias, blk, guid, pid, serial, vid, wcd, wp")
	return cmd
}

// setNew sets a property of a unit that is to be made.
func setNew(r *control.UnitCreate, name, value string) (err error) {
	var disabled bool
	switch name {
	case "alias":
		r.Alias = value
	case "blk":
		if r.BlockSize, err = strconv.Atoi(value); err != nil {
			return &usageError{"invalid block size: " + value, "Choose 512 or 4096."}
		}
	case "guid":
		r.GUID = value
	case "pid":
		r.Product = value
	case "serial":
		r.Serial = value
	case "vid":
		r.Vendor = value
	case "wcd":
		disabled, err = trueFalse(name, value)
		r.WriteCache = !disabled
	case "wp":
		r.ReadOnly, err = trueFalse(name, value)
	default:
		if err = luPropNotHere(name); errors.Is(err, errProperty) {
			return &usageError{"invalid property specified: " + name, "stmfadm create-lu --help shows the properties."}
		}
	}
	return err
}

func (c *cli) stmfModifyLU() *cobra.Command {
	var (
		props  luProps
		bytes  size
		byPath bool
	)
	cmd := c.verb("modify-lu GUID", "Change a logical unit's properties or size", func(cmd *cobra.Command, args []string) error {
		var r control.UnitModify
		if err := props.each(func(name, value string) error { return setChanged(&r, name, value) }); err != nil {
			return err
		}
		u, err := c.findLU(cmd.Context(), args[0], byPath)
		if err != nil {
			return err
		}
		if r != (control.UnitModify{}) {
			if _, err := c.client().ModifyUnit(cmd.Context(), u.GUID, r); err != nil {
				return err
			}
		}
		if bytes == 0 {
			return nil
		}
		_, err = c.client().ResizeUnit(cmd.Context(), u.GUID, control.UnitResize{Size: int64(bytes)})
		return err
	})
	cmd.Flags().VarP(&bytes, "size", "s", "its new size, with k, m, g, t, p or e behind it")
	cmd.Flags().BoolVarP(&byPath, "file", "f", false, "GUID is the path of its file or device instead")
	props.flag(cmd, "alias, wcd, wp")
	cmd.MarkFlagsOneRequired("size", "lu-prop")
	return cmd
}

// setChanged sets a property of a unit that is to be changed.
func setChanged(r *control.UnitModify, name, value string) error {
	switch name {
	case "alias":
		r.Alias = &value
	case "wcd":
		disabled, err := trueFalse(name, value)
		enabled := !disabled
		r.WriteCache = &enabled
		return err
	case "wp":
		protected, err := trueFalse(name, value)
		r.ReadOnly = &protected
		return err
	case "mgmt-url":
		return luPropNotHere(name)
	default:
		return &usageError{name + ": invalid property for modify", "Only alias, wcd and wp can be changed; lunar lu modify changes what a unit is known by."}
	}
	return nil
}

func (c *cli) stmfDeleteLU() *cobra.Command {
	var keep bool
	cmd := c.verb("delete-lu GUID...", "End logical units and their views; their files and devices stay", func(cmd *cobra.Command, args []string) error {
		return each(args, func(guid string) error { return c.deleteLU(cmd.Context(), guid, keep) })
	})
	keepViews(cmd, &keep)
	return cmd
}

func (c *cli) stmfImportLU() *cobra.Command {
	return c.verb("import-lu PATH", "Make a logical unit of a store that COMSTAR served, as its metadata say", func(cmd *cobra.Command, args []string) error {
		u, err := c.importLU(cmd.Context(), args[0])
		if err == nil {
			c.printf("Logical unit imported: %s\n", strings.ToUpper(u.GUID))
		}
		return err
	})
}

func (c *cli) stmfOnlineLU() *cobra.Command {
	return c.turnLU("online-lu GUID", "Put a logical unit online", func(ctx context.Context, guid string) error {
		_, err := c.client().OnlineUnit(ctx, guid)
		return err
	})
}

func (c *cli) stmfOfflineLU() *cobra.Command {
	return c.turnLU("offline-lu GUID", "Take a logical unit offline, also under initiators that use it", func(ctx context.Context, guid string) error {
		_, err := c.client().OfflineUnit(ctx, guid, control.UnitTakeOffline{Force: true})
		return err
	})
}

func (c *cli) turnLU(use, short string, turn func(ctx context.Context, guid string) error) *cobra.Command {
	return c.verb(use, short, func(cmd *cobra.Command, args []string) error {
		if err := checkGUID(args[0]); err != nil {
			return err
		}
		return notFound.of(args[0], turn(cmd.Context(), args[0]))
	})
}

func (c *cli) stmfListLU() *cobra.Command {
	var verbose bool
	cmd := c.verb("list-lu [GUID...]", "Show the logical units", func(cmd *cobra.Command, args []string) error {
		if err := each(args, checkGUID); err != nil {
			return err
		}
		list, err := c.client().Units(cmd.Context())
		if err != nil {
			return err
		}
		views, err := c.client().Views(cmd.Context())
		if err != nil {
			return err
		}
		entries := make(map[string]int)
		for _, v := range views {
			entries[v.Unit]++
		}
		list, err = listed(list, args, func(u control.UnitInfo, guid string) bool { return strings.EqualFold(u.GUID, guid) })
		for _, u := range list {
			c.printf("LU Name: %s\n", strings.ToUpper(u.GUID))
			if verbose {
				c.showLU(u, entries[u.GUID])
			}
		}
		return err
	})
	return verbosely(cmd, &verbose)
}

// showLU prints the properties of a unit that has as many views.
func (c *cli) showLU(u control.UnitInfo, views int) {
	enabled := map[bool]string{true: "Enabled", false: "Disabled"}
	entries := strconv.Itoa(views)
	fields := [][2]string{
		{"Operational Status", stateWord(u.State == control.UnitOnline)},
		{"Provider Name", "sbd"},
		{"Alias", or(u.Alias, u.Path)},
		{"View Entry Count", entries},
		{"Data File", u.Path},
		{"Meta File", "not set"},
		{"Size", strconv.FormatInt(u.Size, 10)},
		{"Block Size", strconv.Itoa(u.BlockSize)},
		{"Management URL", "not set"},
		{"Vendor ID", u.Vendor},
		{"Product ID", u.Product},
		{"Serial Num", u.Serial},
		{"Write Protect", enabled[u.ReadOnly]},
		{"Writeback Cache", enabled[u.WriteCache]},
		{"Access State", "Active"},
	}
	if !registered(u) {
		fields = [][2]string{{"Operational Status", "unregistered"}, {"Provider Name", "unregistered"}, {"Alias", "-"}, {"View Entry Count", entries}}
	}
	for _, field := range fields {
		c.stmfField(field[0], field[1])
	}
}
