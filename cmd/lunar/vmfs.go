package main

import (
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"github.com/lunarsan/lunar/internal/control"
)

// vmfs has the verbs of VMFS volumes. They open what they are named themselves: the daemon is
// asked where a unit is, and nothing else.
func (c *cli) vmfs() *cobra.Command {
	cmd := c.noun("vmfs", "VMFS volumes: the file systems that ESXi makes on units",
		c.vmfsInfo(), c.vmfsLs(), c.vmfsCat(), c.vmfsExtract(), c.vmfsMap(), c.vmfsDu(), c.vmfsHosts(), c.vmfsCheck(), c.vmfsIdentity(),
		c.vmfsBackup(), c.vmfsBackups(), c.vmfsRestore(), c.vmfsUndelete(), c.vmfsResignature())
	cmd.Long = `Read VMFS volumes: the file systems that ESXi makes on units.

IMAGE is a file, a block device, an image of vmfs-tools' imager, or lu:GUID for a unit of the
daemon. It may have a partition table or be a partition. A volume with several extents is named by
all of them, in any order, with commas: a.img,b.img.

Nothing but restore and resignature --write writes to an IMAGE, and nothing locks or reserves it.`
	return cmd
}

// vmfsVerb is a verb of VMFS volumes. An image is looked at where it lies in memory: when it
// shrinks meanwhile, or its disk cannot be read, that is a fault and not an error, which is
// made one here.
func (c *cli) vmfsVerb(use, short string, do func(cmd *cobra.Command, args []string) error) *cobra.Command {
	return c.verb(use, short, func(cmd *cobra.Command, args []string) (err error) {
		defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
		defer func() {
			if r := recover(); r != nil {
				if err = faultOf(r); err == nil {
					panic(r)
				}
			}
		}()
		return do(cmd, args)
	})
}

// faultOf makes an error of a fault in memory that a file is mapped to; nil of anything else.
func faultOf(recovered any) error {
	var e runtime.Error
	err, ok := recovered.(error)
	if !ok || !errors.As(err, &e) {
		return nil
	}
	at, ok := e.(interface{ Addr() uintptr })
	if !ok || at.Addr() == 0 {
		return nil
	}
	return &control.Problem{
		Title: fmt.Sprintf("the image could not be read where it is mapped: %v", e),
		Hint:  "It shrank meanwhile, or its disk fails: see the kernel's log.",
	}
}

// joined is errors.Join, but one error remains what it is.
func joined(errs ...error) error {
	var found []error
	for _, err := range errs {
		if err != nil {
			found = append(found, err)
		}
	}
	switch len(found) {
	case 0:
		return nil
	case 1:
		return found[0]
	}
	return failures(found)
}

// count writes how many there are of something.
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
