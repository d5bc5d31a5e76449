package job

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/lunarsan/lunar/stream"
)

// work sends, and prunes, the volumes of a run. Where the destination does not answer the source
// is pruned all the same, of what was sent before.
func (w *worker) work(ctx context.Context, a *assignment) {
	j, run := a.job, &a.run
	fail := func(err error) {
		if err != nil && run.Problem == nil {
			run.Problem = problem(err)
		}
	}
	source, err := w.open(ctx, j, j.sourcePeer())
	if err != nil {
		fail(err)
		return
	}
	defer func() { fail(source.Close()) }()
	var destination End
	if j.Replicates() {
		if destination, err = w.open(ctx, j, j.destinationPeer()); err != nil {
			fail(err)
		} else {
			defer func() { fail(destination.Close()) }()
		}
	}

	run.Volumes = make([]VolumeRun, len(j.Volumes))
	room := make(chan struct{}, max(j.Parallel, 1))
	var all sync.WaitGroup
	for i, v := range j.Volumes {
		room <- struct{}{}
		all.Go(func() {
			defer func() { <-room }()
			e := errand{worker: w, job: j, ask: a.ask, volume: v, out: &run.Volumes[i]}
			if err := e.run(ctx, source, destination); err != nil {
				e.out.Problem = problem(err)
			}
		})
	}
	all.Wait()
}

// open goes to an end, and tries again for as long as the job says.
func (w *worker) open(ctx context.Context, j *checked, peer string) (End, error) {
	for failures := 1; ; failures++ {
		end, err := w.r.o.Open(ctx, &j.Job, peer)
		if err == nil {
			return end, nil
		}
		wait, again := j.Retry.after(failures)
		if !again || errors.Is(err, stream.ErrForbidden) {
			return nil, err
		}
		select {
		case <-ctx.Done():
			return nil, errors.Join(ctx.Err(), err)
		case <-time.After(wait):
		}
	}
}

// An errand is what a run does for one volume.
type errand struct {
	*worker
	job    *checked
	ask    Ask
	volume Volume
	out    *VolumeRun

	sourceEnd, destinationEnd End
	source, destination       stream.Volume // destination is nil where there is none, or it does not answer
	far                       error         // why it is not found where it was looked for
}

// find finds the volumes at both ends. That of the destination may be missing.
func (e *errand) find(ctx context.Context, source, destination End) (err error) {
	e.sourceEnd, e.destinationEnd = source, destination
	e.out.Source = e.volume.Source
	if e.source, err = source.Volume(ctx, e.volume.Source); err != nil {
		return fmt.Errorf("%s: %w", e.volume.Source, err)
	}
	if destination == nil {
		return nil
	}
	e.out.Destination = e.job.Replica(e.volume, e.source.Name())
	if e.destination, err = destination.Volume(ctx, e.out.Destination); err != nil {
		e.destination, e.far = nil, fmt.Errorf("%s: %w", e.out.Destination, err)
	}
	return nil
}

func (e *errand) run(ctx context.Context, source, destination End) error {
	if err := e.find(ctx, source, destination); err != nil {
		return err
	}
	if e.destination == nil {
		return errors.Join(e.far, e.prune(ctx, false))
	}
	unlock, err := e.r.lock(ctx, e.place())
	if err != nil {
		return err
	}
	defer unlock()
	if !e.as().comes(&e.job.Job, e.volume) { // what it held was let go of, or is about to be: leave
		e.out.Notes = append(e.out.Notes, "the job does not come here any more")
		return nil
	}
	err = e.send(ctx)
	return errors.Join(err, e.prune(ctx, err == nil))
}

// place is the destination as no other volume is called.
func (e *errand) place() string { return e.job.destinationPeer() + "|" + e.out.Destination }

// want is what the job wants of a replication.
func (j *Job) want(a Ask) stream.Want {
	return stream.Want{Job: j.Name, Every: !j.Newest, History: j.History, Rollback: a.Rollback, Reseed: a.Reseed,
		Form: stream.Send{Compressed: true, Large: true, Embedded: true}}
}

func (e *errand) send(ctx context.Context) error {
	out, err := stream.Replicate(ctx, e.source, e.destination, stream.Options{
		Want:     e.job.want(e.ask),
		Retry:    func(failures int, _ error) (time.Duration, bool) { return e.job.Retry.after(failures) },
		Progress: e.progress,
	})
	e.out.Outcome = out
	for _, d := range out.Done {
		e.out.Bytes += d.Bytes
	}
	if n := out.Newest; n != nil {
		replica := Replica{Name: n.Name, GUID: n.GUID, Created: n.Created, Seen: time.Now().UTC()}
		e.note(func(s *State) {
			if e.worker.job.moved(&e.job.Job) {
				return // it is no replica of the job's any more
			}
			if s.Replicas == nil {
				s.Replicas = make(map[string]Replica)
			}
			s.Replicas[e.volume.Source] = replica
		})
	}
	return err
}

func (e *errand) progress(p stream.Progress) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.running != nil {
		e.running.Volumes[e.volume.Source] = p
	}
}

// prune destroys what the rules do not keep. It comes to the destination only when the source's
// newest have arrived there. What fails at one side does not keep it from the other.
func (e *errand) prune(ctx context.Context, there bool) error {
	here, far, err := e.decide(ctx, there)
	return errors.Join(e.destroy(ctx, e.source, here), err, e.destroy(ctx, e.destination, far))
}

// destroy destroys the snapshots of v that are not kept.
func (e *errand) destroy(ctx context.Context, v stream.Volume, decided []decision) error {
	for _, d := range decided {
		if d.Keep {
			continue
		}
		switch err := v.Destroy(ctx, d.Name); {
		case err == nil:
			e.out.Pruned = append(e.out.Pruned, d.pruned())
		case errors.Is(err, stream.ErrHeld), errors.Is(err, stream.ErrCloned), errors.Is(err, stream.ErrNoSnapshot), errors.Is(err, stream.ErrForbidden):
			e.out.Notes = append(e.out.Notes, fmt.Sprintf("not pruned: %v", err))
		default:
			return fmt.Errorf("destroying %s of %s: %w", d.Name, v.Name(), err)
		}
	}
	return nil
}

// lookHere asks the source what there is.
func (e *errand) lookHere(ctx context.Context) (stream.Side, error) {
	source, err := stream.Look(ctx, e.source)
	if err == nil && !source.There {
		err = stream.ErrNoVolume // of the errand's
	}
	return source, err
}

// decide decides about the snapshots of the source, and of the destination where it is asked for.
// With an error about the destination there are those of the source.
func (e *errand) decide(ctx context.Context, there bool) (here, far []decision, err error) {
	source, err := e.lookHere(ctx)
	if err != nil {
		return nil, nil, err
	}
	here = e.decideHere(ctx, source)
	if !there {
		return here, nil, nil
	}
	destination, err := stream.Look(ctx, e.destination)
	if err != nil {
		return here, nil, err
	}
	return here, e.decideThere(ctx, source, destination), nil
}

func (e *errand) decideHere(ctx context.Context, source stream.Side) []decision {
	others := e.others(ctx, e.sourceEnd, e.job.sourcePeer(), e.volume.Source, e.source)
	return e.job.decideHere(time.Now(), source, others)
}

func (e *errand) decideThere(ctx context.Context, source, destination stream.Side) []decision {
	others := e.others(ctx, e.destinationEnd, e.job.destinationPeer(), e.out.Destination, e.destination)
	return e.job.decideThere(time.Now(), source, destination, others)
}
