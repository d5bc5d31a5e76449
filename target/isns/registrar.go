package isns

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net"
	"slices"
	"sync"
	"time"
)

// Times of a Registrar.
const (
	look     = 3 * time.Second        // between two looks at what is to be registered
	firstTry = 2 * time.Second        // after a failure; doubled with each
	lastTry  = 2 * time.Minute        // at most
	farewell = 400 * time.Millisecond // for taking it back at the end
)

// A Registrar keeps a server informed. Its exported fields are set before Run.
type Registrar struct {
	Server string // host:port
	// Entity returns what is to be registered now. It is asked again and again.
	Entity func() (Entity, error)
	Log    *slog.Logger

	// dial stands in for the network in tests.
	dial func(ctx context.Context, network, address string) (net.Conn, error)

	mu     sync.Mutex
	status State

	registered *Entity // Run's; nil: nothing is
	source     string  // that speaks for it
	period     time.Duration
	heard      time.Time // when the server last answered
}

// A State is how a registration is.
type State struct {
	Registered bool
	Targets    int           // that are registered
	Portals    int           // that they are reached through
	Period     time.Duration // that the server keeps it without hearing of us
	Heard      time.Time     // when the server last answered; zero: never
	Trouble    error         // why it is not as it should be
}

// State returns how the registration is.
func (r *Registrar) State() State {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.status
}

// Run registers and follows what changes until ctx ends, and then takes the registration back.
func (r *Registrar) Run(ctx context.Context) {
	pause := look
	for {
		err := r.update(ctx)
		if ctx.Err() != nil {
			break
		}
		if err == nil {
			pause = look
		} else if pause == look {
			pause = firstTry
		} else {
			pause = min(2*pause, lastTry)
		}
		r.tell(err)
		if wait(ctx, pause) != nil {
			break
		}
	}
	if r.registered != nil {
		end, cancel := context.WithTimeout(context.WithoutCancel(ctx), farewell)
		defer cancel()
		if err := r.withdraw(end); err != nil {
			r.Log.Warn("cannot take the registration at an iSNS server back; it expires", "server", r.Server, "error", err)
		}
	}
	r.tell(nil)
}

// wait lets d pass, or returns ctx's error when that ends first.
func wait(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// tell publishes the state, and logs what is new about it.
func (r *Registrar) tell(err error) {
	s := State{Registered: r.registered != nil, Period: r.period, Heard: r.heard, Trouble: err}
	if r.registered != nil {
		s.Targets, s.Portals = len(r.registered.Targets), len(r.registered.Portals)
	}
	r.mu.Lock()
	before := r.status
	r.status = s
	r.mu.Unlock()
	switch {
	case err != nil && before.Trouble == nil:
		r.Log.Warn("cannot register at an iSNS server", "server", r.Server, "error", err)
	case s.Registered && (!before.Registered || before.Trouble != nil || before.Targets != s.Targets || before.Portals != s.Portals):
		r.Log.Info("registered at an iSNS server", "server", r.Server, "targets", s.Targets, "portals", s.Portals, "period", s.Period)
	}
}

// update makes the server know what it should, if it does not.
func (r *Registrar) update(ctx context.Context) error {
	wanted, err := r.Entity()
	if err != nil {
		return err
	}
	wanted = wanted.sorted()
	switch {
	case r.registered == nil && wanted.vacant():
		return nil
	case r.registered == nil:
		return r.register(ctx, &wanted, wanted.source())
	case wanted.vacant():
		return r.withdraw(ctx)
	case !r.registered.equal(&wanted) && wanted.has(r.source):
		return r.register(ctx, &wanted, r.source)
	case !r.registered.equal(&wanted):
		// Who speaks for an entity has to be in it.
		if err := r.withdraw(ctx); err != nil {
			return err
		}
		return r.register(ctx, &wanted, wanted.source())
	case time.Since(r.heard) < r.period/3:
		return nil
	}
	switch known, err := r.exchange(ctx, refresh(r.source)); {
	case err == nil && len(known) > 0:
		r.heard = time.Now()
		return nil
	case err == nil, forgotten(err):
		r.registered = nil
		return r.register(ctx, &wanted, wanted.source())
	default:
		return err
	}
}

// register makes the server know e. Where it fails halfway, all is done again.
func (r *Registrar) register(ctx context.Context, e *Entity, source string) error {
	var answers []attribute
	for _, m := range e.registrations(source) {
		list, err := r.exchange(ctx, m)
		if err != nil {
			if ctx.Err() != nil { // the server may know it all the same
				r.registered, r.source = e, source
			}
			return err
		}
		answers = append(answers, list...)
	}
	r.registered, r.source, r.heard = e, source, time.Now()
	r.period = requestedPeriod * time.Second
	for _, a := range answers {
		if n, ok := a.number(); ok && a.tag == registrationPeriod && n > 0 {
			r.period = min(r.period, time.Duration(n)*time.Second)
		}
	}
	return nil
}

// withdraw makes the server forget what is registered.
func (r *Registrar) withdraw(ctx context.Context) error {
	_, err := r.exchange(ctx, r.registered.deregistration(r.source))
	if err != nil && !forgotten(err) {
		return err
	}
	r.registered, r.heard = nil, time.Now()
	return nil
}

// forgotten reports whether a server says that it knows nothing of us.
func forgotten(err error) bool {
	return errors.Is(err, statusSourceUnknown) || errors.Is(err, statusNoSuchEntry)
}

// sorted returns e in one order, whatever order it was made in.
func (e *Entity) sorted() Entity {
	s := Entity{e.ID, slices.Clone(e.Portals), slices.Clone(e.Targets)}
	slices.SortFunc(s.Portals, func(a, b Portal) int { return cmp.Or(a.Address.Compare(b.Address), cmp.Compare(a.Group, b.Group)) })
	slices.SortFunc(s.Targets, func(a, b Target) int { return cmp.Compare(a.Name, b.Name) })
	for i := range s.Targets {
		s.Targets[i].Groups = slices.Sorted(slices.Values(s.Targets[i].Groups))
	}
	return s
}
