package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"
)

// Run measures and returns what it found. It tells progress a line a round. Whatever it
// started is stopped when it returns.
func Run(ctx context.Context, c Config, progress io.Writer) (_ *Report, err error) {
	if err := c.validate(); err != nil {
		return nil, err
	}
	dir, disk, done, err := c.folders()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, done()) }()
	f := layOut(c.Set, c.Size, dir, disk)
	if err := f.make(); err != nil {
		return nil, err
	}
	r, err := start(ctx, c, f, dir)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, r.stop()) }()

	report := newReport(c, r)
	failed := map[cell]bool{}
	for round := range c.Rounds {
		began := time.Now()
		for i, load := range c.Set.Loads {
			for j := range r.targets {
				// Each round begins with another target, so that none always follows the same one.
				at := (j + round) % len(r.targets)
				t := r.targets[at]
				if failed[cell{i, at}] || !t.can(load) {
					continue
				}
				sample, err := timed(ctx, c, load, t)
				switch {
				case err == nil:
					report.Rows[i].add(at, sample)
				case t.Name() == ours && !errors.As(err, new(unsupported)) || ctx.Err() != nil:
					return nil, fmt.Errorf("%s on %s by %s: %w", load, t.Name(), load.Client, err)
				default: // what a target cannot do is a finding
					failed[cell{i, at}] = true
					first, _, _ := strings.Cut(err.Error(), "\n")
					report.Notes = append(report.Notes, fmt.Sprintf("%s fails at %s by %s: %s", t.Name(), load, load.Client, first))
				}
			}
		}
		fmt.Fprintf(progress, "round %d of %d took %v\n", round+1, c.Rounds, time.Since(began).Round(time.Second))
	}
	return report, nil
}

// folders makes a folder in memory and one on the disk; done removes them.
func (c Config) folders() (memory, disk string, done func() error, err error) {
	if memory, err = os.MkdirTemp(c.Folder, "lunar-bench-"); err != nil {
		return "", "", nil, err
	}
	if disk, err = os.MkdirTemp(c.Disk, "lunar-bench-"); err != nil {
		return "", "", nil, errors.Join(err, os.RemoveAll(memory))
	}
	return memory, disk, func() error { return errors.Join(os.RemoveAll(memory), os.RemoveAll(disk)) }, nil
}

// A cell is a load on a target, by their places in the lists.
type cell struct{ load, target int }

// timed measures, and gives up on a target that does not answer.
func timed(ctx context.Context, c Config, l Load, r *rival) (Sample, error) {
	limit := 10*time.Second + 4*c.Time + time.Duration(l.Sessions)*20*time.Millisecond
	ctx, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("not done after %v", limit))
	defer cancel()
	return l.measure(ctx, r, c.Time)
}
