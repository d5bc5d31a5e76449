package vmfs

import (
	"cmp"
	"context"
	"fmt"
	"slices"
)

// A Report is what a check of a volume found.
type Report struct {
	Findings []Finding `json:"findings"` // in the order of their faults, then of where they are
	// Dropped is how many more there were: of each fault, so many are kept.
	Dropped    map[Fault]int64 `json:"dropped,omitempty"`
	NotChecked []string        `json:"notChecked,omitempty"` // what is not known well enough, in words
	Counts     Counts          `json:"counts"`
}

// Counts is how much there is on the volume.
type Counts struct {
	Files         int64 `json:"files"`       // by the descriptors in use
	System        int64 `json:"systemFiles"` // of them
	Directories   int64 `json:"directories"`
	Deleted       int64 `json:"deleted"` // descriptors that still tell of a deleted file
	Hosts         int64 `json:"hosts"`   // registered
	FileBlocks    Use   `json:"fileBlocks"`
	SubBlocks     Use   `json:"subBlocks"`
	PointerBlocks Use   `json:"pointerBlocks"` // of both kinds
}

// Use is how many there are of a resource, and how many of them files own.
type Use struct {
	Total int64 `json:"total"`
	Owned int64 `json:"owned"`
}

// A Finding is one thing that is wrong.
type Finding struct {
	Fault Fault  `json:"fault"`
	Level Level  `json:"level"`
	Where string `json:"where"` // "/vm1/disk.vmdk (descriptor 0x400184)", "file blocks 7 to 9"
	What  string `json:"what"`

	about FDAddress // the descriptor whose path where begins with, once it is known; 0 for none
	at    int64     // for the order
}

// Clean reports that nothing is wrong; notes may be there.
func (r *Report) Clean() bool {
	return !slices.ContainsFunc(r.Findings, func(f Finding) bool { return f.Level > Note })
}

// maxFindings bounds how many findings of one fault are kept.
const maxFindings = 1000

// Check compares everything on the volume that says a thing twice: descriptors, directories,
// addresses, bitmaps, counts, locks. It reads all metadata once, and no file's data. Memory
// goes by a bit for each block, and a few bytes for each descriptor. progress, when there is
// one, hears from time to time which part of the whole is done, from 0 to 1.
//
// A volume that hosts write to meanwhile is never quite consistent: what a check says of it has
// to be checked again.
//
// An error is one of reading, or of a volume without descriptors. What is damaged is a finding.
func (v *Volume) Check(ctx context.Context, progress func(done float64)) (*Report, error) {
	if progress == nil {
		progress = func(float64) {}
	}
	c := &checker{ctx: ctx, v: v, progress: progress, report: &Report{Findings: []Finding{}, Dropped: make(map[Fault]int64)}, found: make(map[Fault]int)}
	if err := c.run(); err != nil {
		return nil, err
	}
	progress(1)
	return c.report, nil
}

// run takes the steps.
func (c *checker) run() error {
	for _, step := range []func() error{c.volume, c.resources, c.hosts, c.descriptors, c.tree, c.links, c.owners, c.bitmaps} {
		if err := step(); err != nil {
			return err
		}
	}
	c.finish()
	return nil
}

// checker is a check that is running. Its steps are in files of their own, in this order:
// check_volume.go, check_resources.go, check_hosts.go, check_descriptors.go, check_tree.go (and
// check_hashed.go for directories of VMFS6), check_bitmaps.go.
type checker struct {
	ctx      context.Context
	v        *Volume
	progress func(float64)
	report   *Report
	found    map[Fault]int // findings in the report

	heartbeats Heartbeats
	kinds      [8]*owned // by AddressType; nil where the volume has none
	fds        fdStates  // by number: the cluster's times its length, and the resource's
	budget     int64     // how many more addresses are followed: what is shared without end has one
	gaveUp     bool      // for it was used up
	paths      map[FDAddress]string
	hashed     int // entries of VMFS6 found by their hash
	unhashed   []Finding
}

// find adds a finding.
func (c *checker) find(fault Fault, where, format string, args ...any) {
	c.add(Finding{Fault: fault, Where: where, What: fmt.Sprintf(format, args...)})
}

// findFile adds a finding about a descriptor.
func (c *checker) findFile(fault Fault, fd FDAddress, format string, args ...any) {
	c.add(Finding{Fault: fault, What: fmt.Sprintf(format, args...), about: fd, at: int64(fd.Cluster()<<10 | fd.Resource())})
}

func (c *checker) add(f Finding) {
	f.Level = f.Fault.Level()
	if c.found[f.Fault] == maxFindings {
		c.report.Dropped[f.Fault]++
		return
	}
	c.found[f.Fault]++
	c.report.Findings = append(c.report.Findings, f)
}

// finish says where the findings are, and sorts them.
func (c *checker) finish() {
	for i := range c.report.Findings {
		f := &c.report.Findings[i]
		if f.about == 0 {
			continue
		}
		f.Where = fmt.Sprintf("descriptor %s", f.about)
		if path := c.paths[f.about]; path != "" {
			f.Where = fmt.Sprintf("%s (%s)", path, f.Where)
		}
	}
	slices.SortStableFunc(c.report.Findings, func(a, b Finding) int {
		return cmp.Or(-cmp.Compare(a.Level, b.Level), cmp.Compare(a.Fault, b.Fault), cmp.Compare(a.at, b.at))
	})
}
