package scsi

import (
	"maps"
	"slices"
	"sync/atomic"
)

// A Function is a task management function (SAM-5).
type Function uint8

const (
	AbortTask Function = iota + 1
	AbortTaskSet
	ClearACA
	ClearTaskSet
	LogicalUnitReset
	TargetReset // every unit that the nexus sees
	QueryTask
	QueryTaskSet
)

// A Response answers a task management function (SAM-5).
type Response uint8

const (
	FunctionComplete  Response = iota // done; no affected task touches the medium any more
	FunctionSucceeded                 // query: there is such a task
	TaskNotThere                      // no such task: it was answered before, or never came
	LUNNotThere
	FunctionNotSupported
)

// Manage performs a task management function and calls done when no affected task can touch
// the medium any more: on this goroutine or later on another. tag is the task's for AbortTask
// and QueryTask.
//
// Affected tasks that have not begun to run come back to their ports as Aborted; those that a
// port still gathers Data-Out for are Aborted when they are submitted. Of those that run, the
// long ones stop and come back Aborted too; the others are left to their end and come back with
// their true status: AbortTask then answers TaskNotThere. All that come by Done do so before
// done.
func (n *Nexus) Manage(f Function, lun LUN, tag uint64, done func(Response)) {
	seen := n.luns.Load()
	if f == TargetReset {
		n.reset(slices.Collect(maps.Values(seen.paths)), done)
		return
	}
	number, ok := lun.Number()
	p := seen.paths[number]
	if !ok || p == nil {
		done(LUNNotThere)
		return
	}
	tasks := &p.unit.tasks
	this := func(t *Task) bool { return n.owns(t) && t.Tag == tag }
	switch f {
	case AbortTask:
		n.abortTask(p, this, done)
	case AbortTaskSet:
		b := newBarrier(func() { done(FunctionComplete) })
		tasks.abort(b, n.owns, never)
		b.settle(false)
	case ClearTaskSet:
		n.clearTaskSet(p, done)
	case LogicalUnitReset:
		n.reset([]*path{p}, done)
	case QueryTask:
		done(found(tasks.has(this)))
	case QueryTaskSet:
		done(found(tasks.has(n.owns)))
	default: // CLEAR ACA: there never is an ACA condition, since NACA is refused
		done(FunctionNotSupported)
	}
}

func found(yes bool) Response {
	if yes {
		return FunctionSucceeded
	}
	return FunctionComplete
}

func (n *Nexus) abortTask(p *path, this func(*Task) bool, done func(Response)) {
	b := newBarrier(nil)
	b.done = func() {
		if b.answered.Load() {
			done(TaskNotThere)
		} else {
			done(FunctionComplete)
		}
	}
	if p.unit.tasks.abort(b, this, never) == 0 {
		b.answered.Store(true)
	}
	b.settle(false)
}

// clearTaskSet aborts everybody's tasks on p's unit. The others learn of it by TASK ABORTED
// status if TAS says so, else by a unit attention (SAM-5, aborting commands).
func (n *Nexus) clearTaskSet(p *path, done func(Response)) {
	lu := p.unit
	tell := lu.modes.tas.Load()
	others := make(map[*path]bool)
	b := newBarrier(func() { done(FunctionComplete) })
	lu.tasks.abort(b,
		func(t *Task) bool {
			if !n.owns(t) {
				others[t.path] = true
			}
			return true
		},
		func(t *Task) bool { return tell && !n.owns(t) })
	if !tell {
		for o := range others {
			o.raise(CommandsCleared)
		}
	}
	b.settle(false)
}

// reset resets the units of paths (SAM-5, logical unit reset): aborts all their tasks, ends
// reservations by RESERVE, puts the mode pages back and tells every nexus, the one that asked too.
func (n *Nexus) reset(paths []*path, done func(Response)) {
	b := newBarrier(func() { done(FunctionComplete) })
	for _, p := range paths {
		lu := p.unit
		tell := lu.modes.tas.Load()
		lu.tasks.abort(b,
			func(*Task) bool { return true },
			func(t *Task) bool { return tell && !n.owns(t) })
		lu.reset()
	}
	b.settle(false)
}

// reset puts the unit's SCSI state back to what it is after power on.
func (lu *LogicalUnit) reset() {
	lu.mu.Lock()
	lu.releaseAny()
	lu.mu.Unlock()
	lu.modes.reset()
	lu.raise(ResetOccurred, nil)
}

// A barrier is what a management function waits for: the affected tasks that run, and the
// function's own work.
type barrier struct {
	left     atomic.Int32
	answered atomic.Bool // an affected task ended with its true status
	done     func()
}

func newBarrier(done func()) *barrier {
	b := &barrier{done: done}
	b.left.Store(1)
	return b
}

func (b *barrier) settle(answered bool) {
	if answered {
		b.answered.Store(true)
	}
	if b.left.Add(-1) == 0 {
		b.done()
	}
}

type barriers []*barrier

// settle tells all of l that a task which they waited for has ended.
func (l barriers) settle(answered bool) {
	for _, b := range l {
		b.settle(answered)
	}
}

func never(*Task) bool { return false }
