package stream

import "errors"

// What volumes refuse. Each comes wrapped with the names of what it is about.
var (
	ErrNoVolume   = errors.New("there is no such volume")
	ErrNoSnapshot = errors.New("there is no such snapshot")
	ErrExists     = errors.New("there is such a snapshot already")
	ErrHeld       = errors.New("the snapshot is held")
	ErrCloned     = errors.New("the snapshot has clones")
	ErrInUse      = errors.New("the volume is in use")
	// ErrBase says that a stream does not go on from the newest snapshot here.
	ErrBase = errors.New("the stream does not go on from the newest snapshot")
	// ErrChanged says that the volume was written to since its newest snapshot.
	ErrChanged = errors.New("the volume was written to since its newest snapshot")
	// ErrStream says that a stream is damaged, or ended too early.
	ErrStream = errors.New("the stream is not whole")
	// ErrPackage says that a stream is several snapshots' (zfs send -R, -I, -p). Unpack takes it
	// apart.
	ErrPackage = errors.New("the stream is a package of several snapshots, which lunar send takes apart")
	// ErrToken says that a stream cannot be gone on with: its snapshot has gone, or what was received
	// of it does not end there any more.
	ErrToken = errors.New("the stream cannot be gone on with")
	// ErrSpace says that the place is full.
	ErrSpace = errors.New("no space is left")
	// ErrForbidden says that the machine that keeps the volume does not let us do that.
	ErrForbidden = errors.New("this is not allowed here")
)
