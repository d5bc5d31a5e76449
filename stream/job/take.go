package job

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// take takes a snapshot of all volumes, with the commands around it.
func (w *worker) take(ctx context.Context, j *checked, run *Run) (err error) {
	end, err := w.r.o.Open(ctx, &j.Job, j.sourcePeer())
	if err != nil {
		return fmt.Errorf("no snapshot was taken: %w", err)
	}
	defer func() { err = errors.Join(err, end.Close()) }()
	// Names, and times in ZFS, are of whole seconds: no two snapshots are of one.
	at := run.Started
	if free := w.taken.Truncate(time.Second).Add(time.Second); at.Before(free) {
		at = free
		select {
		case <-time.After(time.Until(free)): // at once where saving that the run begins took as long
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	name := j.snapshotName(at)
	defer func() { w.taken = time.Now() }()
	if j.After != "" {
		defer func() {
			// What Before has stopped goes on, also when all else is given up.
			err = errors.Join(err, j.hook(context.WithoutCancel(ctx), j.After, name))
		}()
	}
	if j.Before != "" {
		if err := j.hook(ctx, j.Before, name); err != nil {
			return fmt.Errorf("no snapshot was taken: %w", err)
		}
	}
	volumes := make([]string, len(j.Volumes))
	for i, v := range j.Volumes {
		volumes[i] = v.Source
	}
	if run.Still, err = end.Take(ctx, volumes, name); err != nil {
		return fmt.Errorf("taking the snapshot %s: %w", name, err)
	}
	run.Snapshot = name
	return nil
}
