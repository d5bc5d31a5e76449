package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/lunarsan/lunar/internal/control"
	"github.com/lunarsan/lunar/vmfs"
	"github.com/lunarsan/lunar/vmfs/backup"
)

// A resignatureInfo is the plan of a resignature.
type resignatureInfo struct {
	Image     string       `json:"image"`
	Label     string       `json:"label"`
	UUID      string       `json:"uuid"`
	NewLabel  string       `json:"new_label"`
	NewUUID   string       `json:"new_uuid"`
	Changes   []changeInfo `json:"changes"`
	Obstacles []string     `json:"obstacles"` // why it must not be written
	Backup    string       `json:"backup,omitempty"`
	Written   bool         `json:"written"`
}

// A changeInfo is bytes that change.
type changeInfo struct {
	Extent    int    `json:"extent"` // of the volume, from 0
	Offset    int64  `json:"offset"` // in the partition
	Structure string `json:"structure"`
	Field     string `json:"field"`
	Before    string `json:"before"` // hexadecimal
	After     string `json:"after"`
	Sure      string `json:"sure"`
}

// A resigning is what is asked of lunar vmfs resignature.
type resigning struct {
	image, against, label string
	keep                  bool // the UUID and the label
	write, yes            bool
	backup                string // the folder of backups
	wait                  time.Duration
	choice                imageChoice
}

func (c *cli) vmfsResignature() *cobra.Command {
	var (
		o    output
		plan bool
		r    = resigning{choice: imageChoice{fresh: true}}
	)
	cmd := c.vmfsVerb("resignature IMAGE", "Show which bytes make a copy of a volume one of its own, and write them", func(cmd *cobra.Command, args []string) error {
		switch {
		case plan && r.write:
			return misuse(cmd, "--plan and --write exclude each other")
		case r.write && r.backup == "":
			return misuse(cmd, "--write needs --backup, the folder that a backup of the volume is made in first")
		case r.keep && r.label != "":
			return misuse(cmd, "--keep-uuid keeps the label too")
		}
		r.image = args[0]
		return c.resignature(cmd.Context(), &r, &o)
	})
	cmd.Long = `Show which bytes of a volume make a copy of it one of its own: another UUID and label, and the identity
of the disk that it is on. With --keep-uuid only that identity changes, so that a replica mounts as it
is on another disk; never show it to a host that sees the original.

Nothing is written without --write, and with it only where that is known to be safe: on VMFS3 and
VMFS5 without checksums, with all extents there, no host alive, and the unit offline; after a backup to
--backup. lunar vmfs restore BACKUP IMAGE --parts header,lvm --force changed,volume takes it back. What ESXi
itself changes is known in parts; each change says how surely (D documented, I inferred), and none of
this was tried with a host. ESXi does it by itself with esxcli storage vmfs snapshot resignature. The
configuration files of virtual machines name the old volume still: register them anew.`
	f := cmd.Flags()
	f.BoolVar(&plan, "plan", false, "show the changes and write nothing, as without --write")
	f.BoolVar(&r.write, "write", false, "write the changes")
	f.StringVar(&r.backup, "backup", "", "the `DIR` of backups, for --write")
	f.StringVar(&r.against, "against", "", "the disk that the volume is on: a unit's `GUID`, or any NAA identifier (default: the unit that IMAGE is)")
	f.BoolVar(&r.keep, "keep-uuid", false, "change the identity of the disk alone")
	f.StringVar(&r.label, "label", "", "the new `LABEL` (default: snap-, a number, and the old one)")
	f.DurationVar(&r.wait, "wait", 0, "how long to wait for heartbeats (default: twice what the volume says, or 20s)")
	f.BoolVar(&r.yes, "yes", false, "do not ask")
	return r.choice.flags(o.flag(cmd))
}

// resignature plans a resignature, shows it, and carries it out where that is asked for.
func (c *cli) resignature(ctx context.Context, r *resigning, o *output) (err error) {
	v, err := c.openVolume(ctx, r.image, r.choice)
	if err != nil {
		return err
	}
	defer func() { err = joined(err, v.Close()) }()
	changes, info, err := c.planResignature(ctx, r, v.Volume)
	if err != nil {
		return err
	}
	if r.write {
		err = c.writeResignature(ctx, r, v, changes, info)
	}
	return joined(c.print(o, info, func() { c.showResignature(info) }), err)
}

// planResignature finds what would change.
func (c *cli) planResignature(ctx context.Context, r *resigning, v *vmfs.Volume) ([]vmfs.Change, *resignatureInfo, error) {
	if r.against != "" && len(v.Members) > 1 {
		return nil, nil, &control.Problem{Title: "one disk cannot stand for several extents", Hint: "Make units of all extents, and name them as lu:GUID."}
	}
	var s vmfs.Signature
	if !r.keep {
		var random [8]byte
		rand.Read(random[:]) // never fails
		s = v.NewSignature(time.Now(), random)
		s.Label = or(r.label, s.Label)
	}
	info := &resignatureInfo{Image: r.image, Label: v.Label(), UUID: v.UUID().String(), NewLabel: v.Label(), NewUUID: v.UUID().String(),
		Changes: []changeInfo{}, Obstacles: append([]string{}, v.Unresignable()...)}
	if !r.keep {
		info.NewLabel, info.NewUUID = s.Label, s.UUID.String()
	}
	disks := c.knownDisks(ctx)
	for _, m := range v.Members {
		disk, err := c.diskUnder(ctx, m.Device().Name, r.against, disks)
		if err != nil {
			return nil, nil, err
		}
		if disk == nil {
			info.Obstacles = append(info.Obstacles, fmt.Sprintf("which disk %s is on is not known: --against names it", m))
			s.Disks = append(s.Disks, nil)
			continue
		}
		s.Disks = append(s.Disks, disk.id(m.Header.DiskID()))
	}
	changes, err := v.Resignature(s)
	for _, change := range changes {
		info.Changes = append(info.Changes, changeInfo{change.Member, change.Physical, change.Structure, change.Field,
			hex.EncodeToString(change.Before), hex.EncodeToString(change.After), change.Sure})
	}
	return changes, info, err
}

func (c *cli) showResignature(info *resignatureInfo) {
	c.printf("%s (%s) becomes %s (%s)\n", printable(info.Label), info.UUID, printable(info.NewLabel), info.NewUUID)
	rows := [][]string{{"EXTENT", "OFFSET", "STRUCTURE", "FIELD", "SURE", "BEFORE", "AFTER"}}
	for _, x := range info.Changes {
		rows = append(rows, []string{fmt.Sprint(x.Extent), fmt.Sprintf("%#x", x.Offset), x.Structure, x.Field, x.Sure, x.Before, x.After})
	}
	c.table(rows)
	for _, text := range info.Obstacles {
		c.printf("not to be written: %s\n", printable(text))
	}
	if info.Written {
		c.printf("written; the backup of before is %s\n", info.Backup)
	}
}

// writeResignature carries a plan out, after a backup.
func (c *cli) writeResignature(ctx context.Context, r *resigning, v *openImage, changes []vmfs.Change, info *resignatureInfo) (err error) {
	if err := c.elsewhere(ctx, r.backup, r.image); err != nil {
		return err
	}
	hosts, err := c.hostsOf(ctx, v.Volume, r.wait)
	if err != nil {
		return err
	}
	for _, h := range hosts {
		if h.Alive {
			info.Obstacles = append(info.Obstacles, fmt.Sprintf("host %s is alive on it", or(h.Address, h.UUID)))
		}
	}
	targets, files, online, err := c.openTargets(ctx, r.image, false)
	if err != nil {
		return err
	}
	defer func() { err = joined(err, files.Close()) }()
	for _, x := range online {
		info.Obstacles = append(info.Obstacles, x.Text)
	}
	switch {
	case len(info.Obstacles) > 0:
		return &control.Problem{Title: "it is not written: " + info.Obstacles[0], Hint: "--plan shows all that is in the way."}
	case len(changes) == 0:
		return &control.Problem{Title: "there is nothing to change", Hint: "The volume is on the disk that its header names."}
	case !r.yes && !c.confirm(fmt.Sprintf("write %d changes to %s?", len(changes), r.image)):
		return &control.Problem{Title: "nothing was written", Hint: "--yes does not ask."}
	}
	if info.Backup, err = c.backupBefore(ctx, r, v.Volume); err != nil {
		return err
	}
	if err := writeChanges(v.Volume, targets, changes); err != nil {
		return &control.Problem{
			Title: fmt.Sprintf("the resignature was cut off: %v", err),
			Hint:  fmt.Sprintf("Take it back: lunar vmfs restore %s %s --parts header,lvm --force changed,volume", info.Backup, r.image),
		}
	}
	info.Written = true
	return nil
}

// backupBefore makes the backup that takes the resignature back, and reads it again.
func (c *cli) backupBefore(ctx context.Context, r *resigning, v *vmfs.Volume) (string, error) {
	host, err := os.Hostname()
	if err != nil {
		return "", err
	}
	b, err := backup.Take(ctx, v, backup.Options{Dest: r.backup, Host: host, Alias: or(c.unitAlias(ctx, r.image), or(v.Label(), v.UUID().String()))})
	if err != nil {
		return "", err
	}
	damage, err := b.Verify(ctx)
	switch {
	case err != nil:
		return "", err
	case len(damage) > 0:
		return "", fmt.Errorf("the backup %s, made just now, is damaged", b.Path)
	case !b.Stable:
		return "", &control.Problem{Title: fmt.Sprintf("the volume changed while %s was made", b.Path), Hint: "A host uses it: unmount it everywhere."}
	}
	return b.Path, nil
}

// writeChanges writes changes, whole sectors of 512 bytes, where the bytes are those that the
// plan found; else nothing. Then it reads them back.
func writeChanges(v *vmfs.Volume, targets []backup.Target, changes []vmfs.Change) error {
	const sector = 512
	type place struct {
		target *backup.Target
		at     int64
	}
	sectors := map[place][]byte{}
	var order []place
	for _, x := range changes {
		m := v.Members[x.Member]
		var target *backup.Target
		for i := range targets {
			if targets[i].Name == m.Device().Name {
				target = &targets[i]
			}
		}
		if target == nil {
			return fmt.Errorf("%s is not open", m)
		}
		for i := range x.After {
			at := m.Start + x.Physical + int64(i)
			p := place{target, at - at%sector}
			if sectors[p] == nil {
				b := make([]byte, sector)
				if n, err := target.ReadAt(b, p.at); n < sector {
					return fmt.Errorf("reading %s at %#x: %w", target.Name, p.at, err)
				}
				sectors[p], order = b, append(order, p)
			}
			if sectors[p][at%sector] != x.Before[i] {
				return fmt.Errorf("%s changed at %#x of %s since it was read", x.Structure, at, target.Name)
			}
			sectors[p][at%sector] = x.After[i]
		}
	}
	for _, p := range order {
		if _, err := p.target.WriteAt(sectors[p], p.at); err != nil {
			return fmt.Errorf("writing %s at %#x: %w", p.target.Name, p.at, err)
		}
	}
	var failed error
	for i := range targets {
		failed = errors.Join(failed, targets[i].Sync())
	}
	got := make([]byte, sector)
	for _, p := range order {
		if _, err := p.target.ReadAt(got, p.at); err != nil || !bytes.Equal(got, sectors[p]) {
			failed = errors.Join(failed, fmt.Errorf("%s reads back otherwise at %#x", p.target.Name, p.at), err)
		}
	}
	return failed
}
