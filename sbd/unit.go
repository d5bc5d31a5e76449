package sbd

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"sync"
	"sync/atomic"
)

// A Unit is one logical unit: identity, geometry, and the store behind it. Use NewUnit.
//
// Every call that enters the store holds a range of locks meanwhile (see enter), so that
// whoever locks the whole unit knows that no call is inside the store.
type Unit struct {
	// Troubled, set before the first use, hears when Err has something new to say of an online
	// unit: a sync failed, or a call found that the store has gone. It is called by whoever met
	// that, and must not block.
	Troubled func()

	id    atomic.Pointer[Identity] // replaced, never changed
	order uint64                   // random; of two units a copy claims the lower first

	locks  rangeLock
	state  atomic.Pointer[state]
	commit committer // makes writes durable
	counts counts
	gone   atomic.Pointer[error] // ErrGone as a call met it, until a sync finds the store whole

	watches atomic.Pointer[[]*Watch] // replaced under mu, never changed; nil: none

	size       atomic.Int64
	writeCache atomic.Bool
	readOnly   atomic.Bool
	space      atomic.Pointer[Space] // as measured last
	full       atomic.Bool           // see SetFull

	attaching sync.Mutex // Attach and Detach one at a time; held while Detach drains

	mu  sync.Mutex // cfg; never held across I/O
	cfg Config     // Size, WriteCache and ReadOnly live above
}

// state is what stands behind a unit at a time: a store, or the reason why there is none.
type state struct {
	store   Store
	reader  TryReader // nil where the store lacks it
	writer  TryWriter
	offline error // ErrOffline and the reason; nil with a store
}

// NewUnit returns a unit without a store: offline until Attach. A cfg.Size of 0 stands for
// the whole of the first store attached.
func NewUnit(id Identity, cfg Config) *Unit {
	u := &Unit{cfg: cfg, order: rand.Uint64()}
	u.id.Store(&id)
	u.commit.done.L = &u.commit.mu
	u.counts.failed = u.notice
	u.size.Store(cfg.Size)
	u.writeCache.Store(cfg.WriteCache)
	u.readOnly.Store(cfg.ReadOnly)
	u.state.Store(offline(fmt.Errorf("%w: no store was attached yet", ErrAwaited)))
	return u
}

func offline(reason error) *state {
	switch {
	case reason == nil:
		reason = errors.New("no reason was given")
	case errors.Is(reason, ErrOffline):
		return &state{offline: reason}
	}
	return &state{offline: fmt.Errorf("%w: %w", ErrOffline, reason)}
}

// Identity returns what initiators know the unit by. Its device type and block size never
// change.
func (u *Unit) Identity() Identity { return *u.id.Load() }

// SetIdentity makes the unit another one to initiators.
func (u *Unit) SetIdentity(id Identity) error {
	was := u.id.Load()
	if id.DeviceType != was.DeviceType || id.BlockSize != was.BlockSize {
		return fmt.Errorf("unit %s: a unit keeps its device type and block size", was.GUID)
	}
	u.id.Store(&id)
	return nil
}

// Config returns the configuration in force.
func (u *Unit) Config() Config {
	u.mu.Lock()
	defer u.mu.Unlock()
	cfg := u.cfg
	cfg.Size = u.size.Load()
	cfg.WriteCache = u.writeCache.Load()
	cfg.ReadOnly = u.readOnly.Load()
	return cfg
}

// Size returns the capacity in bytes; it may grow (Resize).
func (u *Unit) Size() int64 { return u.size.Load() }

// Durable reports whether writes are answered only when they are durable (WCE=0).
func (u *Unit) Durable() bool { return !u.writeCache.Load() }

// SetWriteCache changes WCE.
func (u *Unit) SetWriteCache(on bool) { u.writeCache.Store(on) }

// ReadOnly reports whether writes answer ErrReadOnly whatever the store says.
func (u *Unit) ReadOnly() bool { return u.readOnly.Load() }

// SetReadOnly makes writes answer ErrReadOnly, or lets them through to the store again.
func (u *Unit) SetReadOnly(on bool) { u.readOnly.Store(on) }

// SetAlias changes the name that people see.
func (u *Unit) SetAlias(alias string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.cfg.Alias = alias
}

// Advice returns the store's, or the zero value while offline.
func (u *Unit) Advice() Advice {
	op := Op{MayBlock: true}
	on, err := u.enterStore(&op, reads)
	if err != nil {
		return Advice{}
	}
	defer u.leave(&op)
	return advise(on.store)
}

// Attach brings the unit online on s, which must hold Size bytes at least. The unit owns s
// from then on; after an error it is still the caller's. A unit that is online already
// answers ErrInUse.
func (u *Unit) Attach(s Store) error {
	u.attaching.Lock()
	defer u.attaching.Unlock()
	id := u.id.Load()
	if u.state.Load().offline == nil {
		return fmt.Errorf("unit %s: %w: it has a store already, detach that first", id.GUID, ErrInUse)
	}
	if offset := u.Config().Offset; offset > 0 {
		var err error
		if s, err = Shift(s, offset); err != nil {
			return fmt.Errorf("unit %s: %w", u.Identity().GUID, err)
		}
	}
	size, has := u.size.Load(), s.Size()
	switch {
	case size == 0:
		block := int64(max(id.BlockSize, 1))
		if size = has / block * block; size == 0 {
			return fmt.Errorf("unit %s: the store holds %d bytes, less than a block of %d: %w",
				id.GUID, has, block, ErrOutOfRange)
		}
	case has < size:
		return fmt.Errorf("unit %s: the store holds %d bytes and the unit needs %d: %w",
			id.GUID, has, size, ErrOutOfRange)
	}
	u.size.Store(size)
	u.gone.Store(nil)
	if space, err := measure(s); err == nil {
		u.SetSpace(space)
	}
	u.state.Store(online(s))
	return nil
}

func online(s Store) *state {
	on := &state{store: s}
	on.reader, _ = s.(TryReader)
	on.writer, _ = s.(TryWriter)
	return on
}

// Detach takes the unit offline: calls that come from now on answer ErrOffline, wrapped with
// the reason, or a reason that wraps ErrAwaited as it is; it waits until no call is inside the store and closes it. It does not sync: what
// was to be durable is so already. Detaching a unit that is offline changes the reason.
func (u *Unit) Detach(reason error) error {
	u.attaching.Lock()
	defer u.attaching.Unlock()
	was := u.state.Swap(offline(reason))
	if was.offline != nil {
		return nil
	}
	var h hold
	u.locks.lock(&h, gate, whole, true, true)
	defer u.locks.unlock(&h)
	u.touch(0, math.MaxInt64) // nobody knows what the next store holds
	return was.store.Close()
}

// Err tells why the unit cannot be used, or nil: ErrOffline and its reason, ErrSyncFailed and
// its cause, ErrGone. The last does not keep calls from trying the store.
func (u *Unit) Err() error {
	if err := u.state.Load().offline; err != nil {
		return err
	}
	if err := u.commit.fault(); err != nil {
		return err
	}
	if err := u.gone.Load(); err != nil {
		return *err
	}
	return nil
}

// notice looks at the failure of a call: a store that has gone is remembered.
func (u *Unit) notice(err error) {
	if errors.Is(err, ErrGone) && !errors.Is(err, ErrOffline) && u.gone.CompareAndSwap(nil, &err) {
		u.tell()
	}
}

// tell calls Troubled.
func (u *Unit) tell() {
	if u.Troubled != nil {
		u.Troubled()
	}
}

// ClearFault forgets a failed sync: an operator has looked, and what was lost is lost.
func (u *Unit) ClearFault() {
	u.commit.forget()
	u.gone.Store(nil)
}

// An access is how a call uses the bytes it claims.
type access uint8

const (
	reads   access = iota // beside others
	changes               // beside others, but not while writes stand still (Hold)
	alone
)

// enter claims [off, off+n) for op and returns the store to use until leave.
func (u *Unit) enter(op *Op, off, n int64, how access) (*state, error) {
	if off < 0 || n < 0 || n > math.MaxInt64-off {
		return nil, u.outOfRange(off, n)
	}
	on, err := u.claim(op, off, off+n, how)
	if err == nil && off+n > u.size.Load() {
		u.leave(op)
		return nil, u.outOfRange(off, n)
	}
	return on, err
}

// enterStore is enter for calls that touch no particular bytes.
func (u *Unit) enterStore(op *Op, how access) (*state, error) { return u.claim(op, gate, 0, how) }

func (u *Unit) claim(op *Op, off, end int64, how access) (*state, error) {
	// Calls to a unit that is going offline need not queue behind those it waits for.
	if err := u.state.Load().offline; err != nil {
		return nil, err
	}
	op.hold.reads = how == reads
	if !u.locks.lock(&op.hold, off, end, how == alone, op.MayBlock) {
		return nil, ErrWouldBlock
	}
	// Loaded under the lock: Detach closes only what nobody can have loaded so.
	on := u.state.Load()
	if on.offline != nil {
		u.leave(op)
		return nil, on.offline
	}
	return on, nil
}

// enterBoth is enter for two ranges of n bytes: from's shared and into's exclusively. They are
// left by unlockBoth.
func (u *Unit) enterBoth(from *Op, fromOff int64, into *Op, intoOff, n int64) (*state, error) {
	for _, off := range []int64{fromOff, intoOff} {
		if off < 0 || n < 0 || n > math.MaxInt64-off {
			return nil, u.outOfRange(off, n)
		}
	}
	if err := u.state.Load().offline; err != nil {
		return nil, err
	}
	from.hold.reads, into.hold.reads = false, false
	from.hold.off, from.hold.end = fromOff, fromOff+n
	into.hold.off, into.hold.end = intoOff, intoOff+n
	u.locks.lockBoth(&from.hold, &into.hold)
	on, err := u.state.Load(), error(nil)
	switch {
	case on.offline != nil:
		err = on.offline
	case max(fromOff, intoOff)+n > u.size.Load():
		err = u.outOfRange(max(fromOff, intoOff), n)
	default:
		return on, nil
	}
	u.locks.unlockBoth(&from.hold, &into.hold)
	return nil, err
}

func (u *Unit) leave(op *Op) { u.locks.unlock(&op.hold) }

func (u *Unit) outOfRange(off, n int64) error {
	return fmt.Errorf("%d bytes at %d of %d: %w", n, off, u.size.Load(), ErrOutOfRange)
}
