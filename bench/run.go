package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"
)

// Run measures and returns what it found. It tells progress a line a round. Whatever it
// started is stopped when it returns.
func Run(ctx context.Context, c Config, progress io.Writer) (_ *Report, err error) {
	if err := c.validate(); err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp(c.Folder, "lunar-bench-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	r, err := start(ctx, c, dir)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, r.stop()) }()

	report := newReport(c, r)
	for round := range c.Rounds {
		began := time.Now()
		for i, load := range c.Loads {
			for j := range r.targets {
				// Each round begins with another target, so that none always follows the same one.
				at := (j + round) % len(r.targets)
				sample, err := load.measure(ctx, r.targets[at], c.Size, c.Time)
				if err != nil {
					return nil, fmt.Errorf("%s on %s by %s: %w", load, r.targets[at].Name(), load.Client, err)
				}
				report.Rows[i].add(at, sample)
			}
		}
		fmt.Fprintf(progress, "round %d of %d took %v\n", round+1, c.Rounds, time.Since(began).Round(time.Second))
	}
	return report, nil
}
