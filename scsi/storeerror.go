package scsi

import (
	"errors"

	"github.com/lunarsan/lunar/sbd"
)

// storeErrors is the one translation of what package sbd says into sense. An error that no row
// knows is an INTERNAL TARGET FAILURE. Initiators act on some of these: at 07/27/07 ESXi pauses
// the virtual machine that wrote; at 02/04/01 Linux tries again for minutes, where at 02/04/03 it
// fails the command. ESXi keeps the device at both, and waits for it.
var storeErrors = []struct {
	is          error
	read, write Sense // for commands that leave the medium as it is, and for those that write
}{
	{sbd.ErrAwaited, BecomingReady, BecomingReady},
	{sbd.ErrOffline, ManualInterventionRequired, ManualInterventionRequired},
	{sbd.ErrGone, ManualInterventionRequired, ManualInterventionRequired},
	{sbd.ErrSyncFailed, WriteError, WriteError},
	{sbd.ErrNoSpace, SpaceAllocationFailed, SpaceAllocationFailed},
	{sbd.ErrReadOnly, WriteProtected, WriteProtected},
	{sbd.ErrOutOfRange, LBAOutOfRange, LBAOutOfRange},
	{sbd.ErrMismatch, MiscompareDuringVerify, MiscompareDuringVerify},
	{sbd.ErrMedium, UnrecoveredReadError, WriteError},
}

// fault turns an error of t's handler into what the initiator is told.
func (t *Task) fault(err error) *Fault { return faultOf(err, t.row != nil && t.row.flags&writes != 0) }

// faultOf is fault for something that writes, or does not.
func faultOf(err error, writes bool) *Fault {
	var f *Fault
	if errors.As(err, &f) {
		return f
	}
	var s Sense
	switch {
	case !errors.As(err, &s):
	case s == SoftThresholdReached: // SBC-4: INFORMATION names the threshold
		return s.Info(thresholdAt)
	default:
		return &Fault{Sense: s}
	}
	for _, row := range storeErrors {
		if !errors.Is(err, row.is) {
			continue
		}
		if writes {
			return (&Fault{Sense: row.write}).Because(err)
		}
		return (&Fault{Sense: row.read}).Because(err)
	}
	return (&Fault{Sense: InternalTargetFailure}).Because(err)
}
