package bench

import (
	"errors"
	"fmt"
	"time"
)

// Config is what to measure. The zero value is not useful; start from Default.
type Config struct {
	Root    string        // the checkout to build lunar from
	Folder  string        // where the file that all serve is made; memory, to measure targets and not disks
	Disk    string        // where files on the disk are made, for the loads that want one
	Size    int64         // of that file, bytes
	Set     Set           // the loads
	Rounds  int           // each client runs every load on each target once a round
	Time    time.Duration // about how long one run takes
	Ceiling string        // source of the ceiling target; "" leaves it out
	Other   string        // another build of lunar to measure beside; "" for none
	Only    []string      // the targets beside lunar that are wanted; nil: all
}

// Default measures the quickest set, in a few minutes.
func Default(root string) Config {
	set := quick()
	return Config{
		Root:   root,
		Folder: "/dev/shm",
		Disk:   "/var/tmp",
		Size:   1 << 30,
		Set:    set,
		Rounds: set.Rounds,
		Time:   time.Second,
	}
}

func (c Config) validate() error {
	switch {
	case c.Rounds < 1:
		return errors.New("at least one round")
	case c.Time < time.Second:
		return errors.New("at least a second a run: iscsi-perf counts in those, and the kernel counts processor time in hundredths")
	case c.Size < 64<<20:
		return errors.New("a file of at least 64 MiB, or its pages stay in the processor's cache")
	case len(c.Set.Loads) == 0:
		return errors.New("no load to measure")
	case (c.Set.uses(Cold) || c.Set.uses(Durable)) && inMemory(c.Disk):
		return fmt.Errorf("the files of %s are in memory: name a folder on the disk (-disk)", c.Disk)
	}
	return nil
}
