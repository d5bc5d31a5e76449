package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/lunarsan/lunar/internal/control"
	"github.com/lunarsan/lunar/sbd/layer"
	"github.com/lunarsan/lunar/vmfs"
	"github.com/lunarsan/lunar/vmfs/backup"
)

// unitOnline is the concern that initiators may be using a unit.
const unitOnline backup.Concern = "online"

// concerns are what --force can name.
var concerns = []backup.Concern{backup.HostsAlive, backup.Changed, backup.AnotherVolume, unitOnline}

func (c *cli) vmfsRestore() *cobra.Command {
	var (
		o      output
		parts  []string
		force  []string
		undo   string
		wait   time.Duration
		yes    bool
		dryRun bool
	)
	cmd := c.verb("restore BACKUP IMAGE", "Write the metadata of a backup back to its volume", func(cmd *cobra.Command, args []string) error {
		chosen, err := backup.ParseGroups(parts)
		if err != nil {
			return misuse(cmd, "%v", err)
		}
		var overridden []backup.Concern
		for _, name := range force {
			if !slices.Contains(concerns, backup.Concern(name)) {
				return misuse(cmd, "there is no objection %q: --force takes those of %v", name, concerns)
			}
			overridden = append(overridden, backup.Concern(name))
		}
		b, err := openBackup(args[0])
		if err != nil {
			return err
		}
		targets, files, online, err := c.openTargets(cmd.Context(), args[1], dryRun)
		if err != nil {
			return err
		}
		plan, err := b.PlanRestore(cmd.Context(), targets, chosen, wait)
		if err != nil {
			return errors.Join(err, files.Close())
		}
		plan.Objections = append(plan.Objections, online...)
		if err := c.print(&o, restoreInfoOf(b, plan), func() { c.printRestore(b, plan) }); err != nil {
			return errors.Join(err, files.Close())
		}
		err = c.restoring(cmd, plan, overridden, yes, dryRun)
		if err == nil && !dryRun && plan.Differs() > 0 {
			err = c.applyRestore(cmd.Context(), plan, or(undo, filepath.Dir(b.Path)), args[1])
		}
		return errors.Join(err, files.Close())
	})
	cmd.Long = fmt.Sprintf(`Write what a backup has back to the volume that it is of: those sectors that differ, and nothing
else. The plan is shown first, and nothing is written until it is agreed to.

The parts are %v.
Without --parts the first six are restored, the metadata. journals, files and start hold what hosts
write to all the time; --parts all restores them too. A heartbeat that is whole is never replaced.

It is refused while a host writes its heartbeat (hosts), when the volume was changed after the backup
(changed), when it is another (volume), or while its unit is online (online). --force names which of
these does not matter. Old metadata on a volume that was used since destroy what was written since.

What is written over is kept first, in a folder undo-DATE.N beside the backup. It is restored like a
backup, which takes the restore back.

BACKUP is the folder of a backup, or that of a volume for its newest. IMAGE names all extents of the
volume, with commas.`, strings.Join(partNames(), ", "))
	f := cmd.Flags()
	f.StringSliceVar(&parts, "parts", nil, "restore these `PARTS`, with commas")
	f.StringSliceVar(&force, "force", nil, "restore in spite of these `OBJECTIONS`, with commas")
	f.StringVar(&undo, "undo", "", "the `DIR` to keep the undo in (default: that of the backup)")
	f.DurationVar(&wait, "wait", 0, "how long to wait for heartbeats (default: twice what the volume says, or 20s)")
	f.BoolVar(&yes, "yes", false, "do not ask")
	f.BoolVar(&dryRun, "dry-run", false, "show the plan, and write nothing")
	return o.flag(cmd)
}

// partNames are the parts that can be restored.
func partNames() (names []string) {
	all, err := backup.ParseGroups([]string{"all"})
	if err != nil {
		return nil
	}
	for _, g := range all {
		names = append(names, string(g))
	}
	return names
}

// A restoreInfo is a plan as JSON has it.
type restoreInfo struct {
	Backup     string             `json:"backup"`
	UUID       string             `json:"uuid"`
	Parts      []restorePart      `json:"parts"`
	Objections []backup.Objection `json:"objections"`
	Writes     int64              `json:"writes"` // bytes
}

type restorePart struct {
	Name    string       `json:"name"`
	Group   backup.Group `json:"group"`
	Size    int64        `json:"size"`
	Differs int64        `json:"differs"`
	Chosen  bool         `json:"chosen"`
}

func restoreInfoOf(b *backup.Backup, plan *backup.Restore) restoreInfo {
	info := restoreInfo{Backup: b.Path, UUID: b.Volume.UUID, Parts: []restorePart{}, Objections: append([]backup.Objection{}, plan.Objections...), Writes: plan.Differs()}
	for _, p := range plan.Parts {
		info.Parts = append(info.Parts, restorePart{p.Name, p.Group, p.Size, p.Differs, p.Chosen})
	}
	return info
}

// printRestore shows a plan.
func (c *cli) printRestore(b *backup.Backup, plan *backup.Restore) {
	c.printf("%s of %s %s, made %s\n", b.Path, printable(b.Volume.Label), b.Volume.UUID, moment(b.Made))
	rows := [][]string{{"PART", "SIZE", "DIFFERS", ""}}
	for _, p := range plan.Parts {
		note := ""
		if !p.Chosen && p.Differs > 0 {
			note = fmt.Sprintf("left as it is; --parts %s", p.Group)
		}
		rows = append(rows, []string{printable(p.Name), formatSize(p.Size), formatSize(p.Differs), note})
	}
	c.table(rows)
	for _, x := range plan.Objections {
		c.printf("%s: %s\n", x.Concern, printable(x.Text))
	}
}

// restoring is nil when a plan may be carried out.
func (c *cli) restoring(cmd *cobra.Command, plan *backup.Restore, overridden []backup.Concern, yes, dryRun bool) error {
	if left := plan.Refused(overridden...); len(left) > 0 {
		return &control.Problem{
			Title: fmt.Sprintf("it is refused, %s: %s", left[0].Concern, left[0].Text),
			Hint:  fmt.Sprintf("When you know that it does no harm: --force %s.", strings.Join(concernsOf(left), ",")),
		}
	}
	switch n := plan.Differs(); {
	case n == 0:
		c.warn("nothing differs: there is nothing to restore")
		return nil
	case dryRun || yes || c.confirm(fmt.Sprintf("write %s?", formatSize(n))):
		return nil
	}
	return &control.Problem{Title: "nothing was restored", Hint: fmt.Sprintf("%s --yes does not ask.", cmd.CommandPath())}
}

// concernsOf are the concerns of objections, each once.
func concernsOf(list []backup.Objection) (names []string) {
	for _, x := range list {
		if !slices.Contains(names, string(x.Concern)) {
			names = append(names, string(x.Concern))
		}
	}
	return names
}

// applyRestore carries a plan out.
func (c *cli) applyRestore(ctx context.Context, plan *backup.Restore, folder, image string) error {
	undo, err := plan.Apply(ctx, folder, time.Now())
	if undo != nil {
		c.warn("what was written over is in %s", undo.Path)
	}
	if err != nil {
		if undo != nil {
			err = &control.Problem{Title: err.Error(), Hint: fmt.Sprintf("Restore again, or take it back: lunar vmfs restore %s %s", undo.Path, image)}
		}
		return err
	}
	c.warn("restored %s", formatSize(plan.Differs()))
	return nil
}

// A targetAt is a unit's store from where the unit begins. Devices are read past the page cache,
// since other hosts write to them.
type targetAt struct {
	medium backup.Medium
	reader io.ReaderAt
	base   int64
	closers
}

// ReadAt implements io.ReaderAt.
func (t *targetAt) ReadAt(p []byte, off int64) (int, error) { return t.reader.ReadAt(p, t.base+off) }

// WriteAt implements io.WriterAt.
func (t *targetAt) WriteAt(p []byte, off int64) (int, error) { return t.medium.WriteAt(p, t.base+off) }

// Sync makes durable what was written.
func (t *targetAt) Sync() error { return t.medium.Sync() }

// Close implements io.Closer.
func (t *targetAt) Close() error { return t.closers.Close() }

// openTargets opens what is restored to, and objects to units that are online.
func (c *cli) openTargets(ctx context.Context, name string, readOnly bool) (targets []backup.Target, files closers, online []backup.Objection, err error) {
	for one := range strings.SplitSeq(name, ",") {
		path, base, err := c.imagePath(ctx, one)
		if guid, ok := strings.CutPrefix(one, "lu:"); ok && err == nil {
			u, e := c.client().Unit(ctx, guid)
			if err = e; err == nil && u.State == control.UnitOnline {
				online = append(online, backup.Objection{Concern: unitOnline, Text: fmt.Sprintf("unit %s is online: lunar lu offline %s", u.GUID, u.GUID)})
			}
		}
		var t backup.Target
		if err == nil {
			t, err = openTarget(path, one, base, readOnly)
		}
		if err != nil {
			return nil, nil, nil, errors.Join(err, files.Close())
		}
		targets, files = append(targets, t), append(files, t.Medium.(*targetAt))
	}
	return targets, files, online, nil
}

// openTarget opens a file or device to restore to.
func openTarget(path, name string, base int64, readOnly bool) (backup.Target, error) {
	if layered, err := layer.Layered(path); layered && err == nil {
		s, err := layer.Open(path, layer.Options{ReadOnly: readOnly, Unlocked: readOnly})
		if err != nil {
			return backup.Target{}, fmt.Errorf("opening %s with its layers: %w", path, err)
		}
		return backup.Target{Name: name, Size: s.Size() - base, Medium: &targetAt{s, s, base, closers{s}}}, nil
	}
	mode := os.O_RDWR
	if readOnly {
		mode = os.O_RDONLY
	}
	f, err := os.OpenFile(path, mode, 0)
	if err != nil {
		return backup.Target{}, &control.Problem{Title: fmt.Sprintf("cannot open the image: %v", err), Hint: "Name a file, a block device, or a unit as lu:GUID."}
	}
	size, err := f.Seek(0, io.SeekEnd) // which a device's info does not tell
	if err == nil && base == 0 && vmfs.IsVmfsimg(f) {
		err = fmt.Errorf("%s is an image of vmfs-tools' imager, which cannot be written to", name)
	}
	if err != nil {
		return backup.Target{}, errors.Join(err, f.Close())
	}
	t := &targetAt{f, f, base, closers{f}}
	if info, err := f.Stat(); err == nil && !info.Mode().IsRegular() {
		if d, err := pastCache(f); err == nil {
			t.reader, t.closers = d, append(t.closers, d)
		}
	}
	return backup.Target{Name: name, Size: size - base, Medium: t}, nil
}
