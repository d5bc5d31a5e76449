package main

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/lunarsan/lunar/internal/control"
	"github.com/lunarsan/lunar/vmfs"
	"github.com/lunarsan/lunar/vmfs/undelete"
)

// A candidateInfo is what may be a deleted file.
type candidateInfo struct {
	Number     int                       `json:"number"`
	Name       string                    `json:"name"`
	Named      bool                      `json:"named"` // the name is the file's own
	Size       int64                     `json:"size"`
	By         undelete.Strategy         `json:"by"`
	Confidence undelete.Confidence       `json:"confidence"`
	Reason     string                    `json:"reason"`
	Bytes      map[undelete.Status]int64 `json:"bytes"`
	File       string                    `json:"file,omitempty"` // that it was extracted to
	Map        string                    `json:"map,omitempty"`
	Written    int64                     `json:"written,omitempty"`
	Blank      int64                     `json:"blank,omitempty"`
}

// An undeletion is what is asked of lunar vmfs undelete.
type undeletion struct {
	image  string
	from   string   // a backup
	dest   string   // a folder; empty: only list
	by     []string // strategies
	chosen []string // numbers and names; none: all
	choice imageChoice
}

// strategies are all strategies, the more valuable before the others.
var strategies = []string{string(undelete.BySaved), string(undelete.ByDescriptor), string(undelete.ByPointers), string(undelete.ByCarving)}

func (c *cli) vmfsUndelete() *cobra.Command {
	var (
		o output
		u = undeletion{choice: imageChoice{fresh: true}}
	)
	cmd := c.vmfsVerb("undelete IMAGE [CANDIDATE...]", "Find deleted files, and extract what is left of them", func(cmd *cobra.Command, args []string) error {
		u.image, u.chosen = args[0], args[1:]
		for _, name := range u.by {
			if !slices.Contains(strategies, name) {
				return misuse(cmd, "--by %s is none of %s", name, strings.Join(strategies, ", "))
			}
		}
		if u.dest == "" && len(u.chosen) > 0 {
			return misuse(cmd, "%s needs --dest, the folder that candidates are extracted to", cmd.CommandPath())
		}
		list, err := c.undelete(cmd.Context(), &u)
		if list == nil && err != nil {
			return err
		}
		return joined(c.print(&o, list, func() { c.showCandidates(list) }), err)
	})
	cmd.Long = `Find deleted files, and extract what is left of them to a folder elsewhere. IMAGE is only read.

Without --dest the candidates are listed, each with how sure it is and why. With it, they are
extracted: those that are named by number or name, or all. An extracted file is sparse, and beside it
is FILE.map.json, which tells what became of each of its blocks:

  free       no file has it, and the volume counts it as free
  unowned    no file has it; VMFS6 does not tell what is free
  own        the file has it still, and no directory names the file
  counted    no file has it, but the volume counts it as in use
  contested  another deleted file had it too
  stored     its contents are in the backup
  zeros      a hole, or blocks to be zeroed
  reused     a file has it now: it is left out, and reads as zeros
  lost       it cannot be found

Strategies, the more valuable before the others: saved (the maps of --from, a backup of before),
descriptor, pointers (pointer blocks that no file has), carved (partition tables and file systems in
blocks that no file has; it reads the beginning of each). On thin disks, what VMFS6 freed is
given back after a while and reads as zeros. Unmount the volume on all hosts before anything else.`
	f := cmd.Flags()
	f.StringVar(&u.from, "from", "", "the `BACKUP` with the maps of the files")
	f.StringVar(&u.dest, "dest", "", "the `FOLDER` to extract to; not on IMAGE")
	f.StringSliceVar(&u.by, "by", strategies, "the strategies to use")
	return u.choice.flags(o.flag(cmd))
}

// undelete finds candidates, and extracts them where that is asked for.
func (c *cli) undelete(ctx context.Context, u *undeletion) (list []candidateInfo, err error) {
	v, err := c.openVolume(ctx, u.image, u.choice)
	if err != nil {
		return nil, err
	}
	defer func() { err = joined(err, v.Close()) }()
	if u.dest != "" {
		if err := c.elsewhere(ctx, u.dest, u.image); err != nil {
			return nil, err
		}
	}
	found, err := c.findDeleted(ctx, u, v.Volume)
	if err != nil {
		return nil, err
	}
	list = []candidateInfo{}
	for i, one := range found {
		list = append(list, candidateInfo{Number: i + 1, Name: one.Name, Named: one.Named, Size: one.Size, By: one.By,
			Confidence: one.Confidence, Reason: one.Reason, Bytes: one.Count()})
	}
	if u.dest == "" {
		return list, nil
	}
	chosen, err := choose(list, u.chosen)
	if err != nil {
		return nil, err
	}
	out, err := openExtracts(u.dest)
	if err != nil {
		return nil, err
	}
	defer func() { err = joined(err, out.Close()) }()
	var failed failures
	for _, i := range chosen {
		if err := c.extractCandidate(ctx, out, v.Volume, &found[i], &list[i]); err != nil {
			failed = append(failed, err)
		}
		if ctx.Err() != nil {
			break
		}
	}
	if len(failed) > 0 {
		return list, failed
	}
	return list, nil
}

// findDeleted uses the strategies, in their order.
func (c *cli) findDeleted(ctx context.Context, u *undeletion, v *vmfs.Volume) ([]undelete.Candidate, error) {
	saved, made, err := savedFiles(u.from, v)
	if err != nil {
		return nil, err
	}
	s, err := undelete.Survey(ctx, v)
	if err != nil {
		return nil, err
	}
	var found []undelete.Candidate
	if slices.Contains(u.by, string(undelete.BySaved)) {
		found = s.Saved(saved, made)
	}
	if slices.Contains(u.by, string(undelete.ByDescriptor)) {
		found = append(found, s.Descriptors()...)
	}
	if slices.Contains(u.by, string(undelete.ByPointers)) {
		more, err := s.Pointers(ctx)
		if err != nil {
			return nil, err
		}
		found = append(found, more...)
	}
	if slices.Contains(u.by, string(undelete.ByCarving)) {
		p := c.progress("looking at free blocks", v.Size())
		more, err := s.Carve(ctx, func(done, all int64) { p.at.Store(done * v.Superblock().FileBlockSize()) })
		p.done()
		if err != nil {
			return nil, err
		}
		found = append(found, more...)
	}
	for _, text := range s.Problems {
		c.warn("%s", text)
	}
	return found, nil
}

// choose finds the candidates that are named by numbers or names. Without any, they are all of
// which something is left.
func choose(list []candidateInfo, names []string) (chosen []int, err error) {
	if len(names) == 0 {
		for i := range list {
			if list[i].Confidence != undelete.None {
				chosen = append(chosen, i)
			}
		}
		return chosen, nil
	}
	for _, name := range names {
		n, _ := strconv.Atoi(name) // 0 is no number of a candidate
		before := len(chosen)
		for i := range list {
			if (list[i].Number == n || list[i].Name == name) && !slices.Contains(chosen, i) {
				chosen = append(chosen, i)
			}
		}
		if len(chosen) == before {
			return nil, &control.Problem{Title: fmt.Sprintf("there is no candidate %s", name), Hint: "Leave --dest out to list them."}
		}
	}
	return chosen, nil
}

func (c *cli) showCandidates(list []candidateInfo) {
	if len(list) == 0 {
		c.printf("no deleted file was found\n")
	}
	for _, one := range list {
		c.printf("%d  %s  confidence %s, %s, %s\n", one.Number, printable(one.Name), one.Confidence, one.By, formatSize(one.Size))
		c.printf("   %s\n   %s\n", one.Reason, one.left())
		if one.File != "" {
			c.printf("   extracted to %s: %s\n", one.File, one.extracted())
		}
	}
}

// left tells what became of the candidate's blocks.
func (i *candidateInfo) left() string {
	var words []string
	for _, s := range []undelete.Status{undelete.Stored, undelete.Free, undelete.Unowned, undelete.Own, undelete.Counted, undelete.Contested, undelete.Zeros, undelete.Reused, undelete.Lost} {
		if n := i.Bytes[s]; n > 0 {
			words = append(words, formatSize(n)+" "+string(s))
		}
	}
	return strings.Join(words, ", ")
}

// extracted tells what was extracted.
func (i *candidateInfo) extracted() string {
	text := formatSize(i.Written) + " written"
	if i.Blank > 0 {
		text += ", " + formatSize(i.Blank) + " are zeros on the volume"
	}
	return text
}
