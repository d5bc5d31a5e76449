package sbd

// A Unit is one logical unit: identity, geometry, and the store behind it.
type Unit struct{}

// NewUnit returns a unit without a store: offline until Attach.
func NewUnit(id Identity, cfg Config) *Unit { panic("unwritten") }

func (u *Unit) Identity() Identity { panic("unwritten") }
func (u *Unit) Config() Config     { panic("unwritten") }

// Size returns the capacity in bytes; it may grow (Resize).
func (u *Unit) Size() int64 { panic("unwritten") }

// Advice returns the store's, or the zero value while offline.
func (u *Unit) Advice() Advice { panic("unwritten") }

// Attach brings the unit online on s. It owns s from then on.
func (u *Unit) Attach(s Store) error { panic("unwritten") }

// Detach takes the unit offline: waits until no call is inside the store, closes it, and
// answers ErrOffline, wrapped with the reason, from then on.
func (u *Unit) Detach(reason error) error { panic("unwritten") }

// Err tells why the unit cannot be used, or nil: ErrOffline and its reason, ErrSyncFailed.
func (u *Unit) Err() error { panic("unwritten") }

// Durable reports whether writes are answered only when they are durable (WCE=0).
func (u *Unit) Durable() bool { panic("unwritten") }

// SetWriteCache changes WCE.
func (u *Unit) SetWriteCache(on bool) { panic("unwritten") }
