package scsi

import (
	"errors"
	"slices"
	"time"

	"github.com/lunarsan/lunar/internal/buffer"
	"github.com/lunarsan/lunar/sbd"
)

const (
	// longestCopy is when a copy is given up: initiators have a time limit too, and then copy
	// by themselves.
	longestCopy = 30 * time.Second
	// copyWorkers is how many pieces of a copy are under way at a time.
	copyWorkers = 4
	// guestTag is the tag of guests, which no port gives.
	guestTag = ^uint64(0)
)

// A copyRun is a copy of t under way. On the units that take part in it beside t's own it is a
// guest: a task of the same nexus in their task sets, so that whoever aborts the tasks there, or
// waits for them, waits for the copy too.
type copyRun struct {
	t       *Task
	record  *copyRecord
	started time.Time
	buffers []*buffer.Buffer
	guests  []guest
	into    []*path // written to, and not synced
}

// A guest is a copy in the task set of a unit that takes part in it.
type guest struct {
	*Task
	host host
}

// A host is a task set that takes guests. It is an interface since the table of commands must
// not refer to itself, and what ends a task looks into it.
type host interface {
	visit(g *Task)
	part(g *Task)
}

// beginCopy begins a copy in pieces of n bytes at most. The caller owes it a leave.
func (t *Task) beginCopy(record *copyRecord, n int64) (*copyRun, error) {
	r := &copyRun{t: t, record: record, started: time.Now()}
	b, err := t.scratch(sbd.CopyPiece)
	for ; err == nil && b != nil; b = t.lu().pool.TryGet(sbd.CopyPiece) {
		r.buffers = append(r.buffers, b)
		if len(r.buffers) == copyWorkers || int64(len(r.buffers))*sbd.CopyPiece >= n {
			break
		}
	}
	return r, err
}

// leave gives everything back. Nothing of the copy touches a medium any more.
func (r *copyRun) leave() {
	for _, b := range r.buffers {
		b.Put()
	}
	for _, g := range r.guests {
		g.host.part(g.Task)
	}
}

// A refusal is why a unit may not be copied from or to.
type refusal struct {
	side  byte // copySource or copyDestination
	cause error
}

func (r *refusal) Error() string { return r.cause.Error() }

// copy copies e, and ends when watch, if there is one, says that the source has changed. What it
// wrote is durable after sync.
func (r *copyRun) copy(e copyExtent, watch *sbd.Watch) error {
	r.visit(e.from)
	r.visit(e.into)
	if err := r.mayGoOn(e.from, e.into); err != nil {
		return err
	}
	c := sbd.Copy{
		From: e.from.unit.unit, FromOff: e.fromOff, Off: e.intoOff, N: e.n, Late: true, Watch: watch, Done: &r.record.moved,
		Between: func() error { return r.mayGoOn(e.from, e.into) },
	}
	for _, b := range r.buffers {
		c.Buffers = append(c.Buffers, b.Bytes()[:sbd.CopyPiece])
	}
	if !slices.Contains(r.into, e.into) {
		r.into = append(r.into, e.into)
	}
	return e.into.unit.unit.CopyFrom(c)
}

// visit makes the copy a guest on p's unit.
func (r *copyRun) visit(p *path) {
	p.use(time.Since(p.unit.born))
	at := func(g guest) bool { return g.path.unit == p.unit }
	if p.unit == r.t.lu() || slices.ContainsFunc(r.guests, at) {
		return
	}
	g := guest{&Task{nexus: r.t.nexus, path: p, row: r.t.row, Tag: guestTag}, &p.unit.tasks}
	g.host.visit(g.Task)
	r.guests = append(r.guests, g)
}

// mayGoOn is asked before each piece: whether the task is still wanted, in time, and allowed to
// do what a READ(16) from the one unit and a WRITE(16) to the other by its nexus would be.
func (r *copyRun) mayGoOn(from, into *path) error {
	if r.t.cancelled() {
		return errCancelled
	}
	if time.Since(r.started) > longestCopy {
		return CopyResourcesExhausted
	}
	n := r.t.nexus
	for _, side := range []struct {
		p    *path
		as   Opcode
		side byte
	}{{from, opRead16, copySource}, {into, opWrite16, copyDestination}} {
		var err error
		flags := n.commands[side.as].flags
		switch s := n.access.Load().refuses(flags); {
		case !n.sees(side.p):
			err = LogicalUnitNotSupported
		case r.sentAway(side.p):
			err = TaskAborted
		case s != NoSense:
			err = s
		default:
			err = side.p.permits(flags)
		}
		if err != nil {
			return &refusal{side.side, err}
		}
	}
	return nil
}

// sentAway reports whether somebody has aborted what the copy is on p's unit.
func (r *copyRun) sentAway(p *path) bool {
	for _, g := range r.guests {
		if g.path.unit == p.unit {
			return g.cancelled()
		}
	}
	return false
}

// sees reports whether p is among the paths of n.
func (n *Nexus) sees(p *path) bool {
	for _, o := range n.luns.Load().paths {
		if o == p {
			return true
		}
	}
	return false
}

// sync makes what was copied as durable as writes to the units are.
func (r *copyRun) sync() error {
	var errs []error
	for _, p := range r.into {
		u := p.unit.unit
		if !u.Durable() {
			continue
		}
		if err := u.Sync(&sbd.Op{MayBlock: true}); err != nil {
			errs = append(errs, &sbd.CopyError{Err: err})
		}
	}
	r.into = nil
	return errors.Join(errs...)
}
