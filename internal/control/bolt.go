package control

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"runtime/debug"
	"time"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"
)

// boltFile is the state's name inside the state directory.
const boltFile = "state.db"

// lockWait is how long a starting daemon waits for one that is ending.
const lockWait = 500 * time.Millisecond

var boltBucket = []byte("lunar")

// boltState is a State in one bbolt file.
type boltState struct{ db *bbolt.DB }

// openBolt opens the state in dir and makes both when they are not there. The file stays
// locked until Close: ErrStateInUse for everybody else.
func openBolt(dir string) (State, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, &Problem{
			Title: fmt.Sprintf("cannot make the state directory: %v", err),
			Hint:  "Choose another with --state DIR, or run as a user that may write there.",
			cause: err,
		}
	}
	path := filepath.Join(dir, boltFile)
	_, err := os.Stat(path)
	made := errors.Is(err, fs.ErrNotExist)
	db, err := openWhole(path)
	if err == nil {
		err = prepare(db)
	}
	switch {
	case errors.Is(err, bolterrors.ErrTimeout):
		return nil, &Problem{
			Title: fmt.Sprintf("%s: %v", dir, ErrStateInUse),
			Hint:  "Stop the other daemon, or give this one a directory of its own with --state DIR.",
			cause: ErrStateInUse,
		}
	case errors.Is(err, fs.ErrPermission):
		return nil, &Problem{
			Title: fmt.Sprintf("cannot open the state: %v", err),
			Hint:  "Run as the user that owns it, or choose another directory with --state DIR.",
			cause: err,
		}
	case err != nil && made:
		return nil, &Problem{
			Title: fmt.Sprintf("cannot make the state %s: %v", path, errors.Join(err, os.RemoveAll(path))),
			Hint:  "Look at the disk that is to hold it: is it full or failing? Or choose another directory with --state DIR.",
			cause: err,
		}
	case err != nil:
		return nil, damaged(path, err)
	}
	return &boltState{db}, nil
}

// prepare makes the bucket, where it is not there: a disk that is full takes no needless write. A
// database that it fails for is closed.
func prepare(db *bbolt.DB) error {
	var there bool
	err := db.View(func(tx *bbolt.Tx) error {
		there = tx.Bucket(boltBucket) != nil
		return nil
	})
	if err == nil && !there {
		err = db.Update(func(tx *bbolt.Tx) error {
			_, err := tx.CreateBucket(boltBucket)
			return err
		})
	}
	if err != nil {
		return errors.Join(err, db.Close())
	}
	return nil
}

// damaged is the problem of a state file that cannot be read.
func damaged(path string, err error) *Problem {
	return &Problem{
		Title: fmt.Sprintf("%s: %v: %v", path, ErrStateDamaged, err),
		Hint:  "Restore the file from a backup, or move it away to start with an empty state; the units' data are not in it.",
		cause: ErrStateDamaged,
	}
}

// openWhole opens the database at path and reads all of it once. bbolt trusts what it reads,
// and a file that was cut short faults where it is mapped to: both end the process unless
// they come here. After such an end the file stays locked, by a process that has no use for it.
func openWhole(path string) (db *bbolt.DB, err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if p := recover(); p != nil {
			db, err = nil, fmt.Errorf("%v", p)
		}
	}()
	db, err = bbolt.Open(path, 0o600, &bbolt.Options{Timeout: lockWait})
	if err != nil {
		return nil, err
	}
	err = db.View(func(tx *bbolt.Tx) error {
		info, err := os.Stat(path)
		if err != nil {
			return err
		}
		if info.Size() < tx.Size() {
			return fmt.Errorf("it has %d bytes of %d", info.Size(), tx.Size())
		}
		b := tx.Bucket(boltBucket)
		if b == nil {
			return nil
		}
		return b.ForEach(func(k, v []byte) error {
			if n := int64(len(k)) + int64(len(v)); n > info.Size() {
				return fmt.Errorf("it has a record of %d bytes", n)
			}
			return nil
		})
	})
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}

func (s *boltState) View(f func(Tx) error) error {
	return s.db.View(func(tx *bbolt.Tx) error { return f(boltTx{tx.Bucket(boltBucket)}) })
}

func (s *boltState) Update(f func(Tx) error) error {
	var refused error
	err := s.db.Update(func(tx *bbolt.Tx) error {
		refused = f(boltTx{tx.Bucket(boltBucket)})
		return refused
	})
	if err != nil && refused == nil {
		return &Problem{
			Title: fmt.Sprintf("cannot save the state %s: %v", s.db.Path(), err),
			Hint:  "Nothing was changed. Look at the disk that holds the state: is it full or failing?",
			cause: err,
		}
	}
	return err
}

func (s *boltState) Close() error { return s.db.Close() }

type boltTx struct{ b *bbolt.Bucket }

func (t boltTx) Get(key string) []byte              { return t.b.Get([]byte(key)) }
func (t boltTx) Put(key string, value []byte) error { return t.b.Put([]byte(key), value) }
func (t boltTx) Delete(key string) error            { return t.b.Delete([]byte(key)) }

func (t boltTx) Scan(prefix string) iter.Seq2[string, []byte] {
	return func(yield func(string, []byte) bool) {
		p := []byte(prefix)
		c := t.b.Cursor()
		for k, v := c.Seek(p); k != nil && bytes.HasPrefix(k, p); k, v = c.Next() {
			if !yield(string(k), v) {
				return
			}
		}
	}
}
