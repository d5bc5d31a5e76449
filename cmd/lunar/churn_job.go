package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/lunarsan/lunar/internal/control"
	"github.com/lunarsan/lunar/stream"
	"github.com/lunarsan/lunar/stream/job"
)

// job adds up what changed of the volumes of a job between its snapshots.
func (ch *churning) job(ctx context.Context, name, from, to string) (sum int, err error) {
	s, err := ch.c.client().Job(ctx, name)
	if err != nil {
		return 0, err
	}
	volumes := jobVolumes(&s)
	if len(volumes) == 0 {
		return 0, &control.Problem{Title: fmt.Sprintf("job %s has not brought anything here yet", name), Hint: "lunar job run " + name}
	}
	only := s.Job.Owns
	if s.Job.Existing {
		only = nil // it takes none of its own
	}
	for _, v := range volumes {
		n, err := ch.volume(ctx, v, from, to, only)
		if errors.Is(err, stream.ErrNoSnapshot) {
			err = &control.Problem{Title: fmt.Sprintf("job %s: %v", name, err), Hint: "lunar job run " + name + " takes one; two of them make an interval."}
		}
		if err != nil {
			return 0, noInterval(err)
		}
		sum += n
	}
	return sum, nil
}

// jobVolumes are the volumes of a job that are on this machine: what it sends, or has fetched.
func jobVolumes(s *job.Status) (names []string) {
	if !s.Job.Pull {
		for _, v := range s.Job.Volumes {
			names = append(names, v.Source)
		}
		return names
	}
	if s.Last == nil {
		return nil
	}
	for _, v := range s.Last.Volumes {
		if v.Destination != "" {
			names = append(names, v.Destination)
		}
	}
	return names
}
