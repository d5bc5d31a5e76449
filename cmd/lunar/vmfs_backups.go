package main

import (
	"fmt"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/lunarsan/lunar/internal/control"
	"github.com/lunarsan/lunar/vmfs/backup"
)

func (c *cli) vmfsBackups() *cobra.Command {
	var o output
	cmd := c.verb("backups DIR", "List the backups of volumes", func(cmd *cobra.Command, args []string) error {
		found, failed, err := backup.Find(args[0])
		if err != nil {
			return &control.Problem{Title: fmt.Sprintf("cannot look for backups: %v", err), Hint: "Name the folder that was --dest of lunar vmfs backup, or one in it."}
		}
		list := []backupInfo{}
		for _, b := range found {
			info, err := backupInfoOf(b)
			if err != nil {
				failed = append(failed, err)
			}
			list = append(list, info)
		}
		return joined(append(failed, c.print(&o, list, func() {
			rows := [][]string{{"VOLUME", "UUID", "FILES", "SIZE", "STATE", "BACKUP"}}
			for _, b := range list {
				rows = append(rows, []string{printable(b.Label), b.UUID, strconv.Itoa(b.Files), formatSize(b.Stored), b.state(), b.Path})
			}
			c.table(rows)
		}))...)
	})
	return o.flag(cmd)
}

// state is how good the backup is, in words.
func (b *backupInfo) state() string {
	switch {
	case len(b.Problems) > 0:
		return fmt.Sprintf("%d problems", len(b.Problems))
	case len(b.Missing) > 0:
		return "extents missing"
	case !b.Stable:
		return "not stable"
	}
	return "stable"
}

func (c *cli) vmfsBackupVerify() *cobra.Command {
	var o output
	cmd := c.verb("verify BACKUP...", "Check every byte of backups", func(cmd *cobra.Command, args []string) error {
		type verdict struct {
			Path   string          `json:"path"`
			Damage []backup.Damage `json:"damage"`
		}
		list := []verdict{}
		err := each(args, func(name string) error {
			b, err := openBackup(name)
			if err != nil {
				return err
			}
			found, err := b.Verify(cmd.Context())
			list = append(list, verdict{b.Path, append([]backup.Damage{}, found...)})
			if err == nil && len(found) > 0 {
				err = &control.Problem{Title: fmt.Sprintf("%s is damaged: %d files are not as they were written", b.Path, len(found)), Hint: "Those of its files that are whole are of use; so are the backups beside it."}
			}
			return err
		})
		return joined(c.print(&o, list, func() {
			for _, v := range list {
				if len(v.Damage) == 0 {
					c.printf("%s: whole\n", v.Path)
				}
				for _, d := range v.Damage {
					c.printf("%s/%s %s\n", v.Path, printable(d.File), d.What)
				}
			}
		}), err)
	})
	cmd.Long = `Check backups: every file against its SHA-256, and the bytes of every part against the manifest.
sha256sum -c SHA256SUMS in the folder of a backup does the first of these without lunar.

BACKUP is the folder of a backup, or that of a volume for its newest.`
	return o.flag(cmd)
}

func (c *cli) vmfsBackupDiff() *cobra.Command {
	var o output
	cmd := c.verb("diff BACKUP BACKUP", "Show which files changed between two backups", func(cmd *cobra.Command, args []string) error {
		a, err := openBackup(args[0])
		if err != nil {
			return err
		}
		b, err := openBackup(args[1])
		if err != nil {
			return err
		}
		changes, err := backup.Diff(a, b)
		if err != nil {
			return err
		}
		if changes == nil {
			changes = []backup.Change{}
		}
		return c.print(&o, changes, func() {
			for _, x := range changes {
				text := printable(x.Path)
				if x.From != "" {
					text = printable(x.From) + " -> " + text
				}
				switch {
				case x.Before != x.After:
					text += fmt.Sprintf(" (%s, was %s)", formatSize(x.After), formatSize(x.Before))
				case x.Blocks != 0:
					text += fmt.Sprintf(" (%+d blocks)", x.Blocks)
				}
				c.printf("%-8s %s\n", x.Kind, text)
			}
		})
	})
	cmd.Long = `Show which files changed from the first backup to the second: created, deleted, renamed, grown,
shrunk, moved (other blocks), changed (of other than these). A disk whose contents alone changed has
not: they are not in backups.`
	return o.flag(cmd)
}
