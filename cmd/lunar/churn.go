package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/lunarsan/lunar/internal/control"
	"github.com/lunarsan/lunar/stream/churn"
	"github.com/lunarsan/lunar/vmfs"
)

// A churning is a look at where changes come from.
type churning struct {
	images []string // as on the command line
	quick  bool     // what lies where is looked at once
	choice imageChoice
	by     []string
	top    int
	svg    string
	output

	c     *cli
	tally churn.Tally
	units map[string]*churn.Map // by dataset, or "" for the only one; nil: no images
	seen  []string              // datasets, in order
	open  closers
}

// A churnView is a way in which changes are put together.
type churnView struct {
	word, title string
	of          func(*churn.Report) *churn.List
}

var churnViews = []churnView{
	{"unit", "UNIT", func(r *churn.Report) *churn.List { return &r.Units }},
	{"machine", "MACHINE", func(r *churn.Report) *churn.List { return &r.Machines }},
	{"disk", "DISK", func(r *churn.Report) *churn.List { return &r.Disks }},
	{"file", "FILE", func(r *churn.Report) *churn.List { return &r.Files }},
	{"kind", "KIND", func(r *churn.Report) *churn.List { return &r.Kinds }},
}

// churn tells where changes come from.
func (c *cli) churn() *cobra.Command {
	ch := &churning{c: c}
	cmd := c.vmfsVerb("churn SOURCE...", "Show which machines and files the changes between snapshots come from", func(cmd *cobra.Command, args []string) error {
		for _, by := range ch.by {
			if !slices.ContainsFunc(churnViews, func(v churnView) bool { return v.word == by }) {
				return misuse(cmd, "%q is no way to put changes together: choose unit, machine, disk, file or kind", by)
			}
		}
		if ch.top < 0 {
			return misuse(cmd, "--top is a count")
		}
		if len(ch.images) == 0 && !slices.ContainsFunc(args, looksItself) && !cmd.Flags().Changed("by") {
			ch.by = []string{"unit"}
		}
		if ch.json && !cmd.Flags().Changed("top") {
			ch.top = 0
		}
		return joined(ch.run(cmd.Context(), args), ch.open.Close())
	})
	c.completing(cmd, jobNames)
	cmd.Long = `Show how much changed from snapshot to snapshot, and which machines, disks and files on the VMFS
volume that was: disk noise that can be moved to a store that is not replicated.

SOURCE is a job of the daemon, or JOB@FROM..TO: its volumes here, between the snapshots that it took.

    lunar churn daily

Or it is VOLUME@FROM..TO: a dataset of ZFS, a file or lu:GUID, with two of its snapshots. Those
between them make intervals of their own; without FROM it is the oldest, without TO the newest. The
volume is looked at on a clone of each snapshot, which is thrown away.

    lunar churn tank/vm1@mon..fri
    lunar churn /srv/vm.img@.. --svg churn.svg

Or it is a stream, as zfs send -i and lunar stream generate --since make them, or - for standard
input. --image names the disk as it is, or was at the last snapshot: without it changes are told by
unit alone. Nothing is written to it.

    lunar churn mon-tue.zs tue-wed.zs --image disk.img

WRITTEN are the bytes of the disk that a stream has, in whole blocks of the sender: a log of which
a line was written counts a block. FREED are bytes that were discarded, or became zeros. What a
guest does within its disk only the guest knows.`
	f := cmd.Flags()
	f.StringArrayVar(&ch.images, "image", nil, "the disk that sources are of, as `[DATASET=]IMAGE`; other extents of its volume follow with commas")
	f.BoolVar(&ch.quick, "quick", false, "look at the newest snapshot alone, and not at each: files that moved meanwhile are counted where they are then")
	f.StringSliceVar(&ch.by, "by", []string{"machine", "file"}, "put changes together by unit, machine, disk, file or kind, one or several with commas")
	f.IntVar(&ch.top, "top", 10, "show so many of each, and the rest in one line; 0 for all")
	f.StringVar(&ch.svg, "svg", "", "draw a chart by the last of --by to `FILE`, - for standard output")
	return ch.choice.flags(ch.flag(cmd))
}

// run adds up the sources, and shows what came of it.
func (ch *churning) run(ctx context.Context, sources []string) error {
	if err := ch.openImages(ctx); err != nil {
		return err
	}
	increments := 0
	for _, source := range sources {
		n, err := ch.source(ctx, source)
		if err != nil {
			return err
		}
		increments += n
	}
	if increments == 0 {
		return &control.Problem{
			Title: "there are only full streams: nothing says what changed",
			Hint:  "An incremental stream has what changed between two snapshots: zfs send -i A B, or lunar stream generate --since A.",
		}
	}
	if len(ch.seen) > 1 && ch.units[""] != nil {
		return &usageError{fmt.Sprintf("the streams are of %s, and --image names one disk", strings.Join(ch.seen, ", ")), "Say which is whose: --image DATASET=IMAGE, once for each."}
	}
	return ch.show(ch.tally.Report(ch.top))
}

// source adds up a source, whatever it is.
func (ch *churning) source(ctx context.Context, name string) (int, error) {
	if name == "-" || fileExists(name) {
		return ch.stream(ctx, name)
	}
	volume, from, to, ranged := rangeOf(name)
	switch {
	case ranged && isVolume(volume):
		n, err := ch.volume(ctx, volume, from, to, nil)
		return n, noInterval(err)
	case ranged:
		return ch.job(ctx, volume, from, to)
	case strings.ContainsAny(name, "/."):
		return ch.stream(ctx, name) // which says that there is none
	}
	return ch.job(ctx, name, "", "")
}

// stream adds up a stream.
func (ch *churning) stream(ctx context.Context, name string) (int, error) {
	in, err := ch.c.openStream("reading", name)
	if err != nil {
		return 0, err
	}
	defer in.close()
	n, err := ch.tally.Read(ctx, in.stream, ch.unit)
	switch {
	case errors.Is(err, churn.ErrFiles):
		err = &control.Problem{Title: fmt.Sprintf("%s: %v", in.name, err), Hint: "zfs diff tells which files of a file system changed."}
	case errors.Is(err, churn.ErrTwice):
		err = &control.Problem{Title: fmt.Sprintf("%s: %v", in.name, err), Hint: "Name each stream once."}
	case err != nil:
		err = ofStream(in.name, err)
	}
	return n, err
}

// unit is the volume of a dataset.
func (ch *churning) unit(dataset string) (churn.Unit, error) {
	if !slices.Contains(ch.seen, dataset) {
		ch.seen = append(ch.seen, dataset)
	}
	m := ch.units[dataset]
	if m == nil {
		m = ch.units[""]
	}
	return churn.Unit{Name: dataset, Layout: func(context.Context, string) (*churn.Map, error) { return m, nil }}, nil
}

// openImages finds what lies where on the disks that --image names.
func (ch *churning) openImages(ctx context.Context) error {
	if len(ch.images) == 0 {
		return nil
	}
	var (
		parts   []vmfs.Partition
		devices = map[string]*vmfs.Device{}
	)
	for _, image := range ch.images {
		dataset, path, named := strings.Cut(image, "=")
		if !named || strings.HasPrefix(dataset, "/") || fileExists(image) {
			dataset, path = "", image
		}
		if devices[dataset] != nil || len(devices) > 0 && (dataset == "" || devices[""] != nil) {
			return &usageError{"several --image, and not each with a dataset of its own", "Say which is whose: --image DATASET=IMAGE, once for each."}
		}
		found, files, err := ch.c.openDevices(ctx, path, false)
		if err != nil {
			return err
		}
		ch.open = append(ch.open, files)
		for i := range found {
			p, err := ch.choice.partitions(ctx, &found[i])
			if err != nil {
				return err
			}
			parts = append(parts, p...)
		}
		devices[dataset] = &found[0]
	}
	layout, err := ch.layout(parts)
	if err != nil {
		return err
	}
	ch.units = map[string]*churn.Map{}
	for dataset, d := range devices {
		ch.units[dataset] = layout.On(d)
	}
	return nil
}

// layout finds what lies where on the volumes of partitions, and tells what is damaged.
func (ch *churning) layout(parts []vmfs.Partition) (*churn.Layout, error) {
	volumes, err := vmfs.OpenPartitions(parts...)
	if err != nil {
		return nil, err
	}
	if name := ch.choice.volume; name != "" {
		volumes = slices.DeleteFunc(volumes, func(v *vmfs.Volume) bool { return v.Label() != name && v.UUID().String() != name })
		if len(volumes) == 0 {
			return nil, &control.Problem{Title: fmt.Sprintf("there is no volume %s", name), Hint: "lunar vmfs info IMAGE tells which there are."}
		}
	}
	for _, v := range volumes {
		for _, text := range v.Missing() {
			ch.c.warn("missing: %s", text)
		}
	}
	layout, err := churn.NewLayout(volumes...)
	if errors.Is(err, churn.ErrPieces) {
		return nil, &control.Problem{Title: err.Error(), Hint: "Leave out --image: changes are then told by unit alone."}
	}
	if err != nil {
		return nil, err
	}
	for _, p := range layout.Problems {
		ch.c.warn("damaged: %v", p)
	}
	if layout.Hidden > 0 {
		ch.c.warn("damaged: %d more", layout.Hidden)
	}
	return layout, nil
}

func fileExists(name string) bool {
	_, err := os.Stat(name)
	return err == nil
}
