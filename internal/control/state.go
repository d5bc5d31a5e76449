package control

import (
	"errors"
	"iter"
)

// State keeps records under ordered keys. A transaction is seen whole or not at all, by other
// transactions and after a crash at any moment.
type State interface {
	// View runs f on an unchanging picture of the state.
	View(f func(Tx) error) error
	// Update runs f and then saves what it changed; when it returns nil, a power loss keeps
	// the change. An error of f abandons the change and is returned as it is. f may run more
	// than once and must have no other effect.
	Update(f func(Tx) error) error
	// Close gives the state back to other processes.
	Close() error
}

// Tx is a transaction. Its values are valid until it ends, and must not be changed.
type Tx interface {
	// Get returns the value of key, or nil.
	Get(key string) []byte
	// Scan yields the keys that begin with prefix, in ascending order.
	Scan(prefix string) iter.Seq2[string, []byte]
	// Put sets key. It fails in a View.
	Put(key string, value []byte) error
	// Delete removes key; a key that is not there is no error. It fails in a View.
	Delete(key string) error
}

var (
	// ErrStateInUse says that another process has the state.
	ErrStateInUse = errors.New("the state is in use by another lunar daemon")
	// ErrStateDamaged says that the state cannot be read.
	ErrStateDamaged = errors.New("the state is damaged")
	// ErrStateNewer says that a newer program wrote the state.
	ErrStateNewer = errors.New("the state was written by a newer lunar")
)
