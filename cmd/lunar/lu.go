package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/lunarsan/lunar/internal/control"
)

// lu has the verbs of logical units.
func (c *cli) lu() *cobra.Command {
	return c.noun("lu", "Logical units: the disks that initiators see",
		c.luCreate(), c.luImport(), c.luList(), c.luShow(), c.luModify(), c.luResize(), c.luOnline(), c.luOffline(), c.luRetire(), c.luDelete(),
		c.luSnapshot(), c.luSnapshots(), c.luClone(), c.luRollback())
}

// unitNames completes GUIDs.
func unitNames(ctx context.Context, client *control.Client) (names []string) {
	units, _ := client.Units(ctx) // no daemon, nothing to complete
	for _, u := range units {
		names = append(names, u.GUID)
	}
	return names
}

// An onOff is a flag that takes "on" or "off".
type onOff struct {
	set bool
	on  bool
}

func (f *onOff) Set(s string) error {
	f.set = true
	f.on = s == "on"
	if !f.on && s != "off" {
		return errors.New("write on or off")
	}
	return nil
}

func (f *onOff) Type() string { return "on|off" }

func (f *onOff) String() string {
	if f.on {
		return "on"
	}
	return "off"
}

// A percent is a flag that takes 1% to 100%.
type percent int

func (f *percent) Set(s string) error {
	n, err := strconv.Atoi(strings.TrimSuffix(s, "%"))
	if err != nil || n < 1 || n > 100 {
		return errors.New("write it like 80%")
	}
	*f = percent(n)
	return nil
}

func (f *percent) Type() string { return "PERCENT" }

func (f *percent) String() string {
	if *f == 0 {
		return ""
	}
	return strconv.Itoa(int(*f)) + "%"
}

// pointer returns what was set, or nil.
func (f *percent) pointer() *int {
	if *f == 0 {
		return nil
	}
	return (*int)(f)
}

// pointer returns what was set, or nil.
func (f *onOff) pointer() *bool {
	if !f.set {
		return nil
	}
	return &f.on
}

func (c *cli) luCreate() *cobra.Command {
	var (
		r          control.UnitCreate
		bytes      size
		lun        int
		writeCache onOff
		alarm      percent
		o          output
	)
	cmd := c.verb("create PATH", "Make a unit on a file or device, and the file too when it is not there", func(cmd *cobra.Command, args []string) error {
		path, err := filepath.Abs(args[0])
		if err != nil {
			return fmt.Errorf("finding %s: %w", args[0], err)
		}
		r.Path = path
		r.Size = int64(bytes)
		r.WriteCache = writeCache.on
		r.LUN = given(cmd, "lun", &lun)
		r.Alarm = int(alarm)
		if r.AsOriginal {
			r.Vendor, r.Product, r.Revision = said(cmd, "vendor", r.Vendor), said(cmd, "product", r.Product), said(cmd, "revision", r.Revision)
			r.Version, r.BlockSize = said(cmd, "version", r.Version), said(cmd, "block-size", r.BlockSize)
		}
		u, err := c.client().CreateUnit(cmd.Context(), r)
		if err != nil {
			return err
		}
		return c.print(&o, u, func() {
			if r.AsOriginal {
				c.showOriginal(u)
			}
			if r.NoView {
				c.printf("created unit %s: %s, on %s\n", u.GUID, formatSize(u.Size), u.Path)
				c.printf("no initiator sees it until it gets a view: lunar view add %s\n", u.GUID)
				return
			}
			c.printf("created unit %s: LUN %s, %s, on %s\n", u.GUID, lunWords(u.LUNs), formatSize(u.Size), u.Path)
			if targets, err := c.client().Targets(cmd.Context()); err == nil && len(targets) == 0 {
				c.printf("no initiator sees it until there is a target: lunar target create\n")
				return
			}
			c.printf("every initiator sees it on every target\n")
		})
	})
	f := cmd.Flags()
	f.Var(&bytes, "size", "capacity; needed when there is nothing at PATH")
	f.StringVar(&r.GUID, "guid", "", "its `NAA` identifier: 32 hexadecimal digits, the first a 6, or comstar for a new one of the form that COMSTAR's have (default: a new one)")
	f.StringVar(&r.Alias, "alias", "", "a `NAME` for people")
	f.IntVar(&lun, "lun", 0, "the LUN that initiators see it at (default: the lowest that is free)")
	f.BoolVar(&r.NoView, "no-view", false, "show it to nobody yet; see lunar view add")
	f.StringVar(&r.Serial, "serial", "", "its unit serial number (default: the GUID)")
	f.StringVar(&r.Vendor, "vendor", "LUNAR", "the INQUIRY vendor, up to 8 characters")
	f.StringVar(&r.Product, "product", "LUN", "the INQUIRY product, up to 16 characters; ESXi offloads copies between units of one product")
	f.StringVar(&r.Revision, "revision", "0001", "the INQUIRY revision, up to 4 characters")
	f.Uint8Var(&r.Version, "version", 6, "the INQUIRY version `N`: 3 to 7 for SPC, SPC-2, SPC-3, SPC-4, SPC-5")
	f.IntVar(&r.BlockSize, "block-size", 512, "logical block length in bytes: 512 or 4096")
	f.BoolVar(&r.AsOriginal, "as-original", false, asOriginalHelp)
	f.BoolVar(&r.Thin, "thin", false, "take space as it is written, and give back what initiators unmap")
	f.Var(&alarm, "alarm", alarmHelp)
	f.BoolVar(&r.ReadOnly, "read-only", false, "refuse writes")
	f.BoolVar(&r.Direct, "direct", false, "go past the page cache: for zvols, whose bytes the ARC holds already")
	f.Var(&writeCache, "write-cache", "answer writes before they are durable: faster, and initiators are told")
	return o.flag(cmd)
}

// asOriginalHelp describes --as-original.
const asOriginalHelp = "take GUID, LUN, vendor, product, revision and version from the header of the VMFS volume at PATH, so that ESXi mounts a replica as the original"

// showOriginal tells what a unit has of the header of its volume.
func (c *cli) showOriginal(u control.UnitInfo) {
	c.printf("as the volume's header has it: %q %q %q, version %d\n", u.Vendor, u.Product, u.Revision, u.Version)
}

func (c *cli) luList() *cobra.Command {
	var o output
	return o.flag(c.verb("list", "Show the units", func(cmd *cobra.Command, _ []string) error {
		list, err := c.client().Units(cmd.Context())
		if err != nil {
			return err
		}
		return c.print(&o, list, func() {
			if len(list) == 0 {
				c.printf("no units; make one with lunar lu create PATH --size 10G\n")
				return
			}
			rows := [][]string{{"GUID", "LUN", "SIZE", "STATE", "ALIAS", "PATH"}}
			for _, u := range list {
				rows = append(rows, []string{u.GUID, lunWords(u.LUNs), formatSize(u.Size), u.State, or(u.Alias, "-"), u.Path})
			}
			c.table(rows)
		})
	}))
}

func (c *cli) luShow() *cobra.Command {
	var o output
	return o.flag(c.completing(c.verb("show GUID", "Show everything about a unit", func(cmd *cobra.Command, args []string) error {
		u, err := c.client().Unit(cmd.Context(), args[0])
		if err != nil {
			return err
		}
		views, err := c.client().UnitViews(cmd.Context(), u.GUID)
		if err != nil {
			return err
		}
		return c.print(&o, u, func() { c.showUnit(u, views) })
	}), unitNames))
}

func (c *cli) showUnit(u control.UnitInfo, views []control.ViewInfo) {
	cache := onOff{on: u.WriteCache}
	rows := [][]string{
		{"GUID", u.GUID},
		{"LUN", lunWords(u.LUNs)},
		{"Alias", or(u.Alias, "-")},
		{"State", u.State},
	}
	if u.Reason != "" {
		rows = append(rows, []string{"Reason", u.Reason})
	}
	if u.Sanitize != "" {
		rows = append(rows, []string{"Sanitize", u.Sanitize})
	}
	rows = append(rows, []string{"Path", u.Path})
	if u.Clone != "" {
		rows = append(rows, []string{"Clone of", u.Clone})
	}
	if u.Offset > 0 {
		rows = append(rows, []string{"Begins at", fmt.Sprintf("byte %d of it, behind COMSTAR's metadata", u.Offset)})
	}
	rows = append(rows, [][]string{
		{"Size", fmt.Sprintf("%s (%d bytes, %d blocks of %d)", formatSize(u.Size), u.Size, u.Size/int64(u.BlockSize), u.BlockSize)},
		{"Serial", u.Serial},
		{"Vendor, product, revision", u.Vendor + ", " + u.Product + ", " + u.Revision},
		{"INQUIRY version", strconv.Itoa(int(u.Version))},
		{"Thin", yesNo(u.Thin)},
		{"Read-only", yesNo(u.ReadOnly)},
		{"Past the page cache", yesNo(u.Direct)},
		{"Write cache", cache.String()},
		{"Store made by lunar", yesNo(u.OwnStore)},
		{"Created", u.Created.Format(time.RFC3339)},
	}...)
	if s := u.Space; s != nil {
		rows = append(rows, [][]string{
			{"Space", formatSize(s.Used) + " taken of " + s.Pool + ", which has " + formatSize(s.PoolFree) + " of " + formatSize(s.PoolSize) + " left"},
			{"Alarm", fmt.Sprintf("when that is %d%% full", u.Alarm)},
		}...)
	}
	for _, v := range views {
		rows = append(rows, []string{"View " + strconv.Itoa(v.Entry), fmt.Sprintf("LUN %d for %s on %s", v.LUN, or(v.HostGroup, "all hosts"), or(v.TargetGroup, "all targets"))})
	}
	c.table(append(rows, reservationRows(u.Reservations)...))
}

// alarmHelp describes --alarm.
const alarmHelp = "warn initiators of a thin unit when its pool is `PERCENT` full (default 80%)"

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

func (c *cli) luModify() *cobra.Command {
	var (
		alias, guid, serial, vendor, product, revision string
		version                                        byte
		lun                                            int
		force                                          bool
		readOnly, writeCache                           onOff
		alarm                                          percent
		o                                              output
	)
	cmd := c.completing(c.verb("modify GUID", "Change a unit's alias, write protection, write cache or identity", func(cmd *cobra.Command, args []string) error {
		r := control.UnitModify{
			Alias:      given(cmd, "alias", &alias),
			Alarm:      alarm.pointer(),
			ReadOnly:   readOnly.pointer(),
			WriteCache: writeCache.pointer(),
			GUID:       given(cmd, "guid", &guid),
			Serial:     given(cmd, "serial", &serial),
			Vendor:     given(cmd, "vendor", &vendor),
			Product:    given(cmd, "product", &product),
			Revision:   given(cmd, "revision", &revision),
			Version:    given(cmd, "version", &version),
			LUN:        given(cmd, "lun", &lun),
		}
		if r == (control.UnitModify{}) {
			return misuse(cmd, "%s needs something to change", cmd.CommandPath())
		}
		r.Force = force
		u, err := c.client().ModifyUnit(cmd.Context(), args[0], r)
		if err != nil {
			return err
		}
		return c.print(&o, u, func() {
			c.printf("modified unit %s\n", u.GUID)
			for _, f := range u.Follows {
				c.printf("%s\n", f)
			}
		})
	}), unitNames)
	f := cmd.Flags()
	f.StringVar(&alias, "alias", "", "a `NAME` for people")
	f.Var(&alarm, "alarm", alarmHelp)
	f.Var(&readOnly, "read-only", "refuse writes")
	f.Var(&writeCache, "write-cache", "answer writes before they are durable")
	f.StringVar(&guid, "guid", "", "another `NAA` identifier; this and what follows need --force")
	f.StringVar(&serial, "serial", "", "another unit serial number")
	f.StringVar(&vendor, "vendor", "", "another INQUIRY vendor")
	f.StringVar(&product, "product", "", "another INQUIRY product")
	f.StringVar(&revision, "revision", "", "another INQUIRY revision")
	f.Uint8Var(&version, "version", 0, "another INQUIRY version `N`")
	f.IntVar(&lun, "lun", 0, "another LUN of its one view")
	f.BoolVar(&force, "force", false, "although sessions use it, or initiators will take it for another disk")
	return o.flag(cmd)
}

func (c *cli) luResize() *cobra.Command {
	var (
		r control.UnitResize
		o output
	)
	cmd := c.completing(c.verb("resize GUID SIZE", "Change a unit's capacity while it is in use", func(cmd *cobra.Command, args []string) error {
		var bytes size
		if err := bytes.Set(args[1]); err != nil {
			return misuse(cmd, "%q is no size: %v", args[1], err)
		}
		r.Size = int64(bytes)
		u, err := c.client().ResizeUnit(cmd.Context(), args[0], r)
		if err != nil {
			return err
		}
		return c.print(&o, u, func() {
			if r.Try {
				c.printf("would resize unit %s from %s to %s\n", u.GUID, formatSize(u.Size), formatSize(r.Size))
				return
			}
			c.printf("resized unit %s to %s\n", u.GUID, formatSize(u.Size))
		})
	}), unitNames)
	cmd.Flags().BoolVar(&r.Force, "force", false, "make it smaller too, and lose what lies behind the new end")
	dryRun(cmd, &r.Try)
	return o.flag(cmd)
}

func (c *cli) luDelete() *cobra.Command {
	var (
		r              control.UnitDelete
		keepStore, yes bool
		o              output
	)
	cmd := c.completing(c.verb("delete GUID", "End a unit, or a snapshot as GUID@NAME; a file that lunar made for a unit goes too, when you confirm", func(cmd *cobra.Command, args []string) error {
		if strings.Contains(args[0], "@") {
			return c.deleteSnapshot(cmd.Context(), args[0], r.Try, &o)
		}
		u, err := c.client().Unit(cmd.Context(), args[0])
		if err != nil {
			return err
		}
		if (u.OwnStore || u.Clone != "") && !keepStore {
			what := "file"
			if u.Clone != "" {
				what = "clone"
			}
			if !yes && !r.Try && !c.confirm(fmt.Sprintf("Remove the %s %s (%s) and all data in it?", what, u.Path, formatSize(u.Size))) {
				return &control.Problem{
					Title: fmt.Sprintf("deleting unit %s would remove %s, which lunar made for it", u.GUID, u.Path),
					Hint:  fmt.Sprintf("--keep-store keeps the %s, --yes removes it.", what),
				}
			}
			r.RemoveStore = true
		}
		done, err := c.client().DeleteUnit(cmd.Context(), u.GUID, r)
		if err != nil {
			return err
		}
		return c.print(&o, done, func() {
			switch {
			case r.Try && done.StoreRemoved:
				c.printf("would delete unit %s and its store %s\n", done.GUID, done.Path)
			case r.Try:
				c.printf("would delete unit %s; its store %s would stay\n", done.GUID, done.Path)
			case done.StoreRemoved:
				c.printf("deleted unit %s and its store %s\n", done.GUID, done.Path)
			default:
				c.printf("deleted unit %s; its store %s stays\n", done.GUID, done.Path)
			}
		})
	}), unitNames)
	f := cmd.Flags()
	f.BoolVar(&keepStore, "keep-store", false, "keep the file or the clone that lunar made; other stores always stay")
	f.BoolVar(&r.Force, "force", false, "although sessions use it")
	f.BoolVarP(&yes, "yes", "y", false, "do not ask")
	dryRun(cmd, &r.Try)
	return o.flag(cmd)
}
