package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/lunarsan/lunar/internal/control"
	"github.com/lunarsan/lunar/vmfs"
)

// A checkResult is what check prints as JSON.
type checkResult struct {
	Label string `json:"label"`
	UUID  string `json:"uuid"`
	Clean bool   `json:"clean"`
	*vmfs.Report
}

func (c *cli) vmfsCheck() *cobra.Command {
	var (
		o      output
		choice = imageChoice{fresh: true}
	)
	cmd := c.vmfsVerb("check IMAGE", "Check whether a volume is consistent", func(cmd *cobra.Command, args []string) error {
		v, err := c.openVolume(cmd.Context(), args[0], choice)
		if err != nil {
			return err
		}
		r, err := c.check(cmd, v)
		if err != nil {
			return joined(err, v.Close())
		}
		result := checkResult{v.Label(), v.UUID().String(), r.Clean(), r}
		err = c.print(&o, result, func() { c.showCheck(v, r) })
		return joined(err, v.Close(), verdict(v, r))
	})
	cmd.Long = `Check whether a volume is consistent: whether its descriptors, directories, addresses, bitmaps, counts
and locks say the same. Nothing is changed, and nothing is repaired.

A finding is dangerous (data is lost, or will be when hosts write on), wrong (two structures contradict
each other), wasteful (space that nothing can use) or a note. The exit status is 1 when there are others
than notes. docs/vmfs.md explains each.

A volume that hosts write to meanwhile is never quite consistent: check a snapshot of the unit's store,
or check again what was found.`
	return choice.flags(o.flag(cmd))
}

// check checks a volume, and shows how far it is.
func (c *cli) check(cmd *cobra.Command, v *openImage) (*vmfs.Report, error) {
	var total int64
	if fdc, err := v.Resources(vmfs.FDCSlot); err == nil {
		total = fdc.Size()
	}
	p := c.progress("checking", total)
	defer p.done()
	return v.Check(cmd.Context(), func(done float64) { p.at.Store(int64(done * float64(total))) })
}

// showCheck prints a report in words.
func (c *cli) showCheck(v *openImage, r *vmfs.Report) {
	n := r.Counts
	c.printf("VMFS%d volume %s (%s)\n", v.Superblock().Version(), printable(v.Label()), v.UUID())
	c.printf("Files           %d, of them %d system files; and %d of deleted files\n", n.Files, n.System, n.Deleted)
	c.printf("Directories     %d\n", n.Directories)
	c.printf("File blocks     %d of %d in use\n", n.FileBlocks.Owned, n.FileBlocks.Total)
	c.printf("Sub-blocks      %d of %d\n", n.SubBlocks.Owned, n.SubBlocks.Total)
	c.printf("Pointer blocks  %d of %d\n", n.PointerBlocks.Owned, n.PointerBlocks.Total)
	for _, text := range r.NotChecked {
		c.printf("Not checked     %s\n", text)
	}
	c.printf("\n")
	if len(r.Findings) == 0 {
		c.printf("nothing is wrong\n")
		return
	}
	rows := [][]string{{"LEVEL", "FAULT", "WHERE", "WHAT"}}
	for _, f := range r.Findings {
		rows = append(rows, []string{f.Level.String(), string(f.Fault), printable(f.Where), printable(f.What)})
	}
	c.table(rows)
	for _, fault := range vmfs.Faults() {
		if more := r.Dropped[fault]; more > 0 {
			c.printf("and %d more of %s\n", more, fault)
		}
	}
	if r.Clean() {
		c.printf("nothing is wrong\n")
	}
}

// verdict is an error when there is more than notes.
func verdict(v *openImage, r *vmfs.Report) error {
	if r.Clean() {
		return nil
	}
	var (
		count int64
		worst vmfs.Level
	)
	for _, f := range r.Findings {
		if worst = max(worst, f.Level); f.Level > vmfs.Note {
			count++
		}
	}
	for _, more := range r.Dropped {
		count += more
	}
	hint := "Nothing was changed. docs/vmfs.md explains the findings; back up what can be read before anything is repaired."
	if r.Counts.Hosts > 0 {
		hint = "Hosts are registered: if one writes now, check again, or a snapshot. docs/vmfs.md explains the findings."
	}
	return &control.Problem{Title: fmt.Sprintf("the volume %s is not consistent: the worst of what was found, %d in all, is %s", v.Label(), count, worst), Hint: hint}
}
