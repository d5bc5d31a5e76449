package bench

import (
	"context"
	"errors"
	"fmt"
	"net"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/lunarsan/lunar/internal/peer"
)

// inside measures with our own initiator, a goroutine a session.
func inside(ctx context.Context, l Load, r *rival, about time.Duration) (_ Sample, err error) {
	if l.Storm != Calm {
		// A thread for each goroutine: the kernel, which is fair, shares out the processors
		// between the storm's and the one that is measured, and not Go, which need not be.
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(max(16, runtime.NumCPU())))
	}
	sessions := make([]*session, 0, l.Sessions)
	defer func() {
		for _, s := range sessions {
			err = errors.Join(err, s.conn.Close())
		}
	}()
	for i := range l.Sessions {
		s, err := r.session(ctx, l, i)
		if err != nil {
			return Sample{}, fmt.Errorf("session %d: %w", i+1, err)
		}
		sessions = append(sessions, s)
	}
	if l.Storm != Calm && l.Place != Inside {
		calm, failed := r.rage(ctx, l)
		if failed != nil {
			return Sample{}, fmt.Errorf("the storm: %w", failed)
		}
		defer func() { err = errors.Join(err, calm()) }()
	}
	if _, err := together(sessions, about/10); err != nil { // pools fill, caches warm
		return Sample{}, err
	}
	if l.Medium == Cold {
		if err := forget(r.files.unit(Cold).Path); err != nil {
			return Sample{}, err
		}
		for _, s := range sessions {
			s.limit = s.count + s.places
		}
	}
	m := watch(r)
	began := time.Now()
	latencies, err := together(sessions, about)
	sample := m.sample(l, latencies.total, time.Since(began))
	sample.latencies(latencies)
	if l.Storm != Calm {
		sample.CPU = 0 // the storm's too
	}
	return sample, err
}

// together runs all sessions for a while and returns the latencies of their commands.
func together(sessions []*session, about time.Duration) (*histogram, error) {
	end := time.Now().Add(about)
	errs := make([]error, len(sessions))
	var wg sync.WaitGroup
	for i, s := range sessions {
		s.latencies = histogram{}
		wg.Go(func() { errs[i] = s.run(func() bool { return time.Now().Before(end) }) })
	}
	wg.Wait()
	all := new(histogram)
	for _, s := range sessions {
		all.merge(&s.latencies)
	}
	return all, errors.Join(errs...)
}

// session opens the session of a number of a load. On the scratch unit the load has the lower
// half, and a storm the upper one.
func (r *rival) session(ctx context.Context, l Load, n int) (*session, error) {
	if l.Storm != Calm && l.Place == Inside {
		s, err := open(ctx, l.Storm.load(), r, n, r.upper(), 0)
		if err == nil {
			s.pings = true
		}
		return s, err
	}
	p := part{unit: r.files.medium[l.Medium], size: r.files.unit(l.Medium).Size}
	if l.Medium == Scratch {
		p.size /= 2
	}
	s, err := open(ctx, l, r, n, p, r.files.sparse)
	if err == nil {
		s.pings = l.Pattern == Ping
	}
	return s, err
}

// upper is the half of the scratch unit that storms have.
func (r *rival) upper() part {
	half := r.files.unit(Scratch).Size / 2
	return part{unit: r.files.medium[Scratch], first: half, size: half}
}

// stormy is the number of the initiator of storms.
const stormy = 2000

// rage begins the storm of a load. calm ends it and returns what went wrong with it.
func (r *rival) rage(ctx context.Context, l Load) (calm func() error, err error) {
	where, at := peer.Target(r), r.upper()
	if l.Place == Apart {
		if where, err = r.elsewhere(); err != nil {
			return nil, err
		}
		at.unit = 0
	}
	s, err := open(ctx, l.Storm.load(), where, stormy, at, 0)
	if err != nil {
		return nil, err
	}
	if l.Storm == Stall {
		if err := s.stall(); err != nil {
			return nil, errors.Join(err, s.conn.Close())
		}
		return s.conn.Close, nil
	}
	var over atomic.Bool
	ended := make(chan error, 1)
	go func() { ended <- s.run(func() bool { return !over.Load() }) }()
	return func() error {
		over.Store(true)
		return errors.Join(<-ended, s.conn.Close())
	}, nil
}

// stall asks for as much as the queue and the command window take, and reads none of it. The
// socket takes little, so that the target is left with the rest.
func (s *session) stall() error {
	if tcp, ok := s.conn.NetConn().(*net.TCPConn); ok {
		if err := tcp.SetReadBuffer(4 << 10); err != nil {
			return err
		}
	}
	if err := s.fill(true); err != nil {
		return err
	}
	return s.conn.Flush()
}
