package job

import (
	"errors"
	"slices"

	"github.com/lunarsan/lunar/stream"
)

// moved reports whether the replicas of a job are elsewhere than those of another form of it.
func (j *Job) moved(was *Job) bool {
	return j.Peer != was.Peer || j.Pull != was.Pull || j.Root != was.Root
}

// comes reports whether a job still has a volume of another form of it, and brings it to where that did.
func (j *Job) comes(was *Job, v Volume) bool {
	return !j.moved(was) && slices.Contains(j.Volumes, v)
}

// leave takes away what the former form of a job holds where the job does not come any more. A volume
// that the run that is under way is sending is waited for, and those that it has not come to yet it
// leaves out.
func (r *Runner) leave(was, now *checked) {
	left := *was
	left.Volumes = slices.DeleteFunc(slices.Clone(was.Volumes), func(v Volume) bool {
		return now.comes(&was.Job, v)
	})
	if len(left.Volumes) == 0 {
		return
	}
	r.all.Go(func() {
		w := &worker{r: r, job: &left}
		visited, far, err := w.visit(r.ctx, Ask{}, func(e *errand) (err error) {
			if e.destination != nil {
				unlock, err := r.lock(r.ctx, e.place())
				if err != nil {
					return err
				}
				defer unlock()
				if err := stream.Forget(r.ctx, e.destination, left.Name); err != nil {
					return err
				}
			}
			stays := slices.ContainsFunc(now.Volumes, func(v Volume) bool { return v.Source == e.volume.Source })
			if stays && now.sourcePeer() == left.sourcePeer() {
				return nil // the next run sees to it
			}
			return stream.Forget(r.ctx, e.source, left.Name)
		})
		if err := errors.Join(err, far, problems(visited)); err != nil {
			r.forsake(left.Name, err)
		}
	})
}
