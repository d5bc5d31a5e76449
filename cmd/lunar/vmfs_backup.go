package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/lunarsan/lunar/internal/control"
	"github.com/lunarsan/lunar/vmfs"
	"github.com/lunarsan/lunar/vmfs/backup"
)

// A backupInfo is a backup as verbs show it.
type backupInfo struct {
	Path     string    `json:"path"`
	Made     time.Time `json:"made"`
	Host     string    `json:"host"`
	Alias    string    `json:"alias"`
	Label    string    `json:"label"`
	UUID     string    `json:"uuid"`
	Version  string    `json:"version"`
	Files    int       `json:"files"`
	Bytes    int64     `json:"bytes"`  // of the parts
	Stored   int64     `json:"stored"` // as they are compressed, with what others share
	Stable   bool      `json:"stable"`
	Moved    []string  `json:"moved,omitempty"`
	Missing  []string  `json:"missing,omitempty"`
	Problems []string  `json:"problems,omitempty"`
}

func backupInfoOf(b *backup.Backup) (backupInfo, error) {
	stored, err := b.Stored()
	return backupInfo{
		Path: b.Path, Made: b.Made, Host: b.Host, Alias: b.Alias, Label: b.Volume.Label, UUID: b.Volume.UUID,
		Version: fmt.Sprintf("VMFS%d", b.Volume.Version), Files: b.Count, Bytes: b.Bytes(), Stored: stored,
		Stable: b.Stable, Moved: b.Moved, Missing: b.Missing, Problems: b.Problems,
	}, err
}

func (c *cli) vmfsBackup() *cobra.Command {
	var (
		o       output
		choice  = imageChoice{fresh: true}
		all     bool
		options backup.Options
	)
	cmd := c.vmfsVerb("backup [IMAGE...]", "Back up the metadata of volumes", func(cmd *cobra.Command, args []string) (err error) {
		switch {
		case options.Dest == "":
			return misuse(cmd, "it takes --dest, the folder of the backups")
		case all == (len(args) > 0):
			return misuse(cmd, "it takes an IMAGE, or --all for all volumes that there are")
		case options.Alias != "" && len(args) != 1:
			return misuse(cmd, "--alias is for one IMAGE")
		}
		if options.Host == "" {
			if options.Host, err = os.Hostname(); err != nil {
				return err
			}
		}
		list := []backupInfo{}
		take := func(v *vmfs.Volume, alias string) error {
			one := options
			one.Alias = or(options.Alias, or(alias, or(v.Label(), v.UUID().String())))
			info, err := c.takeBackup(cmd.Context(), v, one)
			if info.Path != "" {
				list = append(list, info)
			}
			return err
		}
		if all {
			devices, unlisted := blockDevices()
			err = joined(unlisted, c.backupAll(cmd.Context(), devices, take))
		} else {
			err = each(args, func(name string) error {
				v, err := c.openVolume(cmd.Context(), name, choice)
				if err != nil {
					return err
				}
				return joined(take(v.Volume, c.unitAlias(cmd.Context(), name)), v.Close())
			})
		}
		return joined(c.print(&o, list, func() {
			for _, b := range list {
				c.printf("%s: %s of %s, %d files, %s in %s\n", b.Path, b.Version, printable(b.Label), b.Files, formatSize(b.Bytes), formatSize(b.Stored))
			}
		}), err)
	})
	cmd.Long = `Back up the metadata of volumes: partition tables, LVM, headers, system files, directories, small
files as .vmx, and the block map of every file. Not the disks of the virtual machines.

A backup is a folder, DEST/HOST/ALIAS/DATE.N, where ALIAS is the unit's, or the volume's label. What
did not change is a hard link to the backup before. The oldest beyond --keep are removed.

The volume may be in use: it is read until nothing changes between two looks. It is never written
to, locked or reserved. With problems, which are told, the backup is made all the same, and the exit
status is 1.`
	f := cmd.Flags()
	f.StringVar(&options.Dest, "dest", "", "the `DIR` of all backups")
	f.IntVar(&options.Keep, "keep", 10, "how many backups of a volume are kept")
	f.BoolVar(&all, "all", false, "back up all volumes on the daemon's units and this machine's block devices")
	f.BoolVar(&options.Classic, "classic", false, "write vmfs-header-backup-DEV.hex and vmfs-metadata-DEV-vh.sf.bu too")
	f.StringVar(&options.Host, "host", "", "the `NAME` to keep them under (default: this machine's)")
	f.StringVar(&options.Alias, "alias", "", "the `NAME` of the volume among them")
	f.IntVar(&options.Passes, "passes", 5, "how often a volume is read until it is stable")
	cmd.AddCommand(c.vmfsBackupVerify(), c.vmfsBackupDiff())
	return choice.flags(o.flag(cmd))
}

// takeBackup makes a backup, and says what it has to be told of.
func (c *cli) takeBackup(ctx context.Context, v *vmfs.Volume, options backup.Options) (backupInfo, error) {
	const most = 10 // that are told
	b, err := backup.Take(ctx, v, options)
	if b == nil {
		return backupInfo{}, err
	}
	info, stored := backupInfoOf(b)
	if !b.Stable {
		c.warn("%s is not stable: hosts changed %s while it was read %d times", b.Path, strings.Join(b.Moved[:min(len(b.Moved), most)], ", "), b.Passes)
	}
	for _, text := range b.Problems[:min(len(b.Problems), most)] {
		c.warn("problem: %s", printable(text))
	}
	if n := len(b.Problems); n > 0 {
		err = errors.Join(err, fmt.Errorf("%s is made, but %d things could not be read", b.Path, n))
	}
	return info, errors.Join(err, stored)
}

// openBackup opens a backup, or the newest in a folder.
func openBackup(name string) (*backup.Backup, error) {
	b, err := backup.Open(name)
	if err != nil {
		return nil, &control.Problem{Title: err.Error(), Hint: "Name the folder of a backup, or that of a volume; lunar vmfs backups DIR lists them."}
	}
	return b, nil
}

// unitAlias is the alias of the unit that an image is named by first; nothing when it is none.
func (c *cli) unitAlias(ctx context.Context, name string) string {
	name, _, _ = strings.Cut(name, ",")
	guid, ok := strings.CutPrefix(name, "lu:")
	if !ok {
		return ""
	}
	u, err := c.client().Unit(ctx, guid)
	if err != nil {
		return "" // it could be opened: it is gone since
	}
	return or(u.Alias, u.GUID)
}
