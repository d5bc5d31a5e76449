package job

import (
	"context"
	"time"

	"github.com/lunarsan/lunar/stream"
)

// An End is a machine that has volumes of a job: this one, or its peer.
type End interface {
	// Volume finds a volume by the name that the job has for it. Whether it is there is seen when
	// it is asked for something.
	Volume(ctx context.Context, name string) (stream.Volume, error)
	// Take takes a snapshot of each volume, all of one instant, and tells for how long writes
	// stood still. Either all have it then, or the error says that not all do.
	Take(ctx context.Context, volumes []string, snapshot string) (still time.Duration, err error)
	Close() error
}

// Open goes to where volumes of j are: to a peer, or, where that is "", to this machine.
type Open func(ctx context.Context, j *Job, peer string) (End, error)

// A Journal keeps what is remembered of jobs. A job that it does not know has the zero State.
type Journal interface {
	Load(ctx context.Context, job string) (State, error)
	Save(ctx context.Context, job string, s State) error
}
