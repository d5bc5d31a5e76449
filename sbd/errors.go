package sbd

import (
	"errors"
	"fmt"
)

// The ways a store or unit fails. Everything that leaves this package wraps one of these.
var (
	ErrWouldBlock = errors.New("would block")                            // try again where blocking is allowed
	ErrOutOfRange = errors.New("beyond the end of the store")            // off or n outside Size
	ErrNoSpace    = errors.New("no space left behind the store")         // ENOSPC, EDQUOT
	ErrReadOnly   = errors.New("the store is read-only")                 // EROFS, opened so, or set so
	ErrGone       = errors.New("the store has gone")                     // vanished, truncated, device removed
	ErrMedium     = errors.New("the medium failed")                      // EIO and everything else from below
	ErrOffline    = errors.New("the unit is offline")                    // no store attached, or taken offline
	ErrAwaited    = fmt.Errorf("%w for now", ErrOffline)                 // ErrOffline that ends by itself: the store is expected
	ErrSyncFailed = errors.New("an earlier sync failed")                 // until an operator looks
	ErrInUse      = errors.New("the store is in use")                    // by another unit, process or mount
	ErrStopped    = errors.New("stopped by the caller")                  // Op.Stop said so, between two pieces
	ErrChanged    = errors.New("the source of the copy has changed")     // since its Watch began
	ErrReleased   = errors.New("the units' writes go on again")          // what was to be done while they stood still came too late
	ErrMismatch   = errors.New("the data differ from what was expected") // compare failed
)
