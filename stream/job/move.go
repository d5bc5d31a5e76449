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

// leave takes away what the former form of a job holds where the job does not come any more. The
// run that is under way is waited for, volume by volume.
func (r *Runner) leave(was, now *checked) {
	left := *was
	left.Volumes = slices.DeleteFunc(slices.Clone(was.Volumes), func(v Volume) bool {
		return !now.moved(&was.Job) && slices.Contains(now.Volumes, v)
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
