package scsi

import (
	"errors"
	"runtime/debug"
	"time"

	"github.com/lunarsan/lunar/sbd"
)

// execute runs t's checks, once, and its handler. It returns what the handler returned.
func (t *Task) execute() (err error) {
	defer t.catch(&err)
	t.inWanted = 0
	if !t.checked {
		t.checked = true
		if err := t.check(); err != nil {
			return err
		}
	} else if err := t.recheck(); err != nil {
		return err
	}
	return t.row.run(t)
}

// recheck repeats what others may have changed while t waited.
func (t *Task) recheck() error {
	if t.path.conflicts(t.row.flags) {
		return ReservationConflict
	}
	return t.lu().barsMedium(t.row.flags)
}

// check does what comes before a handler, in the order of SAM-5 and SPC-5.
func (t *Task) check() error {
	if t.path == nil {
		return t.refused
	}
	flags := commandFlags(0)
	if t.row != nil {
		flags = t.row.flags
	}
	if flags&noAttention == 0 {
		if s := t.path.attention(); s != NoSense {
			return s
		}
	}
	if t.refused != nil {
		return t.refused
	}
	if s := t.nexus.access.Load().refuses(flags); s != NoSense {
		return s
	}
	return t.path.permits(flags)
}

// permits tells why a command with flags may not come by p now, whatever it asks for: nil, a
// status or an error.
func (p *path) permits(flags commandFlags) error {
	lu := p.unit
	if p.conflicts(flags) {
		return ReservationConflict
	}
	if flags&offline == 0 {
		if err := lu.unit.Err(); err != nil && errors.Is(err, sbd.ErrOffline) {
			return err
		}
	}
	if err := lu.barsMedium(flags); err != nil {
		return err
	}
	if flags&writes != 0 && lu.writeProtected() {
		return WriteProtected
	}
	return nil
}

// finish turns what the handler returned into the task's result.
func (t *Task) finish(err error) {
	switch e := err.(type) {
	case nil:
		t.Status = Good
	case Status:
		t.Status = e
	default:
		t.fail(t.fault(err))
	}
	if t.path == nil {
		if t.Status != Good {
			t.remember(time.Now(), 0)
		}
		return
	}
	lu := t.lu()
	ended := lu.metrics.count(t)
	if took := ended - t.started; t.Status != Good || took >= lu.Slow || primitives[t.CDB.Opcode()] != 0 {
		t.remember(lu.born.Add(ended), took)
	}
}

// Fail gives t a result for what its port found wrong, after Abandon: CHECK CONDITION.
func (t *Task) Fail(s Sense) {
	t.fail(&Fault{Sense: s})
	t.remember(time.Now(), 0)
}

func (t *Task) fail(f *Fault) {
	t.Status = CheckCondition
	t.In, t.InLen = nil, 0
	t.Cause = f.cause
	t.Sense.encode(f, t.path != nil && t.lu().modes.dsense.Load())
}

// catch answers for a handler that panicked, with INTERNAL TARGET FAILURE.
func (t *Task) catch(err *error) {
	cause := recover()
	if cause == nil {
		return
	}
	*err = InternalTargetFailure
	if t.path != nil && t.lu().Panicked != nil {
		t.lu().Panicked(cause, debug.Stack())
	}
}
